"""What an encoder sees of an image: its Hartley transform, windowed, with the phases flipped by the CTF's sign.

As cryoDRGN shows images to its encoder (Zhong et al. 2021): shifts undone, values within a circle of Fourier space,
divided by their standard deviation. Or in the image's aligned frame, turned so that the molecule's z axis points along
the image's x axis; what is left of the pose is the direction of view alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ....particles.shells import fourier_radius
from ...training.batches import Batch
from ...training.pose_corrections import Poses

INNER, OUTER = 0.85, 0.99  # of half the box: where the window begins to fall, along a cosine, and where it has fallen


@dataclass(frozen=True)
class EncoderInput:
    """``box`` pixels on a side; ``aligned``: turned. ``scale`` is what values are divided by.

    ``pixel_size`` Å at that box.
    """

    box: int
    pixel_size: float
    aligned: bool
    scale: float = 1.0

    @property
    def size(self) -> int:
        """How many numbers the encoder sees of an image."""
        return int(self._circle().sum())

    def __call__(self, batch: Batch, poses: Poses) -> torch.Tensor:
        """What is seen ``(b, p)`` of the images of a batch, which are of this box or a larger one."""
        batch = batch.cropped(self.box)
        if self.aligned:
            batch = poses.applied_to(batch, self.box, self.pixel_size)
        images = torch.fft.irfft2(batch.images * batch.transfer.sign(), s=(self.box, self.box))
        images = images * self._window(images.device)
        if self.aligned:
            images = turned_back(images, in_plane(batch.rotation))
        # the particle's origin, pixel N // 2, becomes that of the transform, which is then smooth
        transform = torch.fft.fft2(torch.fft.ifftshift(images, dim=(1, 2)))
        seen = (transform.real - transform.imag)[:, self._circle().to(images.device)]
        return seen / self.scale

    def _circle(self) -> torch.Tensor:
        """Frequencies ``(box, box)`` bool that are seen."""
        column = np.abs(np.rint(np.fft.fftfreq(self.box) * self.box)).astype(np.int64)
        return torch.from_numpy(fourier_radius(self.box)[:, column] < self.box / 2)

    def _window(self, device: torch.device) -> torch.Tensor:
        """``(box, box)``, 1 in the middle and 0 at the border."""
        line = torch.arange(self.box, device=device) - self.box // 2
        radius = torch.hypot(*torch.meshgrid(line.float(), line.float(), indexing="ij")) / (self.box / 2)
        along = ((radius - INNER) / (OUTER - INNER)).clamp(0, 1)
        return 0.5 * (1 + torch.cos(torch.pi * along))


def in_plane(rotation: torch.Tensor) -> torch.Tensor:
    """The angle ``(b,)`` at which the molecule's z axis is seen in the image, from x to y; of views ``(b, 3, 3)``.

    With a view Rz(ψ) Ry(θ) Rz(φ) it is ψ.
    """
    return torch.atan2(rotation[:, 1, 2], rotation[:, 0, 2])


def turned_back(images: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """Images ``(b, d, d)`` turned by minus ``angle`` ``(b,)`` about pixel d // 2; cubic interpolation."""
    box = images.shape[-1]
    line = torch.arange(box, device=images.device, dtype=images.dtype) - box // 2
    y, x = torch.meshgrid(line, line, indexing="ij")
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
    # what is at u in the new image was at Rz(ψ) u in the old one
    where = torch.stack([cosine * x - sine * y, sine * x + cosine * y], dim=-1) + box // 2
    grid = (2 * where + 1) / box - 1
    sample = torch.nn.functional.grid_sample
    return sample(images[:, None], grid, mode="bicubic", padding_mode="zeros", align_corners=False)[:, 0]
