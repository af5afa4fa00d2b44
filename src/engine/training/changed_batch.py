"""Images that are the same to a molecule and look otherwise: turned in their plane with their pose, or set aside."""

from __future__ import annotations

from dataclasses import replace

import torch

from .batches import Batch
from .pose_corrections import shift_factor

# by a quarter, from x to y
_QUARTER = ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))


def quarter_turned(batch: Batch) -> Batch:
    """The batch turned in the plane of its images by 90° from x to y; poses and CTFs say so.

    Exact but for the Nyquist frequency, which is of no weight.
    """
    box = batch.images.shape[-2]
    quarter = torch.tensor(_QUARTER, dtype=batch.rotation.dtype, device=batch.rotation.device)
    correction = batch.correction
    if correction is not None:
        correction = torch.cat([correction[:, :3] @ quarter.T, correction[:, 3:] @ quarter[:2, :2].T], dim=1)
    return replace(
        batch,
        images=_quarter_turned(batch.images, box // 2),
        transfer=_quarter_turned(batch.transfer.to(batch.images.dtype), 0).real,
        rotation=quarter @ batch.rotation,
        correction=correction,
    )


def _quarter_turned(images: torch.Tensor, middle: int) -> torch.Tensor:
    """Transforms ``(b, d, d // 2 + 1)`` of images that are turned about the pixel ``middle``."""
    box = images.shape[-2]
    pixels = torch.fft.irfft2(images, s=(box, box))
    mirrored = (2 * middle - torch.arange(box, device=images.device)) % box
    # what is at (x, y) goes to (−y, x): new[row, column] = old[−column, row]
    return torch.fft.rfft2(pixels[:, mirrored].transpose(1, 2).contiguous())


def set_aside(batch: Batch, pixels: float) -> Batch:
    """The batch with its images shifted along x by so many ``pixels``, of which poses say nothing."""
    shift = torch.zeros(len(batch), 2, device=batch.images.device)
    shift[:, 0] = pixels
    return replace(batch, images=batch.images * shift_factor(shift, batch.images.shape[-2]))
