"""Grids of Fourier coefficients: the radius of every element, and the part of them that a smaller box has."""

from __future__ import annotations

import torch


def squared_radius(
    box: int, device: torch.device, whole: bool = False, planes: slice = slice(None)
) -> torch.Tensor:
    """|k|² ``(N, N, N // 2 + 1)`` of each element of rfftn, k in units of 1 / field of view; ``(N, N, N)`` of fftn for
    the ``whole``. ``planes`` : of the first axis, if not all.
    """
    k = torch.fft.fftfreq(box, device=device) * box
    kx = k if whole else torch.fft.rfftfreq(box, device=device) * box
    return k[planes, None, None] ** 2 + k[None, :, None] ** 2 + kx[None, None, :] ** 2


def crop_rows(half: torch.Tensor, box: int) -> torch.Tensor:
    """The rows ``(…, box, w)`` of half planes ``(…, d, w)``, in the order of rfft2, that a smaller ``box`` has."""
    return torch.cat([half[..., : box // 2, :], half[..., half.shape[-2] - (box - box // 2) :, :]], dim=-2)
