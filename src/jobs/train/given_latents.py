"""Latents to begin a training with: of another training, of another program, or of a table, matched by image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...explore.shared_images import image_keys, matched_by_row, prepared_keys, prepared_source, source_of
from ...explore.trained_model import open_trained
from ...models.cryodrgn.cryodrgn_folder import CryodrgnFolder, file_epoch, weights_beside
from ...models.cryodrgn.cryodrgn_model import read_latents
from ...models.map_series.latent_table import SUFFIXES, read_table
from ...models.opening import checkpoint_of, program_of
from ...models.variability.components_table import read_components
from ...particles.image_match import Keys, matched
from ...particles.prepared import Prepared
from ..inputs import job_file


@dataclass(frozen=True, eq=False)
class GivenLatents:
    """z : ``(n, k)`` float32, one for each of the prepared particles. partner : ``(n,)`` bool, those whose images are
    in the file; the others lie in the middle. by : how images were matched, in words.
    """

    z: np.ndarray
    partner: np.ndarray
    by: str

    def sentence(self, path: Path) -> str:
        """What is to be said of them."""
        missing = int(np.count_nonzero(~self.partner))
        sentence = f"Latents of {path.name}: matched by {self.by}."
        if not missing:
            return sentence
        return (f"{sentence} {missing} of {len(self.z)} particles have no partner there and begin in the middle of the "
                "others.")  # fmt: skip


def given_latents(path: Path, prepared: Prepared) -> GivenLatents:
    """The latents in a file or folder, brought into the order of the prepared particles.

    ``path`` : a train job of FlexRec's; a folder that another program left, or one of the files there that stand for
    an epoch; cryoDRGN's z.N.pkl; a .cs with the components of 3D Variability or 3D Flex; an .npz, .npy, .csv or .tsv of
    latents, with the names of the images or their uid, or in the particles' order. ``InputError`` where it is none, or
    fits too few.
    """
    z, keys = _read(path, prepared)
    if keys is None:
        finite = np.isfinite(z).all(axis=1)
        centre = z[finite].mean(axis=0, dtype=float).astype(np.float32)  # a half model has not placed the others
        why = "they are of the same prep job" if _is_model(path) else "the file names no images"
        return GivenLatents(np.where(finite[:, None], z, centre), finite, f"their order, as {why}")
    match = matched(keys, prepared_keys(prepared.particles, prepared.folder))
    if not len(match) and (path.is_dir() or path.suffix.lower() == ".pkl"):
        folder = path if path.is_dir() else path.parent  # all epochs in it have the same particles
        match = matched_by_row(lambda: source_of(open_trained(folder)),
                               lambda: prepared_source(prepared.particles, prepared.folder))  # fmt: skip
    match_z = z[match.first]
    placed = np.isfinite(match_z).all(axis=1)
    if placed.sum() < max(2, len(prepared.particles) // 10):
        raise InputError(f"{path}: has latents of {int(placed.sum())} of the {len(prepared.particles)} particles, by "
                         "uid, by the names of their images, or by rows whose images look alike; give those of the "
                         "same particles.")  # fmt: skip
    given = np.tile(match_z[placed].mean(axis=0, dtype=float).astype(np.float32), (len(prepared.particles), 1))
    given[match.second[placed]] = match_z[placed]
    partner = np.zeros(len(given), bool)
    partner[match.second[placed]] = True
    return GivenLatents(given, partner, match.by)


def _read(path: Path, prepared: Prepared) -> tuple[np.ndarray, Keys | None]:
    """``(m, k)`` latents, and what their images are known by; None where they are in the particles' order."""
    reader = _READERS.get(path.suffix.lower()) if path.is_file() else None
    folder = path if path.is_dir() else path.parent
    if path.name == "latents.npz" and (folder / "model.json").is_file():
        reader, path = None, folder
    if reader is not None:
        return reader(path)
    if not (folder / "model.json").is_file() and program_of(folder) is None:
        return _of_table(job_file(path, "latents.npz"))
    trained = open_trained(path)
    if trained.model.origin is None and trained.prepared.resolve() == prepared.folder.resolve():
        return trained.latents, None
    return trained.latents, image_keys(trained)


def _is_model(path: Path) -> bool:
    """Whether latents are those of a model, and not of a table of a person's own."""
    folder = path.parent if path.name == "latents.npz" else path
    return (folder / "model.json").is_file()


def _of_table(path: Path) -> tuple[np.ndarray, Keys | None]:
    table = read_table(path)
    if not table.of_particles and not np.isfinite(table.z).all():
        raise InputError(f"{path}: array z must be particles x dimensions of finite numbers.")
    return table.z, table.keys if table.of_particles else None


def _of_pickle(path: Path) -> tuple[np.ndarray, Keys | None]:
    """Those of an epoch of cryoDRGN's, whose particles its config names."""
    epoch = file_epoch(path)
    if epoch is None:
        raise InputError(f"{path}: is not named as cryoDRGN's latents are (z.N.pkl, conf.N.pkl); give one of those, or "
                         "an .npz.")  # fmt: skip
    if program_of(path.parent, None) is None:
        raise InputError(f"{path}: has no config.yaml of cryoDRGN's beside it, so its particles cannot be told; copy "
                         "that too, or give an .npz.")  # fmt: skip
    weights = weights_beside(path, epoch)
    if weights.is_file():
        trained = open_trained(weights)
        return trained.latents, image_keys(trained)
    # another epoch of the same training has the same particles, and other latents
    latents = read_latents(path, CryodrgnFolder.of(path.parent).config())
    trained = open_trained(checkpoint_of(path.parent))
    if len(latents) != len(trained.latents):
        raise InputError(f"{path}: has latents of {len(latents)} particles where the other epochs in its folder have "
                         f"{len(trained.latents)}; copy the folder again.")  # fmt: skip
    return latents, image_keys(trained)


def _of_cs(path: Path) -> tuple[np.ndarray, Keys | None]:
    components = read_components(path)
    return components.latents, components.keys


_Reader = Callable[[Path], tuple[np.ndarray, Keys | None]]
_READERS: dict[str, _Reader] = {**dict.fromkeys(SUFFIXES, _of_table), ".pkl": _of_pickle, ".cs": _of_cs}
