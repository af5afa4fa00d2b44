"""A third decoder: a map for each of a few classes, which stand in a row along the first latent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from chimerax.flexrec.engine.decoders.decoder import Decoder
from chimerax.flexrec.engine.maps.half_maps import supported_map
from chimerax.flexrec.engine.training.rigid_map import rigid_stage
from chimerax.flexrec.engine.training.schedule import Rung
from chimerax.flexrec.engine.training.stage import carry_density
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.parameters import parameter
from toy_model import FORMAT, shares


@dataclass(frozen=True)
class ClassParameters:
    classes: int = parameter(3, help="how many maps", low=2, high=20, group="classes")


class ClassMaps(Decoder):
    format = FORMAT

    def __init__(self, settings):
        self.settings = settings

    def first_guess(self, trainer, points, given):
        self._rest = trainer.rest
        stage, self.maps = rigid_stage(trainer, trainer.rungs[0])
        self.noise, self.maps_box, start = stage.noise, stage.box, supported_map(stage.cloud, self.maps)
        self._take(start * (1 + 0.1 * torch.randn(self.settings.classes, len(start))), 0.05 * float(start.std()))
        points.z = torch.randn(points.z.shape) if given is None else torch.from_numpy(given)

    def _take(self, densities, rate):
        self.densities, self.rates = densities.requires_grad_(True), (rate, rate / 10)
        self.optimiser = torch.optim.Adam([self.densities])

    def enter(self, trainer, rung, points):
        stage = trainer.stage_of(rung, self.noise)
        old = trainer.stage_of(Rung(self.maps_box, 1, 0.9), self.noise).cloud
        self._take(torch.stack([carry_density(d.detach(), old, stage.cloud) for d in self.densities]), self.rates[0])
        self.maps_box = rung.box
        return stage.with_density(self.densities.detach().mean(dim=0))

    def predict(self, stage, batch, z):
        images = [stage.with_density(density).forward(batch, self._rest) for density in self.densities]
        return torch.einsum("bc,bcyx->byx", shares(z, len(images)).to(images[0].dtype), torch.stack(images, dim=1))

    def write(self, output, trainer, stage):
        volumes = np.stack([stage.cloud.scatter(d.detach()).numpy() for d in self.densities])
        with output("classes.npz") as path:
            np.savez(path, volumes=volumes)
        with output("map.mrc") as path:
            write_map(path, volumes.mean(axis=0), stage.cloud.pixel_size, trainer.mesh.centre)

    def state(self):
        return {"densities": self.densities}, {}

    def restore(self, tensors, words, trainer):
        self._rest = trainer.rest
        self._take(tensors["densities"], 1e-3)
