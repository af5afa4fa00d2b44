"""`splat` on the CPU: compiled loops, one image per thread at a time, so that no thread waits for another's pixel."""

from __future__ import annotations

import numba
import numpy as np
import torch
from numba import njit, prange

from .spline_numba import weights as _weights


@njit(inline="always")
def _slopes(t):
    """Derivatives of `_weights` in ``t``."""
    one = t * 0 + 1
    half = one / 2
    s = one - t
    return (-half * s * s, half * t * (3 * t - 4 * one), half * s * (4 * one - 3 * s), half * t * t)


@njit(inline="always")
def _share_of(a):
    """The four numbers that give the share of a point's mass that is there: the affine's third row, or all of it."""
    zero = a[0, 0] * 0
    if a.shape[0] == 2:
        return zero, zero, zero, zero + 1
    return a[2, 0], a[2, 1], a[2, 2], a[2, 3]


@njit(parallel=True, fastmath=True, cache=True)
def _forward(density, points, offsets, affine, images):
    size = images.shape[1]
    for b in prange(affine.shape[0]):
        image = images[b]
        for g in range(offsets.shape[0] - 1):
            a = affine[b, g]
            a00, a01, a02, a03 = a[0, 0], a[0, 1], a[0, 2], a[0, 3]
            a10, a11, a12, a13 = a[1, 0], a[1, 1], a[1, 2], a[1, 3]
            p0, p1, p2, p3 = _share_of(a)
            for i in range(offsets[g], offsets[g + 1]):
                x, y, z = points[i, 0], points[i, 1], points[i, 2]
                u = a00 * x + a01 * y + a02 * z + a03
                v = a10 * x + a11 * y + a12 * z + a13
                if not (u >= 1 and v >= 1 and u < size - 2 and v < size - 2):
                    continue
                iu, iv = int(u), int(v)
                w0, w1, w2, w3 = _weights(u - iu)
                h0, h1, h2, h3 = _weights(v - iv)
                mass = density[i] * (p0 * x + p1 * y + p2 * z + p3)
                c = iu - 1
                row = image[iv - 1]
                m = mass * h0
                row[c] += m * w0
                row[c + 1] += m * w1
                row[c + 2] += m * w2
                row[c + 3] += m * w3
                row = image[iv]
                m = mass * h1
                row[c] += m * w0
                row[c + 1] += m * w1
                row[c + 2] += m * w2
                row[c + 3] += m * w3
                row = image[iv + 1]
                m = mass * h2
                row[c] += m * w0
                row[c + 1] += m * w1
                row[c + 2] += m * w2
                row[c + 3] += m * w3
                row = image[iv + 2]
                m = mass * h3
                row[c] += m * w0
                row[c + 1] += m * w1
                row[c + 2] += m * w2
                row[c + 3] += m * w3


@njit(inline="always")
def _dot(row, c, w0, w1, w2, w3):
    return row[c] * w0 + row[c + 1] * w1 + row[c + 2] * w2 + row[c + 3] * w3


@njit(parallel=True, fastmath=True, cache=True)
def _backward_density(points, offsets, affine, grads, out):
    """``out`` is ``(threads, n)``; thread ``t`` gathers images t, t + threads, …: no two write the same place."""
    size = grads.shape[1]
    threads = out.shape[0]
    for t in prange(threads):
        mine = out[t]
        for b in range(t, affine.shape[0], threads):
            grad = grads[b]
            for g in range(offsets.shape[0] - 1):
                a = affine[b, g]
                a00, a01, a02, a03 = a[0, 0], a[0, 1], a[0, 2], a[0, 3]
                a10, a11, a12, a13 = a[1, 0], a[1, 1], a[1, 2], a[1, 3]
                p0, p1, p2, p3 = _share_of(a)
                for i in range(offsets[g], offsets[g + 1]):
                    x, y, z = points[i, 0], points[i, 1], points[i, 2]
                    u = a00 * x + a01 * y + a02 * z + a03
                    v = a10 * x + a11 * y + a12 * z + a13
                    if not (u >= 1 and v >= 1 and u < size - 2 and v < size - 2):
                        continue
                    iu, iv = int(u), int(v)
                    w0, w1, w2, w3 = _weights(u - iu)
                    h0, h1, h2, h3 = _weights(v - iv)
                    c = iu - 1
                    mine[i] += (p0 * x + p1 * y + p2 * z + p3) * (
                        h0 * _dot(grad[iv - 1], c, w0, w1, w2, w3)
                        + h1 * _dot(grad[iv], c, w0, w1, w2, w3)
                        + h2 * _dot(grad[iv + 1], c, w0, w1, w2, w3)
                        + h3 * _dot(grad[iv + 2], c, w0, w1, w2, w3)
                    )


