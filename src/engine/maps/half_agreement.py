"""How far half-maps agree: without a mask, in a soft mask, and inside each part of a mesh, of one pair or of two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...mesh.mask import soften
from ...mesh.tetmesh import TetMesh
from ...mesh.voxels import mask_on_grid, nearest_part, voxel_points
from .fsc import THRESHOLD, fourier_shell_correlation, resolution
from .half_pair import HalfPair, check_pair
from .phase_randomisation import MaskedFsc, masked_fsc, randomise_phases
from .solvent_mask import SolventMask, choose_mask, edge_width


@dataclass(frozen=True, eq=False)
class PairCurves:
    """What one pair of half-maps agrees on.

    unmasked : (s,) FSC; 1 at zero frequency. resolution : Å where it falls below `fsc.THRESHOLD`, or None.
    random_from : 1/Å, where phases begin to be random. whole : in the mask. parts : in each part of the mesh; empty
    where it has one only, or there is none.
    """

    unmasked: np.ndarray
    resolution: float | None
    random_from: float
    whole: MaskedFsc
    parts: tuple[MaskedFsc, ...]


@dataclass(frozen=True, eq=False)
class HalfAgreement:
    """Curves of a pair of half-maps and, in the same masks, of its twin (the rigid one beside a moved one), if any.

    frequency : (s,) 1/Å. labels : of the parts, as the user knows them.
    """

    frequency: np.ndarray
    mask: SolventMask
    labels: tuple[int, ...]
    own: PairCurves
    twin: PairCurves | None


def measure_agreement(
    pair: HalfPair,
    mask_file: Path | None = None,
    mesh: TetMesh | None = None,
    twin: HalfPair | None = None,
    seed: int = 0,
    labels: tuple[int, ...] | None = None,
    progress: Callable[[], None] = lambda: None,
) -> HalfAgreement:
    """Measure how far two half-maps agree.

    Parameters
    ----------
    mask_file : of a mask; without, the mesh's is taken, or without a mesh, one made of the half-maps
    mesh : about the centre voxel of the half-maps; its parts are measured one by one where it has several
    twin : another pair of the same particles in the same box, measured in the same masks with the same random phases
    labels : (p,) of the parts; 1, 2, … without. progress : called after each of `agreement_steps`

    ``InputError`` where the maps or the mask cannot be compared (`half_pair.check_pair`, `solvent_mask.choose_mask`).
    """
    pairs = [pair] if twin is None else [pair, twin]
    for each, name in zip(pairs, ("The half-maps", "The half-maps of the twin")):
        check_pair(each, name)
    if twin is not None and (twin.box, round(twin.pixel_size, 5)) != (pair.box, round(pair.pixel_size, 5)):
        raise InputError("The half-maps and those of their twin have unlike boxes or pixel sizes; solve both alike.")
    unmasked = [_unmasked(each) for each in pairs]
    resolution_unmasked = resolution(pair.frequency, unmasked[0], THRESHOLD)
    mask = choose_mask(pair, resolution_unmasked, mask_file, mesh)
    parts = _Parts(mesh, edge_width(pair, resolution_unmasked)) if mesh is not None and mesh.parts > 1 else None
    curves = [_measure(*each, mask, parts, seed, progress) for each in zip(pairs, unmasked)]
    names = labels if labels is not None else tuple(range(1, (mesh.parts if mesh is not None else 0) + 1))
    return HalfAgreement(pair.frequency, mask, names if curves[0].parts else (), curves[0],
                         curves[1] if twin is not None else None)  # fmt: skip


def agreement_steps(mesh: TetMesh | None, twin: bool) -> int:
    """How often `measure_agreement` calls ``progress``."""
    return (2 if twin else 1) * (2 + (mesh.parts if mesh is not None and mesh.parts > 1 else 0))


def part_masks(mesh: TetMesh, box: int, pixel_size: float, edge: float) -> Iterator[np.ndarray]:
    """Soft masks (N, N, N) float32 of the parts of a mesh, one after another, each with an edge of ``edge`` Å."""
    carried = mask_on_grid(mesh, box, pixel_size)
    part = np.full(carried.shape, -1, np.int32)
    part[carried] = nearest_part(mesh, voxel_points(carried, pixel_size))
    for number in range(mesh.parts):
        yield soften(part == number, pixel_size, 0.0, edge)


@dataclass(frozen=True, eq=False)
class _Parts:
    """A mesh of several parts, and the width of their masks' edges, Å."""

    mesh: TetMesh
    edge: float


def _unmasked(pair: HalfPair) -> np.ndarray:
    curve = fourier_shell_correlation(pair.first, pair.second)
    curve[0] = 1
    return curve


def _measure(
    pair: HalfPair,
    unmasked: np.ndarray,
    mask: SolventMask,
    parts: _Parts | None,
    seed: int,
    progress: Callable[[], None],
) -> PairCurves:
    randomised = randomise_phases(pair, unmasked, seed)
    progress()
    whole = masked_fsc(pair, randomised, mask.volume)
    progress()
    inside = []
    for volume in part_masks(parts.mesh, pair.box, pair.pixel_size, parts.edge) if parts is not None else ():
        inside.append(masked_fsc(pair, randomised, volume))
        progress()
    return PairCurves(unmasked, resolution(pair.frequency, unmasked, THRESHOLD),
                      float(pair.frequency[randomised.first_shell]), whole, tuple(inside))  # fmt: skip
