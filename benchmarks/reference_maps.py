"""What a model of motion is measured against: the rigid map (no motion known) and the oracle's (true motion known)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from chimerax.flexrec.engine.backproject import BackProjector
from chimerax.flexrec.engine.simulate import Truth
from chimerax.flexrec.engine.simulate.hinges import motions
from chimerax.flexrec.engine.simulate.moving import MovingMolecule
from chimerax.flexrec.particles import ImageStack
from chimerax.flexrec.particles.ctf import ctf_rfft
from chimerax.flexrec.particles.prepared import Prepared
from scipy import fft

_BATCH = 500


@dataclass(frozen=True)
class PreparedTruth:
    """Prepared particles and what is true of each: ``row`` (n,) is their row in ``truth``."""

    prepared: Prepared
    truth: Truth
    row: np.ndarray

    @property
    def angles(self) -> np.ndarray:
        """True angles ``(n, h)`` of the prepared particles in degrees."""
        return self.truth.angles[self.row]


def reconstruct(data: PreparedTruth, rotation: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """One map ``[z, y, x]`` float32 of all prepared particles, given their poses.

    The one place where images become a map: a CTF-weighted back-projection with a Wiener filter. To measure against
    another reconstruction (the engine's least squares), change this function alone; both the rigid map and
    the oracle's parts come from it.

    Parameters
    ----------
    rotation : (n, 3, 3) and shift : (n, 2) Å, in the conventions of ``Particles``.
    """
    prepared = data.prepared
    stack, projector = ImageStack(prepared.particles), BackProjector(prepared.box)
    shells = _shell_filter(prepared)
    for first in range(0, len(rotation), _BATCH):
        rows = np.arange(first, min(first + _BATCH, len(rotation)))
        ctf = ctf_rfft(prepared.particles, prepared.box, prepared.pixel_size, rows) * shells
        projector.insert(fft.rfft2(stack.read(rows)), ctf, rotation[rows], shift[rows] / prepared.pixel_size)
    return projector.map()


def _shell_filter(prepared: Prepared) -> np.ndarray:
    """The whitening filter on the rfft2 grid ``(D, D // 2 + 1)``; the corners take the last shell's value."""
    box = prepared.box
    radius = np.hypot(np.fft.fftfreq(box, 1 / box)[:, None], np.fft.rfftfreq(box, 1 / box)[None, :])
    return np.interp(radius, np.arange(len(prepared.filter)), prepared.filter).astype(np.float32)


def rigid_map(data: PreparedTruth) -> np.ndarray:
    """The reconstruction that takes the molecule to be rigid."""
    return reconstruct(data, data.prepared.particles.rotation, data.prepared.particles.shift)


def oracle_maps(data: PreparedTruth) -> Callable[[int], np.ndarray]:
    """The reconstruction that knows the true motion: a function from a prepared particle's row to its map.

    Every rigid part is reconstructed from all images in the frame in which it stands still, cut out with a soft mask,
    and put where the particle has it. (What the other parts leave as a blur inside the mask is the price of doing
    without a joint solution; it is small where parts are well apart.)
    """
    moving = replace(data.truth.moving, band=np.inf)
    parts = [_part_map(data, int(code)) for code in moving.codes]
    masks = [_part_mask(data, group) for group in range(len(moving.codes))]
    total = np.maximum(np.sum(masks, axis=0), 1)
    carried = _as_points(data, [part * mask / total for part, mask in zip(parts, masks)])
    return lambda row: carried.map_at(data.angles[row], data.prepared.box, data.prepared.pixel_size)


def _part_map(data: PreparedTruth, code: int) -> np.ndarray:
    """The reconstruction in the frame of one part: its motion is made part of every particle's pose."""
    particles = data.prepared.particles
    motion = motions(data.truth.hinges, data.angles, code)
    shift = particles.shift - (particles.rotation @ motion[:, :, 3:])[:, :2, 0]
    return reconstruct(data, particles.rotation @ motion[:, :, :3], shift)


def _part_mask(data: PreparedTruth, group: int) -> np.ndarray:
    """Soft mask of one part at rest."""
    moving = data.truth.moving
    first, last = moving.offsets[group : group + 2]
    alone = replace(
        moving,
        points=moving.points[first:last],
        weights=moving.weights[first:last],
        codes=moving.codes[group : group + 1],
        offsets=np.array([0, last - first]),
    )
    return alone.mask(np.zeros(len(moving.hinges)), data.prepared.box, data.prepared.pixel_size)


def _as_points(data: PreparedTruth, maps: list[np.ndarray]) -> MovingMolecule:
    """Maps of the parts at rest as voxels that the hinges carry; frequencies beyond Nyquist are absent."""
    pixel_size = data.prepared.pixel_size
    index = [np.argwhere(density != 0) for density in maps]
    points = np.concatenate([(where[:, ::-1] - data.prepared.box // 2) * pixel_size for where in index])
    weights = np.concatenate([density[tuple(where.T)] for density, where in zip(maps, index)])
    offsets = np.concatenate([[0], np.cumsum([len(where) for where in index])])
    moving = data.truth.moving
    return MovingMolecule(points, weights, moving.codes, offsets, moving.hinges, 0.0, 0.5 / pixel_size)
