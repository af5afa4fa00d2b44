"""A trained field, read from its folder: the rigid map and a network that changes its transform. No torch.

The network is evaluated as cryoDRGN's are (`coordinate_network.py`, `network_values.py`): the same layers, at the
frequencies of a ball.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...particles.resample import resample_box
from ..cryodrgn.coordinate_network import CoordinateNetwork
from ..cryodrgn.cryodrgn_config import CryodrgnConfig
from ..cryodrgn.frequency_points import FrequencyPoints, all_points, low_points
from ..cryodrgn.hartley_map import lattice_values, map_of_ball, map_of_lattice
from ..cryodrgn.network_values import card_values, graphics_card, network_values, processors
from ..interface import DecodeOptions, Model
from ..model_files import present, read_arrays, read_stage, read_stage_map, unfit

_QUICK = 2.5e9  # multiplications for a map that follows the hand: about a twelfth of a second of two processors
_LEAST = 5  # frequencies that it has in any case
_EXTENT = 0.5  # of the lattice of frequencies, from -½ to ½


@dataclass(frozen=True, eq=False, kw_only=True)
class FieldModel(Model):
    """A coordinate network, read from a train job. Density comes and goes, but nothing moves.

    ``volume`` is the map at the mean of the latents; ``rigid`` ``(N, N, N)``, which the network changes. ``points`` are
    the frequencies that the network was trained at, on the lattice of ``config``, whose box is that of the images;
    ``amplitude`` ``(D // 2 + 1,)`` by shell is what its numbers are in units of. Grey values are mass per voxel of
    ``stage_box``, whatever the box.
    """

    kind = "field"

    rigid: np.ndarray
    config: CryodrgnConfig
    network: CoordinateNetwork
    points: FrequencyPoints
    amplitude: np.ndarray
    stage_box: int

    def decode(self, z: np.ndarray | Sequence[float], how: DecodeOptions = DecodeOptions()) -> np.ndarray:  # noqa: B008
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point ``(K,)``."""
        latent, points = self.checked(z), self.points
        quick = how.quick and len(points) * self.network.cost > _QUICK
        if quick:
            points = low_points(points, self._quick_radius)
        card = graphics_card() if how.threads is None and not quick else None
        if card is not None:
            values = card_values(self.config, self.network, points, latent, card)
        else:
            values = network_values(self.config, self.network, points, latent, how.threads)
        values *= self._scale(points)[:, None]
        if quick or self.box != self.config.box:
            change = map_of_ball(points, values, 0.0, 1.0, self.box)
            change *= np.float32((self.config.box / self.stage_box) ** 3)
        else:
            change = map_of_lattice(lattice_values(points, values, 0.0, 1.0), how.threads or processors())
        return self.rigid + change

    def _scale(self, points: FrequencyPoints) -> np.ndarray:
        """The amplitude ``(n,)`` at the points, linearly between shells."""
        half = len(points.axis) // 2
        squared = sum((number.astype(np.float32) - half) ** 2 for number in (points.x, points.y, points.z))
        scale = np.interp(np.sqrt(squared), np.arange(len(self.amplitude)), self.amplitude)
        return np.where(squared > 0, scale, 0).astype(np.float32)  # images say nothing of the mean density

    @property
    def _quick_radius(self) -> int:
        """Frequencies of a map that follows the hand: fewer of a larger network."""
        share = 0.5 if self.points.mirrored.any() else 1.0
        radius = (_QUICK / self.network.cost / share / (4 / 3 * np.pi)) ** (1 / 3)
        return int(min(max(radius, _LEAST), self.box // 2 - 1))

    def coarser(self, box: int) -> FieldModel:
        """The same model on an even, smaller box over the same field of view, of the frequencies within its ball."""
        return replace(
            self,
            points=low_points(self.points, box // 2 - 1),
            volume=resample_box(self.volume, box),
            rigid=resample_box(self.rigid, box),
            box=box,
            pixel_size=self.pixel_size * self.box / box,
        )

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays that make it the model that it is."""
        return self.latents, self.rigid, self.amplitude, *self.network.matrices, *self.network.offsets


def read_field_model(folder: Path, about: dict) -> FieldModel:
    """The field in a folder whose model.json says ``about``; ``InputError`` where its files do not fit together."""
    path, dims, box = folder / "field.npz", about["latent_dims"], about["box"]
    arrays = read_arrays(present(path))
    for problem, wrong in _problems(arrays, dims, box):
        if wrong:
            raise unfit(path, problem)
    count = sum(name.startswith("matrix_") for name in arrays)
    matrices, offsets = (tuple(arrays[f"{name}_{number}"] for number in range(count)) for name in ("matrix", "offset"))
    directions = arrays["directions"] * np.float32(box / (box // 2))  # in units of the lattice's
    network = CoordinateNetwork(matrices, offsets, 0.0, directions)
    domain = "hartley" if network.outputs == 1 else "fourier"
    config = CryodrgnConfig(
        file=path, side=box + 1, extent=_EXTENT, zdim=dims, domain=domain, encoding="gaussian",
        encoding_dims=len(directions) // 3, slope=0.0, mean=0.0, std=1.0, searched=False,
        tilt_series=False, dataset={},
    )  # fmt: skip
    points = low_points(all_points(config), int(min(arrays["radius"], about["stage_box"] / 2 - 1)))
    return FieldModel(
        rigid=read_stage_map(folder / "rigid_map.mrc", about), config=config, network=network, points=points,
        amplitude=arrays["amplitude"], stage_box=about["stage_box"], **read_stage(folder, about),
    )  # fmt: skip


def _problems(arrays: dict[str, np.ndarray], dims: int, box: int):
    """What may be wrong with a field.npz, and whether it is; the first that is says why it cannot be read."""
    count = sum(name.startswith("matrix_") for name in arrays)
    names = [f"{name}_{number}" for name in ("matrix", "offset") for number in range(count)]
    missing = [name for name in (*names, "directions", "amplitude", "radius") if name not in arrays]
    yield "lacks " + "".join(missing[:1]), missing
    yield "has no network", count < 2
    yield "holds numbers that are not finite", not all(
        array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays.values()
    )
    yield "has directions that are not an (n, 3) array, n in threes", (
        arrays["directions"].ndim != 2 or arrays["directions"].shape[1] != 3 or len(arrays["directions"]) % 3
    )
    yield f"has amplitudes that are not those of {box} pixels", arrays["amplitude"].shape != (box // 2 + 1,)
    yield "has a radius that is none", arrays["radius"].shape != () or not arrays["radius"] >= 1
    widths = [2 * len(arrays["directions"]) + dims, *(arrays[f"offset_{number}"].size for number in range(count))]
    yield f"has layers that do not fit one another, or {dims} latent dimensions", widths[-1] not in (1, 2) or any(
        arrays[f"matrix_{number}"].shape != (after, before) or arrays[f"offset_{number}"].shape != (after,)
        for number, (before, after) in enumerate(zip(widths, widths[1:]))
    )