@njit(parallel=True, fastmath=True, cache=True)
def _backward_affine(density, points, offsets, affine, grads, out):
    """``out`` is ``(b, g, 2, 4)``: mass times the image gradient's slope at the point, times [x, y, z, 1].

    A third row ``(b, g, 3, 4)`` is the density times the image gradient itself, times [x, y, z, 1].
    """
    size = grads.shape[1]
    zero = density[0] * 0
    for b in prange(affine.shape[0]):
        grad = grads[b]
        for g in range(offsets.shape[0] - 1):
            a = affine[b, g]
            a00, a01, a02, a03 = a[0, 0], a[0, 1], a[0, 2], a[0, 3]
            a10, a11, a12, a13 = a[1, 0], a[1, 1], a[1, 2], a[1, 3]
            p0, p1, p2, p3 = _share_of(a)
            shares = a.shape[0] == 3
            s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = s20 = s21 = s22 = s23 = zero
            for i in range(offsets[g], offsets[g + 1]):
                x, y, z = points[i, 0], points[i, 1], points[i, 2]
                u = a00 * x + a01 * y + a02 * z + a03
                v = a10 * x + a11 * y + a12 * z + a13
                if not (u >= 1 and v >= 1 and u < size - 2 and v < size - 2):
                    continue
                iu, iv = int(u), int(v)
                w0, w1, w2, w3 = _weights(u - iu)
                h0, h1, h2, h3 = _weights(v - iv)
                d0, d1, d2, d3 = _slopes(u - iu)
                e0, e1, e2, e3 = _slopes(v - iv)
                c = iu - 1
                mass = density[i] * (p0 * x + p1 * y + p2 * z + p3)
                r0, r1, r2, r3 = grad[iv - 1], grad[iv], grad[iv + 1], grad[iv + 2]
                du = (
                    h0 * _dot(r0, c, d0, d1, d2, d3)
                    + h1 * _dot(r1, c, d0, d1, d2, d3)
                    + h2 * _dot(r2, c, d0, d1, d2, d3)
                    + h3 * _dot(r3, c, d0, d1, d2, d3)
                ) * mass
                dv = (
                    e0 * _dot(r0, c, w0, w1, w2, w3)
                    + e1 * _dot(r1, c, w0, w1, w2, w3)
                    + e2 * _dot(r2, c, w0, w1, w2, w3)
                    + e3 * _dot(r3, c, w0, w1, w2, w3)
                ) * mass
                s00 += du * x
                s01 += du * y
                s02 += du * z
                s03 += du
                s10 += dv * x
                s11 += dv * y
                s12 += dv * z
                s13 += dv
                if shares:
                    ds = (
                        h0 * _dot(r0, c, w0, w1, w2, w3)
                        + h1 * _dot(r1, c, w0, w1, w2, w3)
                        + h2 * _dot(r2, c, w0, w1, w2, w3)
                        + h3 * _dot(r3, c, w0, w1, w2, w3)
                    ) * density[i]
                    s20 += ds * x
                    s21 += ds * y
                    s22 += ds * z
                    s23 += ds
            o = out[b, g]
            o[0, 0], o[0, 1], o[0, 2], o[0, 3] = s00, s01, s02, s03
            o[1, 0], o[1, 1], o[1, 2], o[1, 3] = s10, s11, s12, s13
            if shares:
                o[2, 0], o[2, 1], o[2, 2], o[2, 3] = s20, s21, s22, s23


def _array(tensor: torch.Tensor) -> np.ndarray:
    """The tensor's memory as a contiguous array."""
    return tensor.detach().contiguous().numpy()


def _gather(images: np.ndarray, points: np.ndarray, offsets: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Sum over images of their value at each point ``(n,)``."""
    partial = np.zeros((min(numba.get_num_threads(), len(affine)), len(points)), dtype=images.dtype)
    _backward_density(points, offsets, affine, images, partial)
    return partial.sum(axis=0)


class _Splat(torch.autograd.Function):
    """The compiled loops as one differentiable operation."""

    @staticmethod
    def forward(ctx, density, points, offsets, affine, size):
        """Images ``(b, size, size)``."""
        ctx.save_for_backward(density, points, offsets, affine)
        images = np.zeros((len(affine), size, size), dtype=_array(density).dtype)
        _forward(_array(density), _array(points), _array(offsets), _array(affine), images)
        return torch.from_numpy(images)

    @staticmethod
    def backward(ctx, grads):
        """Gradients in density (a gather) and in the affines (a sum per group)."""
        density, points, offsets, affine = (_array(t) for t in ctx.saved_tensors)
        grads = _array(grads)
        d_density = d_affine = None
        if ctx.needs_input_grad[0]:
            d_density = torch.from_numpy(_gather(grads, points, offsets, affine))
        if ctx.needs_input_grad[3]:
            out = np.empty_like(affine)
            _backward_affine(density, points, offsets, affine, grads, out)
            d_affine = torch.from_numpy(out)
        return d_density, None, None, d_affine, None


def splat_numba(
    density: torch.Tensor, points: torch.Tensor, offsets: torch.Tensor, affine: torch.Tensor, size: int
) -> torch.Tensor:
    """`splat.splat` on the CPU; see there."""
    return _Splat.apply(density, points, offsets, affine, size)


def gather_numba(
    images: torch.Tensor, points: torch.Tensor, offsets: torch.Tensor, affine: torch.Tensor
) -> torch.Tensor:
    """`splat.gather` on the CPU; see there."""
    return torch.from_numpy(_gather(_array(images), _array(points), _array(offsets), _array(affine)))
