"""Voxels sorted by the cell that carries them, and the mass of the vertices."""

from __future__ import annotations

import numpy as np
from chimerax.flexrec.mesh.sorted_voxels import sort_voxels
from chimerax.flexrec.mesh.voxels import voxel_cells
from trained_models import BOX, PIXEL, two_blobs, two_part_mesh


def test_the_mass_of_the_vertices_has_the_sum_and_the_centre_of_the_density():
    body = two_blobs()
    mesh = two_part_mesh(body)
    cells = voxel_cells(mesh, body != 0, PIXEL)
    voxels = sort_voxels(mesh, cells, PIXEL)
    density = np.random.default_rng(3).uniform(0, 1, len(voxels.points))
    mass = voxels.vertex_mass(density, len(mesh.vertices))
    # a little more where a voxel lies outside all cells and a negative weight counts as zero
    assert density.sum() <= mass.sum() < 1.02 * density.sum()
    centre = (density[:, None] * voxels.points).sum(axis=0) / density.sum()
    assert np.abs((mass[:, None] * mesh.vertices).sum(axis=0) / mass.sum() - centre).max() < 0.1 * PIXEL
    assert voxels.vertex_mass(-density, len(mesh.vertices)).sum() == 0
    assert (np.sort(voxels.voxel) == np.flatnonzero(cells >= 0)).all() and body.shape == (BOX,) * 3
    carrier = np.repeat(np.arange(len(voxels.corners)), np.diff(voxels.offsets))
    assert (mesh.cells[cells.reshape(-1)[voxels.voxel]] == voxels.corners[carrier]).all()
