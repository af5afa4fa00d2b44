"""Vertices as a view shows them and the affine of each cell, on the CPU.

Compiled: gathers, and products of matrices as small as these, cost more in torch than their sums.
"""

from __future__ import annotations

import numpy as np
import torch
from numba import njit, prange


@njit(parallel=True, fastmath=True, cache=True)
def _place(vertices, matrix, origin, out):
    for b in prange(matrix.shape[0]):
        own = np.int64(b) if vertices.shape[0] > 1 else np.int64(0)
        for v in range(vertices.shape[1]):
            x, y, z = vertices[own, v, 0], vertices[own, v, 1], vertices[own, v, 2]
            for axis in range(2):
                turned = matrix[b, axis, 0] * x + matrix[b, axis, 1] * y + matrix[b, axis, 2] * z
                out[b, v, axis] = turned + origin[b, axis]
            for axis in range(3, vertices.shape[2]):
                out[b, v, axis - 1] = vertices[own, v, axis]


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


class _Placed(torch.autograd.Function):
    """``vertices (b, v, d)``, or ``(1, v, d)`` for all, to ``(b, v, d − 1)``; linear in each of its arguments."""

    @staticmethod
    def forward(ctx, vertices, matrix, origin):
        """Places of all vertices."""
        ctx.save_for_backward(vertices, matrix)
        _, v, d = vertices.shape
        out = np.empty((len(matrix), v, d - 1), vertices.detach().numpy().dtype)
        values = (tensor.detach().contiguous().numpy() for tensor in (vertices, matrix, origin))
        _place(*values, out)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx, grads):
        """Gradients in whatever needs one."""
        vertices, matrix = ctx.saved_tensors
        of_vertices, of_matrix, of_origin = ctx.needs_input_grad
        seen, own = grads[..., :2], None
        if of_vertices:
            own = torch.cat([seen @ matrix, grads[..., 2:]], dim=-1)
            own = own if len(vertices) == len(own) else own.sum(dim=0, keepdim=True)
        turned = seen.transpose(1, 2) @ vertices[..., :3] if of_matrix else None
        return own, turned, seen.sum(dim=1) if of_origin else None


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


def placed(vertices: torch.Tensor, matrix: torch.Tensor, origin: torch.Tensor) -> torch.Tensor:
    """``matrix (b, 2, 3)`` times ``vertices (b, v, d)`` or ``(v, d)``, plus ``origin (b, 2)``; a fourth number is kept.
    """
    return _Placed.apply(vertices if vertices.dim() == 3 else vertices[None], matrix, origin)


def cell_affines(corners: torch.Tensor, cells: torch.Tensor, barycentric: torch.Tensor) -> torch.Tensor:
    """`VoxelCloud.cell_affines` on the CPU; see there."""
    return _CellAffines.apply(corners, cells, barycentric)
