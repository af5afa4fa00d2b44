"""What a model of motion is measured against: the rigid map (no motion known) and the oracle's (true motion known).

Both are solved by the engine's own least squares from all particles, half by half, and weighted by what the halves
agree on, so that they differ from a trained model in the motion alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from chimerax.flexrec.engine.maps.half_maps import solve_halves, supported_map
from chimerax.flexrec.engine.maps.least_squares import LeastSquares, band_weights
from chimerax.flexrec.engine.projector.mesh_projector import VoxelCloud
from chimerax.flexrec.engine.training.batches import Batch, ParticleImages, split
from chimerax.flexrec.engine.training.trainer import split_halves
from chimerax.flexrec.particles.particles import Particles
from chimerax.flexrec.particles.prepared import Prepared
from chimerax.flexrec.simulate import Truth
from chimerax.flexrec.simulate.hinges import motions
from chimerax.flexrec.simulate.moving_molecule import MovingMolecule

ITERATIONS = 8
BATCH = 64
REACH = 10.0  # Å, and at least two and a half voxels: how far from an atom a part may have density


@dataclass(frozen=True)
class PreparedTruth:
    """Prepared particles and what is true of each: ``row`` (n,) is their row in ``truth``."""

    prepared: Prepared
    truth: Truth
    row: np.ndarray

    @property
    def own(self) -> np.ndarray:
        """Whether each ``(n,)`` is a particle of the molecule, and no junk."""
        return self.truth.kind[self.row] == 0

    @property
    def angles(self) -> np.ndarray:
        """True angles ``(n, h)`` of the prepared particles in degrees."""
        return self.truth.angles[self.row]

    @property
    def absent(self) -> np.ndarray:
        """Which parts ``(n, p)`` bool each of the prepared particles lacks."""
        return self.truth.absent[self.row]


def rigid_map(data: PreparedTruth) -> np.ndarray:
    """The reconstruction that takes the molecule to be rigid ``[z, y, x]``, inside the mask of all its states."""
    box, pixel_size = data.prepared.box, data.prepared.pixel_size
    states = np.unique(data.angles, axis=0)
    states = states[np.linspace(0, len(states) - 1, min(len(states), 200)).astype(int)]
    mask = data.truth.moving.mask(states, box, pixel_size) > 0
    cloud = part_cloud(np.where(mask, 0, -1), pixel_size)
    still = np.eye(3, 4)[None, None]
    density = solve(data, cloud, lambda rows: np.repeat(still, len(rows), axis=0))
    return cloud.scatter(density).numpy()


def oracle_maps(data: PreparedTruth) -> Callable[[int], np.ndarray]:
    """The reconstruction that knows the true motion: a function from a prepared particle's row to its map.

    The rigid parts of the molecule, each the voxels nearest to its atoms, are solved together with every particle's
    true motion and pose, and put where the particle has them. What is no particle of the molecule is left out, and what
    a particle lacks is not there.
    """
    box, pixel_size = data.prepared.box, data.prepared.pixel_size
    moving, lacked = parts_apart(data.truth.moving)
    cloud = part_cloud(moving.labels(box, pixel_size, max(REACH, 2.5 * pixel_size)), pixel_size)

    def motion_of(rows: np.ndarray) -> np.ndarray:
        return np.stack([motions(moving.hinges, data.angles[rows], int(code)) for code in moving.codes], axis=1)

    def share_of(rows: np.ndarray) -> np.ndarray:
        return 1.0 - data.absent[rows] @ parts

    parts = np.arange(data.truth.moving.droppable)[:, None] == lacked
    share = share_of if len(parts) else None
    density = solve(data, cloud, motion_of, true_particles(data), data.own, share).numpy()
    offsets = cloud.offsets.numpy()
    carried = MovingMolecule(
        cloud.points.numpy().astype(np.float64), density, moving.codes, offsets, moving.hinges, 0.0, 0.5 / pixel_size,
        np.repeat(lacked, np.diff(offsets)) if len(parts) else None,
    )  # fmt: skip

    def map_of(row: int) -> np.ndarray:
        return carried.lacking(data.absent[row]).map_at(data.angles[row], box, pixel_size)

    return map_of


def parts_apart(moving: MovingMolecule) -> tuple[MovingMolecule, np.ndarray]:
    """The molecule with the parts that some particles lack as groups of their own, and which of these parts each group
    ``(g,)`` is, −1 for none.
    """
    if moving.part is None:
        return moving, np.full(len(moving.codes), -1, np.int16)
    kinds = moving.droppable + 1
    group = kinds * np.repeat(np.arange(len(moving.codes)), np.diff(moving.offsets)) + moving.part + 1
    order = np.argsort(group, kind="stable")
    groups, counts = np.unique(group, return_counts=True)
    apart = replace(
        moving, points=moving.points[order], weights=moving.weights[order], codes=moving.codes[groups // kinds],
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), part=moving.part[order],
    )  # fmt: skip
    return apart, (groups % kinds - 1).astype(np.int16)


def part_cloud(labels: np.ndarray, pixel_size: float) -> VoxelCloud:
    """The voxels of ``labels`` ``[z, y, x]`` (−1: none) as a cloud with one cell for each rigid part 0, 1, ….

    The corners of part p's cell are vertices 4 p … 4 p + 3: the origin and 1 Å along x, y and z.
    """
    flat, box, parts = labels.reshape(-1), labels.shape[0], int(labels.max()) + 1
    inside = np.flatnonzero(flat >= 0)
    voxel = inside[np.argsort(flat[inside], kind="stable")]
    zyx = np.stack(np.unravel_index(voxel, labels.shape), axis=1)
    counts = np.bincount(flat[inside], minlength=parts)
    weights = np.array([[-1, -1, -1, 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], np.float32)
    return VoxelCloud(
        points=torch.from_numpy(((zyx[:, ::-1] - box // 2) * pixel_size).astype(np.float32)),
        voxel=torch.from_numpy(voxel.astype(np.int64)),
        offsets=torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)),
        cells=torch.arange(4 * parts).reshape(parts, 4),
        barycentric=torch.from_numpy(weights).repeat(parts, 1, 1),
        box=box,
        pixel_size=float(pixel_size),
    )


def moved_corners(motion: np.ndarray, share: np.ndarray | None = None) -> torch.Tensor:
    """Vertices ``(b, 4 p, 3)`` of a `part_cloud` whose parts make the rigid motions ``(b, p, 3, 4)``.

    With ``share`` ``(b, p)``, how much of each part is there, a fourth number says so.
    """
    origin = motion[..., None, :, 3]
    corners = np.concatenate([origin, origin + motion[..., :3].swapaxes(-1, -2)], axis=-2)
    if share is not None:
        corners = np.concatenate([corners, np.broadcast_to(share[..., None, None], (*corners.shape[:-1], 1))], axis=-1)
    return torch.from_numpy(corners.reshape(len(motion), -1, corners.shape[-1]).astype(np.float32))


def true_particles(data: PreparedTruth) -> Particles:
    """The prepared particles with their true poses."""
    truth, row = data.truth, data.row
    return replace(data.prepared.particles, rotation=truth.rotation[row], shift=truth.shift[row])


def solve(
    data: PreparedTruth,
    cloud: VoxelCloud,
    motion_of: Callable[[np.ndarray], np.ndarray],
    particles: Particles | None = None,
    chosen: np.ndarray | None = None,
    share_of: Callable[[np.ndarray], np.ndarray] | None = None,
) -> torch.Tensor:
    """Density ``(n,)`` of a `part_cloud` from all prepared particles, or those ``chosen`` ``(n,)``.

    ``particles`` are the same with other poses.

    ``motion_of(rows)`` gives the rigid motion ``(b, p, 3, 4)`` of every part in these particles (see ``motions``),
    ``share_of(rows)`` how much of each part ``(b, p)`` is there; None: all.
    """
    prepared, device = data.prepared, "cuda" if torch.cuda.is_available() else "cpu"
    images, cloud = ParticleImages(particles or prepared.particles, prepared.filter), cloud.to(device)
    weights = band_weights(prepared.box, prepared.box / 2 - 1, torch.ones(prepared.box // 2 + 1, device=device))

    def placement(batch: Batch) -> torch.Tensor:
        rows = batch.rows.cpu().numpy()
        corners = moved_corners(motion_of(rows), share_of(rows) if share_of else None).to(device)
        return cloud.affines(corners, batch.rotation, prepared.box)

    def problem_of(rows: np.ndarray) -> LeastSquares:
        def batches() -> Iterator[Batch]:
            return (batch.to(device) for batch in images.batches(split(rows, BATCH), prepared.box))

        return LeastSquares(cloud, batches, placement, weights)

    halves = split_halves(prepared.particles, 0)
    if chosen is not None:
        halves = tuple(half[chosen[half]] for half in halves)
    maps = solve_halves(problem_of, halves, None, ITERATIONS)
    return supported_map(cloud, maps).cpu()
