"""A third decoder: a map for each of a few classes, which stand in a row along the first latent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from chimerax.flexrec.engine.decoders.decoder import Decoder
from chimerax.flexrec.engine.maps.half_maps import supported_map
from chimerax.flexrec.engine.training.rigid_map import rigid_stage
from chimerax.flexrec.engine.training.schedule import ResolutionLevel
from chimerax.flexrec.engine.training.stage import carry_density
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.parameters import parameter
from toy_model import FORMAT, shares


@dataclass(frozen=True)
class ClassParameters:
    maps: int = parameter(3, help="how many maps", low=2, high=20, group="maps")


class ClassMaps(Decoder):
    format = FORMAT

    def __init__(self, settings):
        self.settings = settings

    def first_guess(self, trainer, points, given):
        stage, self.maps = rigid_stage(trainer, trainer.levels[0])
        self.noise, self.maps_box, start = stage.noise, stage.box, supported_map(stage.cloud, self.maps)
        self._take(start * (1 + 0.1 * torch.randn(self.settings.maps, len(start))), trainer)
        points.z = torch.randn(points.z.shape) if given is None else torch.from_numpy(given)

    def _take(self, densities, trainer):
        self.densities, self.rates = densities.requires_grad_(True), (0.05 * float(densities.std()),) * 2
        self.optimiser, self._rest = torch.optim.Adam([self.densities]), trainer.rest

    def enter(self, trainer, level, points):
        old, stage = (trainer.stage_of(one, self.noise) for one in (ResolutionLevel(self.maps_box, 1, 0.9), level))
        self._take(torch.stack([carry_density(d.detach(), old.cloud, stage.cloud) for d in self.densities]), trainer)
        self.maps_box = level.box
        return stage.with_density(self.densities.detach().mean(dim=0))

    def predict(self, stage, batch, z):
        images = [stage.with_density(density).forward(batch, self._rest) for density in self.densities]
        return torch.einsum("bc,bcyx->byx", shares(z, len(images)).to(images[0].dtype), torch.stack(images, dim=1))

    def write(self, output, trainer, stage):
        volumes = np.stack([stage.cloud.scatter(d.detach()).numpy() for d in self.densities])
        with output("classes.npz") as classes, output("map.mrc") as mean:
            np.savez(classes, volumes=volumes)
            write_map(mean, volumes.mean(axis=0), stage.cloud.pixel_size, trainer.mesh.centre)

    def state(self):
        return {"densities": self.densities}, {}

    def restore(self, tensors, words, trainer):
        self._take(tensors["densities"], trainer)
