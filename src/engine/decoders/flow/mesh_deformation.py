"""How far the states of a moving molecule stretch, squeeze and fold the cells of its mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ....mesh.shape import edge_inverse
from ....mesh.tetmesh import TetMesh
from .rigidity import deformation_gradients, nearest_rotation
from .soft_modes import rigidity_weights

AT_ONCE = 32  # states worked on together: 32 x 10,000 cells take 100 MB


@dataclass(frozen=True, eq=False)
class Deformation:
    """How m states deform the c cells of a mesh.

    Principal strain is s − 1, s a singular value of a cell's linear map, the last negative where the cell is inside
    out, as in `rigidity_energy`. Means over cells are weighted by rigidity times volume, as the prior of training is.

    Attributes
    ----------
    strain : ``(m,)`` r.m.s. principal strain over the cells. folded : ``(m,)`` share of cells that are inside out.
    volume : ``(m,)`` r.m.s. relative change of a cell's volume. cells : ``(c,)`` r.m.s. principal strain over states.
    """

    strain: np.ndarray
    folded: np.ndarray
    volume: np.ndarray
    cells: np.ndarray


@torch.no_grad()
def mesh_deformation(mesh: TetMesh, states: np.ndarray) -> Deformation:
    """Of ``states`` ``(m, v, 3)`` Å, against the mesh at rest."""
    inverse = torch.from_numpy(edge_inverse(mesh).astype(np.float32))
    cells = torch.from_numpy(mesh.cells.astype(np.int64))
    weights = torch.from_numpy(rigidity_weights(mesh).astype(np.float32))
    parts, total = [], torch.zeros(len(cells))
    for some in np.array_split(states.astype(np.float32), -(-len(states) // AT_ONCE)):
        gradients = deformation_gradients(torch.from_numpy(some), cells, inverse)
        energy = (gradients - nearest_rotation(gradients)).square().sum(dim=(-2, -1))
        ratio = torch.linalg.det(gradients)
        parts.append(torch.stack([energy @ weights / 3, (ratio < 0).float() @ weights, (ratio - 1).square() @ weights]))
        total += energy.sum(dim=0) / 3
    strain, folded, volume = torch.cat(parts, dim=1).double().numpy()
    return Deformation(np.sqrt(strain), folded, np.sqrt(volume), np.sqrt(total.double().numpy() / len(states)))
