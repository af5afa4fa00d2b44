"""A stage at which every particle is seen as the map of its class."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch

from ...projector.mesh_projector import project
from ...training.stage import Stage


@dataclass(frozen=True, kw_only=True)
class ClassStage(Stage):
    """A stage whose ``density`` ``(n,)`` is the mean of the maps of several classes.

    densities : ``(K, n)`` mass per voxel. label : ``(count,)`` int64, the most likely class of each particle, from 0;
    what is written into it is seen at once.
    """

    densities: torch.Tensor
    label: torch.Tensor

    @classmethod
    def of(cls, stage: Stage, densities: torch.Tensor, size: torch.Tensor, label: torch.Tensor) -> ClassStage:
        """A stage with maps ``(K, n)``; ``size`` ``(K,)`` is the share of the particles in each."""
        own = {each.name: getattr(stage, each.name) for each in fields(Stage)}
        return cls(**own | {"density": size @ densities}, densities=densities, label=label)

    def projections(self, rows: torch.Tensor, affine: torch.Tensor) -> torch.Tensor:
        """Projections ``(b, box, box // 2 + 1)`` in Fourier space, each of the map of its particle's class."""
        label = self.label[rows]
        own = [torch.nonzero(label == k)[:, 0] for k in range(len(self.densities))]
        images = [project(self.cloud, self.densities[k], affine[places], self.box, self.backend)
                  for k, places in enumerate(own) if len(places)]  # fmt: skip
        return torch.cat(images)[torch.argsort(torch.cat(own))]
