"""Relative rigidity of the cells: stiff where there is density, softer where there is little, or as the user says."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from .tetmesh import TetMesh

RIGID = 20.0  # weight of parts that shall not bend, as in cryoSPARC 3D Flex
STIFFENED = 3.0  # weight of faint cells at the periphery when those are stiffened, as in cryoSPARC 3D Flex
FAINT = (0.05, 0.25)  # densities, relative to the densest, of cells that are faint but not empty


def cell_density(mesh: TetMesh, density: np.ndarray, pixel_size: float) -> np.ndarray:
    """(c,) float64 mean density of each cell, 0..1 relative to the densest cells.

    ``density`` (N, N, N) is a low-passed map of any box. It is averaged over points spread through the cell (its
    centroid, and halfway from there to each vertex), so that a cell smaller than a voxel has one too. The densest
    tenth of the cells that carry voxels counts as 1, the map's median (the solvent) as 0.
    """
    from scipy.ndimage import map_coordinates

    centroid = mesh.centroids()[:, None]
    points = np.concatenate([centroid, 0.5 * (centroid + mesh.vertices[mesh.cells])], axis=1)
    index = points[..., ::-1] / pixel_size + density.shape[0] // 2
    value = map_coordinates(density, index.reshape(-1, 3).T, order=1, mode="nearest")
    value = value.reshape(index.shape[:2]).mean(axis=1)
    empty = float(np.median(density))
    carrying = np.unique(mesh.voxel_cell[mesh.mask])
    dense = float(np.percentile(value[carrying] if len(carrying) else value, 90))
    return np.clip((value - empty) / max(dense - empty, 1e-30), 0.0, 1.0)


def weigh_by_density(mesh: TetMesh, relative: np.ndarray, minimum: float, stiffen_low_density: bool = False) -> TetMesh:
    """The mesh with weights that rise from ``minimum`` in empty cells to 1 in the densest.

    Parameters
    ----------
    relative : (c,) from ``cell_density``
    minimum : weight of an empty cell
    stiffen_low_density : give faint but not empty cells, mostly at the periphery, weight 3
    """
    weights = minimum + (1.0 - minimum) * relative
    if stiffen_low_density:
        weights = np.where((relative >= FAINT[0]) & (relative <= FAINT[1]), STIFFENED, weights)
    return replace(mesh, weights=weights.astype(np.float32))


def make_rigid(mesh: TetMesh, parts: tuple[int, ...]) -> TetMesh:
    """The mesh with the cells of these parts (0..p-1) at weight 20."""
    return replace(mesh, weights=np.where(np.isin(mesh.part, parts), np.float32(RIGID), mesh.weights))


def read_weights(path: str | os.PathLike[str], mesh: TetMesh) -> TetMesh:
    """The mesh with the array ``weights`` (c,) of a .npz file; ``InputError`` unless it fits the mesh."""
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            weights = np.asarray(file["weights"], np.float32)
    except (OSError, KeyError, ValueError, AttributeError, TypeError, EOFError) as error:
        raise InputError(f"{path}: has no array 'weights'; write it with numpy.savez(path, weights=…).") from error
    if weights.shape != (len(mesh.cells),):
        raise InputError(
            f"{path}: {weights.shape} weights do not fit the {len(mesh.cells)} cells of this mesh; weights are made "
            "for one mesh: give that one with --mesh."
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise InputError(f"{path}: a weight is negative or not a number; weights are relative rigidities from 0 up.")
    return replace(mesh, weights=weights)
