"""Push points straight into images: the projector's inner loop behind one interface.

Points come sorted by group (a tetrahedron, or a rigid part). Each image has one 2x4 affine per group, with the pose
folded in, so a point costs eight multiplications to place. Its mass is spread by a cubic B-spline over 4x4 pixels; the
spline's Fourier transform is divided out later (`mesh_projector.py`), which makes the pair a type-1 non-uniform FFT
(Dutt & Rokhlin 1993; Greengard & Lee 2004). The sum is linear in the density, so its adjoint is a pure gather.

Three backends agree: ``torch`` (the reference, any device), ``numba`` (CPU), ``triton`` (NVIDIA).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

BACKENDS = ("torch", "numba", "triton")


def splat(
    density: torch.Tensor,
    points: torch.Tensor,
    offsets: torch.Tensor,
    affine: torch.Tensor,
    size: int,
    backend: str = "auto",
) -> torch.Tensor:
    """Sum point masses into images.

    Parameters
    ----------
    density : ``(n,)`` mass of each point.
    points : ``(n, 3)`` xyz, in the unit that ``affine`` takes, sorted by group.
    offsets : ``(g + 1,)`` int64; group ``j`` holds points ``offsets[j]:offsets[j + 1]``.
    affine : ``(b, g, 2, 4)``; ``affine[i, j] @ [x, y, z, 1]`` is the (x, y) of a point of group ``j`` in image ``i``,
        in pixels, 0 being the centre of the first pixel. A third row, ``(b, g, 3, 4)``, gives the share of each
        point's mass that is there.
    size : pixels on a side.
    backend : one of ``BACKENDS``, or ``auto``: triton on CUDA, numba on the CPU.

    Returns
    -------
    ``(b, size, size)`` images ``[y, x]``. A point whose 4x4 footprint is not wholly inside contributes nothing.
    Differentiable once in ``density`` and ``affine``, exactly.
    """
    return _implementation(density.device, backend)[0](density, points, offsets, affine, size)


def gather(
    images: torch.Tensor, points: torch.Tensor, offsets: torch.Tensor, affine: torch.Tensor, backend: str = "auto"
) -> torch.Tensor:
    """The adjoint of `splat` in the density: ``images`` ``(b, size, size)`` read at the points and summed, ``(n,)``.

    Without a gradient of its own.
    """
    return _implementation(images.device, backend)[1](images, points, offsets, affine)


def _implementation(device: torch.device, backend: str) -> tuple[Callable[..., torch.Tensor], ...]:
    """The splat and the gather of a backend, imported on first use."""
    if backend == "auto":
        backend = {"cuda": "triton", "cpu": "numba"}.get(device.type, "torch")
    if backend == "torch":
        return splat_torch, gather_torch
    if backend == "numba":
        from .splat_numba import gather_numba, splat_numba

        return splat_numba, gather_numba
    if backend == "triton":
        from .splat_triton import gather_triton, splat_triton

        return splat_triton, gather_triton
    raise ValueError(f"splat backend {backend!r} is none of {BACKENDS}")


def spline_weights(t: torch.Tensor) -> torch.Tensor:
    """Cubic B-spline weights ``(..., 4)`` of the pixels floor-1 … floor+2 for a fractional position ``t`` in [0, 1)."""
    s = 1 - t
    return torch.stack((s**3, 4 - 6 * t**2 + 3 * t**3, 4 - 6 * s**2 + 3 * s**3, t**3), dim=-1) / 6


def splat_torch(
    density: torch.Tensor, points: torch.Tensor, offsets: torch.Tensor, affine: torch.Tensor, size: int
) -> torch.Tensor:
    """The reference of `splat`, shapes as there: differentiable torch, one image after another to save memory."""
    group = _group_of_points(offsets)
    return torch.stack([_splat_one(density, points, group, one, size) for one in affine])


def gather_torch(
    images: torch.Tensor, points: torch.Tensor, offsets: torch.Tensor, affine: torch.Tensor
) -> torch.Tensor:
    """The reference of `gather`, shapes as there."""
    group = _group_of_points(offsets)
    total = torch.zeros(len(points), dtype=images.dtype, device=images.device)
    for image, one in zip(images, affine, strict=True):
        inside, index, weights = _footprint(points, group, one, image.shape[-1])
        value = (image.reshape(-1)[index] * weights).sum(dim=(1, 2))
        total[inside] += value * _share(points, group, one, inside)
    return total


def _group_of_points(offsets: torch.Tensor) -> torch.Tensor:
    return torch.repeat_interleave(torch.arange(len(offsets) - 1, device=offsets.device), offsets.diff())


def _footprint(
    points: torch.Tensor, group: torch.Tensor, affine: torch.Tensor, size: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Which points fall inside one image ``(n,)``, their 4x4 pixels ``(m, 4, 4)`` and the spline's weights there."""
    placed = (affine[group, :2, :3] @ points[:, :, None]).squeeze(-1) + affine[group, :2, 3]
    floor = placed.detach().floor()
    inside = ((floor >= 1) & (floor <= size - 3)).all(dim=1)
    weights = spline_weights((placed - floor)[inside])
    corner = floor[inside].long() - 1
    steps = torch.arange(4, device=points.device)
    index = (corner[:, 1, None] + steps)[:, :, None] * size + (corner[:, 0, None] + steps)[:, None, :]
    return inside, index, weights[:, 1, :, None] * weights[:, 0, None, :]


def _share(points: torch.Tensor, group: torch.Tensor, affine: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """How much of the mass of the points ``inside`` ``(m,)`` is there; ``affine`` is ``(g, 2, 4)`` or ``(g, 3, 4)``."""
    if affine.shape[1] == 2:
        return torch.ones_like(points[inside, 0])
    own = affine[group[inside], 2]
    return (own[:, :3] * points[inside]).sum(dim=1) + own[:, 3]


def _splat_one(
    density: torch.Tensor, points: torch.Tensor, group: torch.Tensor, affine: torch.Tensor, size: int
) -> torch.Tensor:
    """One image of `splat_torch`; ``affine`` is ``(g, 2, 4)`` or ``(g, 3, 4)``."""
    inside, index, weights = _footprint(points, group, affine, size)
    image = torch.zeros(size * size, dtype=density.dtype, device=density.device)
    mass = density[inside] * _share(points, group, affine, inside)
    return image.index_add(0, index.reshape(-1), (mass[:, None, None] * weights).reshape(-1)).view(size, size)
