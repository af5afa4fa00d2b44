"""`splat` on an NVIDIA GPU, in Triton.

The forward pass spreads a block of points into one image by atomic additions, four neighbouring pixels of a row side by
side in a warp; all images of a batch stay in the second-level cache. Both gradients only read, so they need no atomics
and repeat to the last bit; the forward pass repeats to the order of its additions. Spline weights are kept six times
their value in each axis, and the factor 1/36 is applied once per point, so that float64 loses nothing to constants.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch.autograd.function import once_differentiable
from torch.utils.weak import WeakTensorKeyDictionary

BLOCK = 64  # points of one program in the forward pass and in the gather
WARPS = 2  # of such a program: as many as fit on a multiprocessor at once, with little to wait for at a barrier
PROGRAMS = 4096  # enough to fill the largest GPUs; images are split until the gather has as many
LANES = 32  # points that one warp of the affine gradient takes at a time
MOST_LANES = 128  # points that one program of the affine gradient takes at a time


@triton.jit
def _spline(x):
    """Six times the cubic B-spline at a distance ``x`` between -2 and 2."""
    d = tl.abs(x)
    far = 2 - d
    return tl.where(d < 1, 4 - 3 * d * d * far, far * far * far)


@triton.jit
def _slope(x):
    """The derivative of `_spline`."""
    d = tl.abs(x)
    far = 2 - d
    return tl.where(d < 1, x * (9 * d - 12), tl.where(x > 0, -3 * far * far, 3 * far * far))


@triton.jit
def _place(row, x, y, z, there, size):
    """Where points fall: first pixel of their footprint (int32), fractions in x and y, and whether it is inside."""
    u = tl.load(row, there, 0) * x + tl.load(row + 1, there, 0) * y + tl.load(row + 2, there, 0) * z
    v = tl.load(row + 4, there, 0) * x + tl.load(row + 5, there, 0) * y + tl.load(row + 6, there, 0) * z
    u += tl.load(row + 3, there, 0)
    v += tl.load(row + 7, there, 0)
    inside = there & (u >= 1) & (v >= 1) & (u < size - 2) & (v < size - 2)
    u = tl.where(inside, u, 1)  # also keeps what is no number away from the conversion
    v = tl.where(inside, v, 1)
    iu = u.to(tl.int32)
    iv = v.to(tl.int32)
    return (iv - 1) * size + iu - 1, u - iu, v - iv, inside


@triton.jit
def _share(row, x, y, z, there, ROWS: tl.constexpr):
    """The share of each point's mass that is there: the affine's third row, or all of it."""
    share = tl.full(x.shape, 1, x.dtype)
    if ROWS == 3:
        share = tl.load(row + 8, there, 0) * x + tl.load(row + 9, there, 0) * y + tl.load(row + 10, there, 0) * z
        share += tl.load(row + 11, there, 0)
    return share


@triton.jit
def _forward(
    density, points, group, affine, images, n, groups, count, size, BLOCK: tl.constexpr, ROWS: tl.constexpr
):
    """One block of points into one image; neighbouring programs take different images, to spread the atomics."""
    image = (tl.program_id(0) % count).to(tl.int64)
    index = tl.program_id(0) // count * BLOCK + tl.arange(0, BLOCK)
    there = index < n
    row = affine + (image * groups + tl.load(group + index, there, 0)) * (4 * ROWS)
    x = tl.load(points + 3 * index, there, 0)
    y = tl.load(points + 3 * index + 1, there, 0)
    z = tl.load(points + 3 * index + 2, there, 0)
    corner, tx, ty, inside = _place(row, x, y, z, there, size)
    mass = tl.load(density + index, there, 0) * _share(row, x, y, z, there, ROWS) / 36
    taps = tl.arange(0, 4)[None, :]
    across = mass[:, None] * _spline(tx[:, None] - (taps - 1))
    pixel = images + image * size * size + corner[:, None] + taps
    for down in tl.static_range(4):
        value = across * _spline(ty[:, None] - (down - 1))
        tl.atomic_add(pixel + down * size, value, mask=inside[:, None], sem="relaxed")


@triton.jit
def _gather(
    points, group, affine, images, out, n, groups, count, size, splits, BLOCK: tl.constexpr, ROWS: tl.constexpr
):
    """One block of points read from every ``splits``-th image, summed into one row of ``out`` ``(splits, n)``."""
    split = tl.program_id(0) % splits
    index = tl.program_id(0) // splits * BLOCK + tl.arange(0, BLOCK)
    there = index < n
    own = tl.load(group + index, there, 0)
    x = tl.load(points + 3 * index, there, 0)
    y = tl.load(points + 3 * index + 1, there, 0)
    z = tl.load(points + 3 * index + 2, there, 0)
    taps = tl.arange(0, 4)[None, :]
    total = tl.zeros((BLOCK, 4), out.dtype.element_ty)
    for i in range(split, count, splits):
        image = tl.cast(i, tl.int64)
        row = affine + (image * groups + own) * (4 * ROWS)
        corner, tx, ty, inside = _place(row, x, y, z, there, size)
        pixel = images + image * size * size + corner[:, None] + taps
        column = tl.zeros((BLOCK, 4), out.dtype.element_ty)
        for down in tl.static_range(4):
            value = tl.load(pixel + down * size, inside[:, None], 0)
            column += value * _spline(ty[:, None] - (down - 1))
        share = _share(row, x, y, z, there, ROWS)
        total += column * _spline(tx[:, None] - (taps - 1)) * share[:, None]
    tl.store(out + split.to(tl.int64) * n + index, tl.sum(total, 1) / 36, there)


@triton.jit
def _backward_affine(
    density, points, offsets, affine, grads, out, groups, blocks, size, GROUPS: tl.constexpr, POINTS: tl.constexpr,
    ROWS: tl.constexpr
):  # fmt: skip
    """``out``, as large as ``affine``, of a few groups in one image; neighbouring programs read the same image."""
    image = (tl.program_id(0) // blocks).to(tl.int64)
    group = tl.program_id(0) % blocks * GROUPS + tl.arange(0, GROUPS)
    real = group < groups
    start = tl.load(offsets + group, real, 0).to(tl.int32)
    stop = tl.load(offsets + group + 1, real, 0).to(tl.int32)
    row = (image * groups + group) * (4 * ROWS)
    taps = tl.arange(0, 4)[None, None, :]
    dtype = out.dtype.element_ty
    ux = tl.zeros((GROUPS, POINTS, 4), dtype)
    uy = tl.zeros((GROUPS, POINTS, 4), dtype)
    uz = tl.zeros((GROUPS, POINTS, 4), dtype)
    u1 = tl.zeros((GROUPS, POINTS, 4), dtype)
    vx = tl.zeros((GROUPS, POINTS, 4), dtype)
    vy = tl.zeros((GROUPS, POINTS, 4), dtype)
    vz = tl.zeros((GROUPS, POINTS, 4), dtype)
    v1 = tl.zeros((GROUPS, POINTS, 4), dtype)
    sx = tl.zeros((GROUPS, POINTS, 4), dtype)
    sy = tl.zeros((GROUPS, POINTS, 4), dtype)
    sz = tl.zeros((GROUPS, POINTS, 4), dtype)
    s1 = tl.zeros((GROUPS, POINTS, 4), dtype)
    for first in range(0, tl.max(stop - start), POINTS):
        index = start[:, None] + first + tl.arange(0, POINTS)[None, :]
        there = index < stop[:, None]
        x = tl.load(points + 3 * index, there, 0)
        y = tl.load(points + 3 * index + 1, there, 0)
        z = tl.load(points + 3 * index + 2, there, 0)
        own = tl.load(density + index, there, 0) / 36
        mass = own * _share(affine + row[:, None], x, y, z, there, ROWS)
        corner, tx, ty, inside = _place(affine + row[:, None], x, y, z, there, size)
        pixel = grads + image * size * size + corner[:, :, None] + taps
        level = tl.zeros((GROUPS, POINTS, 4), dtype)
        steep = tl.zeros((GROUPS, POINTS, 4), dtype)
        for down in tl.static_range(4):
            value = tl.load(pixel + down * size, inside[:, :, None], 0)
            level += value * _spline(ty[:, :, None] - (down - 1))
            steep += value * _slope(ty[:, :, None] - (down - 1))
        distance = tx[:, :, None] - (taps - 1)
        du = level * _slope(distance) * mass[:, :, None]
        dv = steep * _spline(distance) * mass[:, :, None]
        ux += du * x[:, :, None]
        uy += du * y[:, :, None]
        uz += du * z[:, :, None]
        u1 += du
        vx += dv * x[:, :, None]
        vy += dv * y[:, :, None]
        vz += dv * z[:, :, None]
        v1 += dv
        if ROWS == 3:
            ds = level * _spline(distance) * own[:, :, None]
            sx += ds * x[:, :, None]
            sy += ds * y[:, :, None]
            sz += ds * z[:, :, None]
            s1 += ds
    tl.store(out + row, tl.sum(tl.sum(ux, 2), 1), real)
    tl.store(out + row + 1, tl.sum(tl.sum(uy, 2), 1), real)
    tl.store(out + row + 2, tl.sum(tl.sum(uz, 2), 1), real)
    tl.store(out + row + 3, tl.sum(tl.sum(u1, 2), 1), real)
    tl.store(out + row + 4, tl.sum(tl.sum(vx, 2), 1), real)
    tl.store(out + row + 5, tl.sum(tl.sum(vy, 2), 1), real)
    tl.store(out + row + 6, tl.sum(tl.sum(vz, 2), 1), real)
    tl.store(out + row + 7, tl.sum(tl.sum(v1, 2), 1), real)
    if ROWS == 3:
        tl.store(out + row + 8, tl.sum(tl.sum(sx, 2), 1), real)
        tl.store(out + row + 9, tl.sum(tl.sum(sy, 2), 1), real)
        tl.store(out + row + 10, tl.sum(tl.sum(sz, 2), 1), real)
        tl.store(out + row + 11, tl.sum(tl.sum(s1, 2), 1), real)


_groups_of_offsets = WeakTensorKeyDictionary()


def _group_of_points(offsets: torch.Tensor, n: int) -> torch.Tensor:
    """The group ``(n,)`` int32 of each point, remembered for as long as ``offsets`` lives and is unchanged."""
    version = (n, 0 if offsets.is_inference() else offsets._version)
    known = _groups_of_offsets.get(offsets)
    if known is None or known[0] != version:
        points = torch.arange(n, device=offsets.device, dtype=offsets.dtype)
        known = version, torch.searchsorted(offsets[1:].contiguous(), points, right=True, out_int32=True)
        _groups_of_offsets[offsets] = known
    return known[1]


def _contiguous(*tensors: torch.Tensor) -> list[torch.Tensor]:
    """The tensors as the kernels want them. `ValueError` where types or devices differ, which kernels cannot see."""
    if len({(tensor.dtype, tensor.device) for tensor in tensors}) > 1:
        raise ValueError(f"splat wants one type on one device, not {[(t.dtype, str(t.device)) for t in tensors]}")
    if tensors[0].dtype not in (torch.float32, torch.float64):
        raise ValueError(f"splat takes float32 or float64, not {tensors[0].dtype}")
    return [tensor.detach().contiguous() for tensor in tensors]


def _launch_forward(
    density: torch.Tensor, points: torch.Tensor, offsets: torch.Tensor, affine: torch.Tensor, size: int
) -> torch.Tensor:
    """Images ``(b, size, size)``."""
    count, groups = affine.shape[:2]
    images = density.new_zeros(count, size, size)
    programs = triton.cdiv(len(points), BLOCK) * count
    if programs:
        group = _group_of_points(offsets, len(points))
        with torch.cuda.device_of(points):
            _forward[(programs,)](
                density, points, group, affine, images, len(points), groups, count, size,
                BLOCK=BLOCK, ROWS=affine.shape[2], num_warps=WARPS, enable_fp_fusion=True,
            )  # fmt: skip
    return images


def _launch_gather(
    images: torch.Tensor, points: torch.Tensor, offsets: torch.Tensor, affine: torch.Tensor
) -> torch.Tensor:
    """Sum over images of their value at each point ``(n,)``."""
    (count, groups), n = affine.shape[:2], len(points)
    blocks = triton.cdiv(n, BLOCK)
    if not blocks * count:
        return images.new_zeros(n)
    splits = min(count, triton.cdiv(PROGRAMS, blocks))
    partial = images.new_empty(splits, n)
    group = _group_of_points(offsets, n)
    with torch.cuda.device_of(points):
        _gather[(blocks * splits,)](
            points, group, affine, images, partial, n, groups, count, images.shape[-1], splits,
            BLOCK=BLOCK, ROWS=affine.shape[2], num_warps=WARPS, enable_fp_fusion=True,
        )  # fmt: skip
    return partial.sum(dim=0)


def _launch_backward_affine(
    density: torch.Tensor, points: torch.Tensor, offsets: torch.Tensor, affine: torch.Tensor, grads: torch.Tensor
) -> torch.Tensor:
    """Gradient, as large as ``affine``. A program's shape follows the mean size of a group: a cell, or a rigid part."""
    out = torch.empty_like(affine)
    count, groups = affine.shape[:2]
    if not count * groups:
        return out
    in_parallel = min(max(triton.next_power_of_2(len(points) // groups), 4), MOST_LANES)
    side_by_side = max(LANES // in_parallel, 1)
    blocks = triton.cdiv(groups, side_by_side)
    with torch.cuda.device_of(points):
        _backward_affine[(blocks * count,)](
            density, points, offsets.contiguous(), affine, grads, out, groups, blocks, grads.shape[-1],
            GROUPS=side_by_side, POINTS=in_parallel, ROWS=affine.shape[2],
            num_warps=max(in_parallel // LANES, 1), enable_fp_fusion=True,
        )  # fmt: skip
    return out


class _Splat(torch.autograd.Function):
    """The kernels as one operation, differentiable once."""

    @staticmethod
    def forward(ctx, density, points, offsets, affine, size):
        """Images ``(b, size, size)``."""
        density, points, affine = _contiguous(density, points, affine)
        ctx.save_for_backward(density, points, offsets, affine)
        return _launch_forward(density, points, offsets, affine, size)

    @staticmethod
    @once_differentiable
    def backward(ctx, grads):
        """Gradients in density (a gather) and in the affines (a sum per group)."""
        density, points, offsets, affine = ctx.saved_tensors
        grads = grads.contiguous()
        d_density = d_affine = None
        if ctx.needs_input_grad[0]:
            d_density = _launch_gather(grads, points, offsets, affine)
        if ctx.needs_input_grad[3]:
            d_affine = _launch_backward_affine(density, points, offsets, affine, grads)
        return d_density, None, None, d_affine, None


def splat_triton(
    density: torch.Tensor, points: torch.Tensor, offsets: torch.Tensor, affine: torch.Tensor, size: int
) -> torch.Tensor:
    """`splat.splat` on an NVIDIA GPU; see there. float32 or float64, all tensors on one device."""
    return _Splat.apply(density, points, offsets, affine, size)


def gather_triton(
    images: torch.Tensor, points: torch.Tensor, offsets: torch.Tensor, affine: torch.Tensor
) -> torch.Tensor:
    """`splat.gather` on an NVIDIA GPU; see there."""
    images, points, affine = _contiguous(images, points, affine)
    return _launch_gather(images, points, offsets, affine)
