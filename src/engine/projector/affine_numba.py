"""The affine of each cell from its vertices, on the CPU: compiled, since gathers in torch cost more than the sums."""

from __future__ import annotations

import numpy as np
import torch
from numba import njit, prange


@njit(parallel=True, fastmath=True, cache=True)
def _forward(corners, cells, barycentric, out):
    for b in prange(corners.shape[0]):
        for c in range(cells.shape[0]):
            matrix = barycentric[c]
            for axis in range(corners.shape[2]):
                p0 = corners[b, cells[c, 0], axis]
                p1 = corners[b, cells[c, 1], axis]
                p2 = corners[b, cells[c, 2], axis]
                p3 = corners[b, cells[c, 3], axis]
                for k in range(4):
                    out[b, c, axis, k] = p0 * matrix[0, k] + p1 * matrix[1, k] + p2 * matrix[2, k] + p3 * matrix[3, k]


@njit(parallel=True, fastmath=True, cache=True)
def _backward(grads, cells, barycentric, out):
    for b in prange(grads.shape[0]):
        for c in range(cells.shape[0]):
            matrix = barycentric[c]
            for axis in range(grads.shape[2]):
                g0, g1, g2, g3 = grads[b, c, axis, 0], grads[b, c, axis, 1], grads[b, c, axis, 2], grads[b, c, axis, 3]
                for j in range(4):
                    out[b, cells[c, j], axis] += (
                        g0 * matrix[j, 0] + g1 * matrix[j, 1] + g2 * matrix[j, 2] + g3 * matrix[j, 3]
                    )


class _CellAffines(torch.autograd.Function):
    """``corners (b, v, d)`` to ``(b, c, d, 4)``; linear, so the gradient is the transposed sum."""

    @staticmethod
    def forward(ctx, corners, cells, barycentric):
        """Affines of all cells."""
        ctx.save_for_backward(cells, barycentric)
        ctx.shape = corners.shape
        b, _, d = corners.shape
        out = np.empty((b, len(cells), d, 4), corners.detach().numpy().dtype)
        _forward(corners.detach().contiguous().numpy(), cells.numpy(), barycentric.numpy(), out)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx, grads):
        """Each vertex gathers from the cells it belongs to."""
        cells, barycentric = ctx.saved_tensors
        grads = grads.contiguous().numpy()
        out = np.zeros(ctx.shape, grads.dtype)
        _backward(grads, cells.numpy(), barycentric.numpy(), out)
        return torch.from_numpy(out), None, None


def cell_affines(corners: torch.Tensor, cells: torch.Tensor, barycentric: torch.Tensor) -> torch.Tensor:
    """`VoxelCloud.cell_affines` on the CPU; see there."""
    return _CellAffines.apply(corners, cells, barycentric)
