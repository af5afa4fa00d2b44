"""A model that cryoDRGN has trained, decoded from its weights by FlexRec: the map that its own eval_vol writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...particles.pickles import load_arrays_pickle
from ...particles.resample import resample_box
from ..interface import DecodeOptions, Model
from .coordinate_network import CoordinateNetwork, network_of
from .cryodrgn_config import CryodrgnConfig
from .cryodrgn_folder import LAST, CryodrgnFolder, epoch_within, is_whole
from .cryodrgn_origin import CryodrgnOrigin
from .cryodrgn_particles import posed_count
from .frequency_points import FrequencyPoints, all_points, low_points, masked_points
from .hartley_map import lattice_values, map_of_ball, map_of_lattice
from .network_values import card_values, graphics_card, network_values, processors

_QUICK = 2.5e9  # multiplications for a map that follows the hand: about a twelfth of a second of two processors
_LEAST = 5  # frequencies that it has in any case


@dataclass(frozen=True, eq=False, kw_only=True)
class CryodrgnModel(Model):
    """A coordinate network, read from a work folder of cryoDRGN.

    ``volume`` is the map at the mean of the latents, of low frequencies alone. ``points`` are the frequencies that the
    network is asked for. A training of one map (train_nn) has a latent dimension in which nothing changes.
    """

    kind = "cryoDRGN"

    config: CryodrgnConfig
    network: CoordinateNetwork
    points: FrequencyPoints

    def decode(self, z: np.ndarray | Sequence[float], how: DecodeOptions = DecodeOptions()) -> np.ndarray:  # noqa: B008
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point ``(K,)``."""
        latent = self.checked(z)[: self.config.zdim]
        quick = how.quick and len(self.points) * self.network.cost > _QUICK
        if quick or self.box != self.config.box:
            points = low_points(self.points, self._quick_radius) if quick else self.points
            values = network_values(self.config, self.network, points, latent, how.threads)
            return map_of_ball(points, values, self.config.mean, self.config.std, self.box)
        card = graphics_card() if how.threads is None else None
        if card is not None:
            values = card_values(self.config, self.network, self.points, latent, card)
        else:
            values = network_values(self.config, self.network, self.points, latent, how.threads)
        lattice = lattice_values(self.points, values, self.config.mean, self.config.std)
        return map_of_lattice(lattice, how.threads or processors())

    @property
    def _quick_radius(self) -> int:
        """Frequencies of a map that follows the hand: fewer of a larger network."""
        share = 0.5 if self.points.mirrored.any() else 1.0
        radius = (_QUICK / self.network.cost / share / (4 / 3 * np.pi)) ** (1 / 3)
        return int(min(max(radius, _LEAST), self.box // 2 - 1))

    def coarser(self, box: int) -> CryodrgnModel:
        """The same model on an even, smaller box over the same field of view, of the frequencies within its ball."""
        return replace(
            self,
            points=low_points(self.points, box // 2 - 1),
            volume=resample_box(self.volume, box),
            box=box,
            pixel_size=self.pixel_size * self.box / box,
        )

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays that make it the model that it is."""
        directions = () if self.network.directions is None else (self.network.directions,)
        return (self.latents, *self.network.matrices, *self.network.offsets, *directions)

    @property
    def progress(self) -> str:
        """Who decodes it, and of which epoch."""
        program = "cryoDRGN" if self.origin is None else self.origin.program
        return f"decoded by FlexRec from {program}'s weights, epoch {self.epoch}"


def read(path: Path) -> CryodrgnModel:
    """The newest epoch in a work folder, or that of the weights' file that is named.

    ``InputError``, a sentence, where files are missing, damaged, or do not fit together.
    """
    folder = CryodrgnFolder.of(path if path.is_dir() else path.parent)
    config = folder.config()
    epoch, unread, missing = _epoch(folder, path, config)
    checkpoint = load_arrays_pickle(folder.weights[epoch])
    network = network_of(config, _weights(checkpoint, config, folder.weights[epoch]), folder.weights[epoch])
    latents = _latents(folder, epoch, config)
    points = masked_points(config, _radius(checkpoint)) if config.searched else all_points(config)
    origin = CryodrgnOrigin(folder, config, epoch, len(latents), unread, missing)
    model = CryodrgnModel(
        latents=latents, volume=np.zeros((config.box,) * 3, np.float32), latent_dims=latents.shape[1], box=config.box,
        pixel_size=origin.pixel_size, centre=np.full(3, config.box // 2 * origin.pixel_size),
        epoch=epoch_within(checkpoint) if epoch == LAST else epoch, file=folder.weights[epoch], origin=origin,
        config=config, network=network, points=points,
    )  # fmt: skip
    finite = latents[np.isfinite(latents).all(axis=1)]
    return replace(model, volume=model.decode(finite.mean(axis=0), DecodeOptions(quick=True)))


def _epoch(
    folder: CryodrgnFolder, path: Path, config: CryodrgnConfig
) -> tuple[int, tuple[Path, ...], tuple[Path, ...]]:  # fmt: skip
    """Which epoch is meant by a folder, or a file in it; and the files of newer ones that are damaged, or missing.

    Those are half written or half copied. Where none is whole the newest is meant: to open it says what it lacks.
    """
    named = next((epoch for epoch, file in folder.weights.items() if file == path), None)
    if named is not None:
        return named, (), ()
    epochs = folder.newest_first(config.zdim > 0)
    missing = folder.missing_after(max(epochs)) if config.zdim and epochs[0] != LAST else ()
    damaged: list[Path] = []
    for epoch in epochs:
        files = [folder.weights[epoch], *([folder.z[epoch]] if config.zdim else [])]
        broken = [file for file in files if not is_whole(file)]
        if not broken:
            return epoch, tuple(damaged), missing
        damaged += broken
    return epochs[0], (), missing


def _weights(checkpoint: Any, config: CryodrgnConfig, file: Path) -> dict[str, np.ndarray]:
    name = "hypervolume_state_dict" if config.searched else "model_state_dict"
    weights = checkpoint.get(name) if isinstance(checkpoint, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(array, np.ndarray) for array in weights.values()):
        raise InputError(f"{file}: has no {name}, so it is no checkpoint of the kind that {config.file.name} speaks "
                         "of; copy the folder again.")  # fmt: skip
    return weights


def _radius(checkpoint: dict) -> float | None:
    radius = checkpoint.get("output_mask_radius")
    return float(radius) if isinstance(radius, int | float | np.number) and radius > 0 else None


def _latents(folder: CryodrgnFolder, epoch: int, config: CryodrgnConfig) -> np.ndarray:
    """``(n, K)`` float32; of a training of one map zeros, for as many particles as have poses, one where that is not
    known.
    """
    if config.zdim == 0:
        return np.zeros((posed_count(config, folder.poses(epoch)) or 1, 1), np.float32)
    if epoch not in folder.z:
        name = f"{folder.latents}.pkl" if epoch == LAST else f"{folder.latents}.{epoch}.pkl"
        raise InputError(f"{folder.weights[epoch]}: the latents of this epoch are missing ({name}); copy them, or open "
                         "another epoch.")  # fmt: skip
    return read_latents(folder.z[epoch], config)


def read_latents(file: Path, config: CryodrgnConfig) -> np.ndarray:
    """``(n, K)`` float32 of a file of them; ``InputError`` where it has none that the config can be of."""
    latents = load_arrays_pickle(file)
    if not isinstance(latents, np.ndarray) or latents.ndim != 2 or latents.dtype.kind != "f" or not len(latents):
        raise InputError(f"{file}: holds no table of latents; copy the folder again.")
    if latents.shape[1] != config.zdim:
        raise InputError(f"{file}: has {latents.shape[1]} numbers for each particle where {config.file.name} says "
                         f"{config.zdim}; the two are of different trainings, copy the folder again.")  # fmt: skip
    if not np.isfinite(latents).all(axis=1).any():
        raise InputError(f"{file}: no particle's latents are numbers, so there is nothing to show; open another epoch.")
    return latents.astype(np.float32)
