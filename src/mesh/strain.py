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
    place = np.ascontiguousarray(vertices.T, np.float32)
    inverse = inverse.reshape(-1, 9).T
    # component by component: numpy takes five times as long for many small matrices
    gradient = []
    for x in place:
        start = x[cells[:, 0]]
        edge = [x[cells[:, k]] - start for k in (1, 2, 3)]
        gradient.append([edge[0] * inverse[k] + edge[1] * inverse[3 + k] + edge[2] * inverse[6 + k] for k in range(3)])
    total = np.zeros(len(cells), np.float32)
    for i in range(3):
        for j in range(i + 1):
            product = sum(row[i] * row[j] for row in gradient)
            total += (product - 1) ** 2 if i == j else 2 * product**2
    return 0.5 * np.sqrt(total)
