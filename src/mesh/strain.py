"""How much a moved mesh is deformed, in numpy, quick enough to be drawn while it moves."""

from __future__ import annotations

import numpy as np


def strain(vertices: np.ndarray, cells: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """How much each cell is stretched or sheared, ``(c,)``: the norm of Green and Lagrange's strain ½ (FᵀF − 1).

    Near rest it is the root of Σ (sₗ − 1)², s being the singular values of F, which training penalises, and is found
    without them.

    Parameters
    ----------
    vertices : ``(v, 3)`` Å, moved. cells : ``(c, 4)``. inverse : ``(c, 3, 3)``, `shape.edge_inverse` of the mesh.
    """
    corner = vertices[cells].astype(np.float32)
    gradient = (corner[:, 1:] - corner[:, :1]).transpose(0, 2, 1) @ inverse
    apart = 0.5 * (gradient.transpose(0, 2, 1) @ gradient - np.eye(3, dtype=np.float32))
    return np.sqrt((apart**2).sum(axis=(1, 2)))
