"""`splat` on the CPU: compiled loops, one image per thread at a time, so that no thread waits for another's pixel.

A processor computes with eight numbers at once, but adds to pixels one by one. So points are taken a block at a time:
where they fall and what their neighbours weigh is found for all of the block first, and then they are added or read.
"""

from __future__ import annotations

import numba
import numpy as np
import torch
from numba import njit, prange

from .spline_numba import weights as _weights

BLOCK = 512  # points: their places and weights, 24 kB, stay in the fastest cache
_WITH_NAN = {"contract", "reassoc", "arcp", "nsz"}  # fast, and a place that is no number is still not inside
# unsigned, for an index that could be negative is looked at twice
_ONE, _TWO, _THREE = np.uintp(1), np.uintp(2), np.uintp(3)


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


@njit(fastmath=True, cache=True)
def _place(points, offsets, affine, group, first, last, at):
    """Where the points ``first`` to ``last`` of an image fall, and the share of their mass: the rows of ``at``.

    ``affine`` ``(g, 2, 4)`` or ``(g, 3, 4)``. ``group`` is that of the point before; returns that of the last one.
    """
    i = first
    while i < last:
        while offsets[group + 1] <= i:
            group += 1
        stop = min(offsets[group + 1], last)
        a = affine[group]
        a00, a01, a02, a03 = a[0, 0], a[0, 1], a[0, 2], a[0, 3]
        a10, a11, a12, a13 = a[1, 0], a[1, 1], a[1, 2], a[1, 3]
        p0, p1, p2, p3 = _share_of(a)
        for j in range(i, stop):
            x, y, z = points[j, 0], points[j, 1], points[j, 2]
            at[0, j - first] = a00 * x + a01 * y + a02 * z + a03
            at[1, j - first] = a10 * x + a11 * y + a12 * z + a13
            at[2, j - first] = p0 * x + p1 * y + p2 * z + p3
        i = stop
    return group


@njit(fastmath=_WITH_NAN, cache=True)
def _kernel_weights(at, count, size, weight, corner):
    """Of each of ``count`` points: its four weights along a row, then down the rows times its mass, and its corner.

    ``at`` are its places (u, v) and its mass. A point whose 4x4 footprint is not wholly inside has no mass. The corner
    is the index of the footprint's first pixel.
    """
    for k in range(count):
        u, v, mass = at[0, k], at[1, k], at[2, k]
        inside = (u >= 1) & (v >= 1) & (u < size - 2) & (v < size - 2)
        nothing, one = mass * 0, mass * 0 + 1
        u, v, mass = (u, v, mass) if inside else (one, one, nothing)
        left, top = np.floor(u), np.floor(v)
        w0, w1, w2, w3 = _weights(u - left)
        h0, h1, h2, h3 = _weights(v - top)
        at[0, k], at[1, k], at[2, k] = u, v, mass
        weight[0, k], weight[1, k], weight[2, k], weight[3, k] = w0, w1, w2, w3
        weight[4, k], weight[5, k], weight[6, k], weight[7, k] = h0 * mass, h1 * mass, h2 * mass, h3 * mass
        corner[k] = (np.int32(top) - np.int32(1)) * np.int32(size) + np.int32(left) - np.int32(1)


@njit(inline="always")
def _add(image, p, mass, w0, w1, w2, w3):
    image[p] += mass * w0
    image[p + _ONE] += mass * w1
    image[p + _TWO] += mass * w2
    image[p + _THREE] += mass * w3


@njit(inline="always")
def _dot(image, p, w0, w1, w2, w3):
    return image[p] * w0 + image[p + _ONE] * w1 + image[p + _TWO] * w2 + image[p + _THREE] * w3


@njit(fastmath=True, cache=True)
def _scatter(image, width, count, weight, corner):
    """Add points to a flat image of so wide rows."""
    for k in range(count):
        p = np.uintp(corner[k])
        w0, w1, w2, w3 = weight[0, k], weight[1, k], weight[2, k], weight[3, k]
        _add(image, p, weight[4, k], w0, w1, w2, w3)
        _add(image, p + width, weight[5, k], w0, w1, w2, w3)
        _add(image, p + _TWO * width, weight[6, k], w0, w1, w2, w3)
        _add(image, p + _THREE * width, weight[7, k], w0, w1, w2, w3)


@njit(inline="always")
def _value(image, width, p, w, h):
    """A flat image's value at the point of corner ``p`` with weights ``w`` along a row and ``h`` down the rows."""
    w0, w1, w2, w3 = w
    return (
        h[0] * _dot(image, p, w0, w1, w2, w3)
        + h[1] * _dot(image, p + width, w0, w1, w2, w3)
        + h[2] * _dot(image, p + _TWO * width, w0, w1, w2, w3)
        + h[3] * _dot(image, p + _THREE * width, w0, w1, w2, w3)
    )


@njit(parallel=True, fastmath=True, cache=True)
def _forward(density, points, offsets, affine, images):
    size = images.shape[1]
    width, total = np.uintp(size), len(points)
    for b in prange(affine.shape[0]):
        image = images[b].reshape(size * size)
        at, weight = np.empty((3, BLOCK), density.dtype), np.empty((8, BLOCK), density.dtype)
        corner = np.empty(BLOCK, np.int32)
        group = 0
        for first in range(0, total, BLOCK):
            count = min(BLOCK, total - first)
            group = _place(points, offsets, affine[b], group, first, first + count, at)
            for k in range(count):
                at[2, k] *= density[first + k]
            _kernel_weights(at, count, size, weight, corner)
            _scatter(image, width, count, weight, corner)


