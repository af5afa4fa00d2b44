"""What is beside the weights in a work folder of cryoDRGN: its particles, and what its analyses found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...particles.mrc import read_header
from ...particles.particles import Particles
from ...particles.pickles import load_arrays_pickle
from ..image_folders import kept_folder
from ..origin import GivenClusters, GivenColumn
from .cryodrgn_analysis import read_kmeans, read_landscape, read_paths, read_states, read_umap
from .cryodrgn_config import CryodrgnConfig
from .cryodrgn_folder import CryodrgnFolder
from .cryodrgn_particles import (
    STACKS,
    TABLES,
    FoundPoses,
    chosen_rows,
    config_path,
    given_width,
    read_cryodrgn_particles,
)

_MAPS = ("analyze*/kmeans*/*.mrc", "analyze*/pc*/*.mrc", "analyze*/*.mrc", "reconstruct*.mrc")


@dataclass(frozen=True, eq=False)
class CryodrgnOrigin:
    """An `Origin`; ``count`` particles have latents in ``epoch``. ``unread`` : damaged files of newer ones;
    ``missing`` : files of theirs that are not there.
    """

    folder: CryodrgnFolder
    config: CryodrgnConfig
    epoch: int
    count: int
    unread: tuple[Path, ...] = ()
    missing: tuple[Path, ...] = ()

    keys = None

    @property
    def program(self) -> str:
        """Whose folder it is."""
        return self.folder.program

    @property
    def source(self) -> Path | None:
        """Where the particles' file is, or was."""
        return config_path(self.config, "particles")

    @cached_property
    def pixel_size(self) -> float:
        """Å per voxel of the maps: of the CTF table, of the particles' file, of cryoDRGN's own maps of the same box, or
        1 where none is there.
        """
        return self._known_pixel_size or (self._written_maps[1] if self._written_maps else 1.0)

    @cached_property
    def _known_pixel_size(self) -> float | None:
        try:
            moved = kept_folder(self.folder.folder, self.folder.folder.absolute().name)
            path = config_path(self.config, "ctf", moved)
            if path is not None and path.is_file():
                first = np.asarray(load_arrays_pickle(path)[0], float)
                return _credible(first[0] * first[1] / self.config.box)
            path = config_path(self.config, "particles", moved)
            if path is not None and path.suffix in (*STACKS, *TABLES) and path.is_file():  # trained without a CTF table
                return _credible(given_width(self.config, path, moved) / self.config.box)
        except (InputError, OSError, TypeError, ValueError, IndexError):
            pass
        return None

    @cached_property
    def _written_maps(self) -> tuple[Path, float] | None:
        """A map that cryoDRGN has written beside the model, and Å per voxel of all that say it: 1 is what they have
        where nobody did. None where there are none, or they differ.
        """
        place = self.folder.folder
        files = [file for pattern in _MAPS for file in sorted(place.glob(pattern))[:1]]
        sizes = {file: size for file in files if (size := _map_pixel_size(file, self.config.box)) is not None}
        first = next(iter(sizes), None)
        alike = first is not None and all(abs(size - sizes[first]) < 1e-3 for size in sizes.values())
        return (first, sizes[first]) if first is not None and alike else None

    @cached_property
    def identity(self) -> str:
        """Another one for other particles: a digest of the config's paths and of the number of particles."""
        about = [self.count, *(str(self.config.dataset.get(name)) for name in ("particles", "ind"))]
        return hashlib.sha256(repr(about).encode()).hexdigest()

    def all_particles(self, image_root: Path | None) -> Particles:
        """Those of the particles' file; ``InputError`` of tilt series, whose latents are not of single images."""
        if self.config.tilt_series:
            raise InputError(f"{self.config.file}: was trained on tilt series, whose images FlexRec does not read; its "
                             "maps and latents are all there is.")  # fmt: skip
        return read_cryodrgn_particles(self.config, image_root, self._found_poses)

    @property
    def _found_poses(self) -> FoundPoses | None:
        """Of the epoch, where the training has searched for them or refined them."""
        path = self.folder.poses(self.epoch)
        return FoundPoses(path, self.config.shift_unit) if self.config.poses_found and path.is_file() else None

    def rows(self, count: int, image_root: Path | None) -> np.ndarray:
        """``(n,)``, which of the ``count`` in the file have latents; ``InputError`` where they are not so many."""
        rows = chosen_rows(self.config, count, image_root)
        if len(rows) != self.count:
            raise InputError(f"{self.folder.folder}: has latents of {self.count} particles, but {self.source} and its "
                             f"selection are of {len(rows)}; put the file there that it was trained on.")  # fmt: skip
        return rows

    @cached_property
    def umap(self) -> np.ndarray | None:
        """See `Origin`."""
        return read_umap(self.folder, self.epoch, self.count)

    @cached_property
    def clusters(self) -> GivenClusters | None:
        """See `Origin`."""
        return read_kmeans(self.folder, self.epoch, self.count)

    @cached_property
    def columns(self) -> dict[str, GivenColumn]:
        """See `Origin`."""
        return read_landscape(self.folder, self.epoch, self.count)

    @cached_property
    def states(self) -> dict[str, np.ndarray]:
        """See `Origin`."""
        return read_states(self.folder, self.epoch, self.config.zdim) if self.config.zdim else {}

    @cached_property
    def paths(self) -> dict[str, Path]:
        """See `Origin`."""
        return read_paths(self.folder, self.epoch)

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Origin`."""
        sentences = []
        if self.unread:
            names = ", ".join(file.name for file in self.unread)
            sentences.append(f"A newer epoch is passed over, since the end of {names} is missing: wait until it is "
                             "written, or copy it again.")  # fmt: skip
        if self.missing:
            sentences.append(f"A newer epoch is passed over, since {self.missing[0].name} is missing: copy it too, or "
                             "wait until it is written.")  # fmt: skip
        if self._known_pixel_size is None and self._written_maps:
            file, size = self._written_maps
            sentences.append(f"Its pixel size, {size:.4g} Å, is that of {file.relative_to(self.folder.folder)}, as the "
                             "CTF table and the images are not where the config says.")  # fmt: skip
        elif self._known_pixel_size is None:
            sentences.append("Its pixel size is not known (the CTF table and the images are not where the config "
                             "says), and 1 Å is taken: say in which folder they are (flexrec images), and open it "
                             "again.")  # fmt: skip
        if "poses" not in self.config.dataset and not self.config.tilt_series:
            sentences.append(self._pose_note)
        if self.config.searched and self.program == "cryoDRGN" and self.epoch == 0:
            sentences.append("Epoch 0 is its pretraining, whose poses and latents are random: open a later one.")
        if self.config.zdim == 0:
            sentences.append("It is of one map: z1 changes nothing.")
        there = [f"{len(self.states)} states ({next(iter(self.states))} and so on)"] if self.states else []
        there += [f"the path {name} (flexrec path points {file})" for name, file in self.paths.items()]
        there += [f"the column {name}" for name in self.columns]
        if there:
            sentences.append(f"{self.program} has left beside it {', '.join(there)}.")
        return tuple(sentences)

    @property
    def _pose_note(self) -> str:
        """Where the poses are from, of a training that searched for them."""
        path = self.folder.poses(self.epoch)
        if path.is_file():
            return f"The particles' poses are those that it has found ({path.name}), in the frame and hand of its maps."
        return (f"Its poses were searched for in training and are not there ({path.name}); those of the particles' "
                "file, if it has any, are of another frame than the maps.")  # fmt: skip


def _map_pixel_size(file: Path, box: int) -> float | None:
    """None of maps of another box, which may have been made coarser under the pixel size of the others."""
    try:
        header = read_header(file)
    except InputError:
        return None
    size = _credible(header.pixel_size)
    return size if header.columns == box and size is not None and abs(size - 1) > 1e-3 else None


def _credible(pixel_size: float) -> float | None:
    return float(pixel_size) if np.isfinite(pixel_size) and 0.1 <= pixel_size <= 100 else None
