"""The Fourier radius of every element of a map's transform."""

from __future__ import annotations

import torch


def squared_radius(box: int, device: torch.device, whole: bool = False) -> torch.Tensor:
    """|k|² ``(N, N, N // 2 + 1)`` of each element of rfftn, k in units of 1 / field of view; ``(N, N, N)`` of fftn for
    the ``whole``.
    """
    k = torch.fft.fftfreq(box, device=device) * box
    kx = k if whole else torch.fft.rfftfreq(box, device=device) * box
    return k[:, None, None] ** 2 + k[None, :, None] ** 2 + kx[None, None, :] ** 2