@njit(parallel=True, fastmath=True, cache=True)
def _backward_density(points, offsets, affine, grads, out):
    """``out`` is ``(threads, n)``; thread ``t`` gathers images t, t + threads, …: no two write the same place."""
    size = grads.shape[1]
    width, total = np.uintp(size), len(points)
    threads = out.shape[0]
    for t in prange(threads):
        mine = out[t]
        at, weight = np.empty((3, BLOCK), grads.dtype), np.empty((8, BLOCK), grads.dtype)
        corner = np.empty(BLOCK, np.int32)
        for b in range(t, affine.shape[0], threads):
            grad = grads[b].reshape(size * size)
            group = 0
            for first in range(0, total, BLOCK):
                count = min(BLOCK, total - first)
                group = _place(points, offsets, affine[b], group, first, first + count, at)
                _kernel_weights(at, count, size, weight, corner)
                for k in range(count):
                    w = weight[0, k], weight[1, k], weight[2, k], weight[3, k]
                    h = weight[4, k], weight[5, k], weight[6, k], weight[7, k]
                    mine[first + k] += _value(grad, width, np.uintp(corner[k]), w, h)


@njit(fastmath=True, cache=True)
def _weight_slopes(at, count, slope):
    """As `_kernel_weights`, which comes before it, the derivatives of the weights."""
    for k in range(count):
        u, v, mass = at[0, k], at[1, k], at[2, k]
        d0, d1, d2, d3 = _slopes(u - np.floor(u))
        e0, e1, e2, e3 = _slopes(v - np.floor(v))
        slope[0, k], slope[1, k], slope[2, k], slope[3, k] = d0, d1, d2, d3
        slope[4, k], slope[5, k], slope[6, k], slope[7, k] = e0 * mass, e1 * mass, e2 * mass, e3 * mass


@njit(fastmath=True, cache=True)
def _read_slopes(image, width, count, weight, slope, corner, change):
    """Of each of ``count`` points: how an image's value changes along x and along y, and the value, if asked for.

    ``change`` has two rows or three.
    """
    valued = change.shape[0] == 3
    for k in range(count):
        p = np.uintp(corner[k])
        w = weight[0, k], weight[1, k], weight[2, k], weight[3, k]
        h = weight[4, k], weight[5, k], weight[6, k], weight[7, k]
        d = slope[0, k], slope[1, k], slope[2, k], slope[3, k]
        e = slope[4, k], slope[5, k], slope[6, k], slope[7, k]
        change[0, k] = _value(image, width, p, d, h)
        change[1, k] = _value(image, width, p, w, e)
        if valued:
            change[2, k] = _value(image, width, p, w, h)


@njit(fastmath=True, cache=True)
def _sum_by_group(points, offsets, group, first, last, change, out):
    """Add each row of ``change`` times [x, y, z, 1] to that row of its point's group in ``out`` ``(g, 2 or 3, 4)``.

    Of points ``first`` to ``last``, ``group`` being that of the point before.
    """
    i = first
    while i < last:
        while offsets[group + 1] <= i:
            group += 1
        stop = min(offsets[group + 1], last)
        for row in range(out.shape[1]):
            s0 = s1 = s2 = s3 = change[row, 0] * 0
            for j in range(i, stop):
                c = change[row, j - first]
                s0 += c * points[j, 0]
                s1 += c * points[j, 1]
                s2 += c * points[j, 2]
                s3 += c
            o = out[group, row]
            o[0] += s0
            o[1] += s1
            o[2] += s2
            o[3] += s3
        i = stop


@njit(parallel=True, fastmath=True, cache=True)
def _backward_affine(density, points, offsets, affine, grads, out):
    """``out`` is ``(b, g, 2, 4)``: mass times the image gradient's slope at the point, times [x, y, z, 1].

    A third row ``(b, g, 3, 4)`` is the density times the image gradient itself, times [x, y, z, 1].
    """
    size = grads.shape[1]
    width, total = np.uintp(size), len(points)
    for b in prange(affine.shape[0]):
        grad = grads[b].reshape(size * size)
        at, change = np.empty((3, BLOCK), grads.dtype), np.empty((affine.shape[2], BLOCK), grads.dtype)
        weight, slope = np.empty((8, BLOCK), grads.dtype), np.empty((8, BLOCK), grads.dtype)
        corner, share = np.empty(BLOCK, np.int32), np.empty(BLOCK, grads.dtype)
        out[b] = 0
        group = 0
        for first in range(0, total, BLOCK):
            count = min(BLOCK, total - first)
            before = group
            group = _place(points, offsets, affine[b], group, first, first + count, at)
            for k in range(count):
                share[k], at[2, k] = at[2, k], 1
            _kernel_weights(at, count, size, weight, corner)
            _weight_slopes(at, count, slope)
            _read_slopes(grad, width, count, weight, slope, corner, change)
            for k in range(count):
                change[0, k] *= share[k]
                change[1, k] *= share[k]
            for row in range(len(change)):
                for k in range(count):
                    change[row, k] *= density[first + k]
            _sum_by_group(points, offsets, before, first, first + count, change, out[b])


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
