"""The canonical map with the motion held fixed: linear least squares by preconditioned conjugate gradients.

Minimise ½ Σᵢ wᵢ ‖Iᵢ − Cᵢ P(flowᵢ) v‖² over the density v of the mask's voxels. The projection is
linear in v and its adjoint is a gather, so each step costs one pass over the images and needs no inverse flow and
no step size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from ...particles.shells import shell_index
from ..projector.mesh_projector import VoxelCloud, back_project, project
from ..training.batches import Batch, half_plane_weights


class Placement(Protocol):
    """Where each image of a batch has the cells: affines ``(b, c, 2, 4)``."""

    def __call__(self, batch: Batch) -> torch.Tensor:
        """The affines of a batch."""


@dataclass(frozen=True)
class LeastSquares:
    """The density problem of one particle set at one box size.

    ``batches`` starts a new pass over the images; ``weights`` ``(d, d // 2 + 1)`` are those of the half plane over
    the noise's power. Where several processes have a share of the images each, ``total`` sums over them.
    """

    cloud: VoxelCloud
    batches: Callable[[], Iterable[Batch]]
    placement: Placement
    weights: torch.Tensor
    backend: str = "auto"
    total: Callable[[torch.Tensor], torch.Tensor] = lambda values: values

    def counted(self, count: Callable[[int], None]) -> LeastSquares:
        """The same problem, telling ``count`` the number of images after each batch of each pass."""

        def batches() -> Iterator[Batch]:
            for batch in self.batches():
                yield batch
                count(len(batch))

        return replace(self, batches=batches)

    def right_side(self, density: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Σ Pᵀ C w (I − C P v) ``(n,)``, and the radial sum of w C² ``(d // 2 + 1,)`` that the preconditioner needs.

        v is a ``density`` ``(n,)``, nothing where it is None: what the images have beyond it.
        """
        total = torch.zeros(len(self.cloud), device=self.weights.device)
        box = self.weights.shape[0]
        power = torch.zeros(box // 2 + 1, device=self.weights.device)
        shell = torch.from_numpy(shell_index(box)).to(self.weights.device)
        for batch in self.batches():
            affine, images = self.placement(batch), batch.images
            # b − A v of the normal equations A v = b, A = Σ Pᵀ C w C P and b = Σ Pᵀ C w I
            if density is not None:
                images = images - batch.transfer * project(self.cloud, density, affine, box, self.backend)
            total += self._adjoint(batch, images, affine)
            squared = (self.weights * _counted(batch, batch.transfer**2)).sum(dim=0)
            power.index_add_(0, shell.reshape(-1), squared.reshape(-1))
        return self.total(total), self.total(power)

    def normal(self, density: torch.Tensor) -> torch.Tensor:
        """Σ Pᵀ C w C P v ``(n,)``: one pass over the images."""
        total = torch.zeros_like(density)
        for batch in self.batches():
            affine = self.placement(batch)
            moved = project(self.cloud, density, affine, self.weights.shape[0], self.backend)
            total += self._adjoint(batch, batch.transfer * moved, affine)
        return self.total(total)

    def _adjoint(self, batch: Batch, images: torch.Tensor, affine: torch.Tensor) -> torch.Tensor:
        """Pᵀ C w applied to Fourier images, ``(n,)``."""
        images = self.weights * batch.transfer * _counted(batch, images)
        return back_project(self.cloud, images, affine, self.backend)


def _counted(batch: Batch, images: torch.Tensor) -> torch.Tensor:
    """Images ``(b, d, d // 2 + 1)``, each times how far it counts."""
    return images if batch.weight is None else batch.weight[:, None, None] * images


def band_weights(box: int, high: float, noise: torch.Tensor) -> torch.Tensor:
    """Weights ``(box, box // 2 + 1)`` of a white-noise likelihood in Fourier space, up to radius ``high``.

    ``noise`` ``(≥ box // 2 + 1,)`` is the noise's mean squared Fourier amplitude by shell; the sum of weights times
    |residual|² is then twice the negative log-likelihood.
    """
    plane = torch.from_numpy(half_plane_weights(box, 0.5, high))
    return plane.to(noise.device) / noise[torch.from_numpy(shell_index(box)).to(noise.device)]
