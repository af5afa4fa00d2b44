"""The field: the map's transform as a coordinate network of frequency and latent point, as cryoDRGN's decoder.

The network learns by Adam from batches; latents are moved by derivatives that are carried forward through it. It
begins as what linear components of the density are (`field_start.py`). No mesh moves, and what lies outside the mesh's
mask may change too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ....errors import InputError
from ....mesh.map_files import write_map
from ...latents.particle_latents import ParticleLatents
from ...maps.half_maps import supported_map
from ...maps.noise_power import measure_noise
from ...training.adam_state import adam_tensors, restore_adam
from ...training.batches import Batch
from ...training.rigid_map import rigid_stage
from ...training.schedule import ResolutionLevel
from ...training.stage import Stage, carry_density
from ...training.trainer import Trainer
from ..decoder import Output, Pass
from .drawn_samples import DrawnSamples, SampleDraw
from .field_start import start_field
from .field_state import FieldState

STEPS = 2_000  # of Adam, a batch each, that the network wants
LEAST_EPOCHS, MOST_EPOCHS = 10, 40


class FieldDecoder(FieldState):
    """A field, learned."""

    format, measures = "flexrec-field", ("misfit", "rigid_misfit")

    def passes(self, particles: int, batch_size: int) -> int:
        """As many as the network wants, wherever latents come from."""
        return min(max(round(STEPS * batch_size / particles), LEAST_EPOCHS), MOST_EPOCHS)

    def levels(
        self, box: int, pixel_size: float, particles: int, dims: int, epochs: int | None, band: float, batch_size: int
    ) -> tuple[ResolutionLevel, ...]:
        """The box sizes that training goes through; ``InputError`` where images have an odd number of pixels."""
        if box % 2:
            raise InputError(f"decoder: a field needs images of an even number of pixels, not {box}; run prep with "
                             f"--crop {box - 1}.")  # fmt: skip
        return super().levels(box, pixel_size, particles, dims, epochs, band, batch_size)

    # ----- what it does -----

    def first_guess(self, trainer: Trainer, points: ParticleLatents, given: np.ndarray | None) -> None:
        """The rigid map, its noise, and a network that is taught the first guess of latents and density."""
        self.build(trainer, points.z.shape[1])
        self.amplitude = torch.zeros(trainer.images.box // 2 + 1, device=trainer.device)
        start_field(trainer, self, points, given)

    def enter(self, trainer: Trainer, level: ResolutionLevel, points: ParticleLatents) -> Stage:
        """The level's stage with the rigid map; where the box grows that is solved anew, and the noise measured."""
        if self.maps_box == level.box:
            stage = trainer.stage_of(level, self.noise)
            return stage.with_density(supported_map(stage.cloud, self.maps))
        stage, self.maps = rigid_stage(trainer, level, self.noise)
        self.maps_box = level.box
        self.take_amplitude(stage, level)
        trainer.team.agree(self.shared())
        self.noise = measure_noise(trainer, stage, lambda batch: self.predict(stage, batch, points.z[batch.rows]))
        return stage.with_noise(self.noise, level.band)

    def coarser(self, now: Pass, level: ResolutionLevel) -> Stage:
        """The same rigid map on larger pixels."""
        stage = now.stage
        if level.box >= stage.box:
            return stage
        coarse = now.trainer.stage_of(level, self.noise)
        return coarse.with_density(carry_density(stage.density, stage.cloud, coarse.cloud))

    # ----- how it learns -----

    def begin_pass(self, now: Pass) -> None:
        """With samples of images that the pass draws."""
        self._draw = SampleDraw(self.plane(now.stage), self.amplitude, self.settings.field_samples,
                                (now.trainer.seed, 43, now.epoch))  # fmt: skip

    def learn(self, now: Pass, batch: Batch, z: torch.Tensor, place: np.ndarray, size: int) -> torch.Tensor:
        """Add the gradient of the misfit, few images at a time; the misfits of the field and of the rigid map, as drawn
        samples tell them.
        """
        stage, plane = now.stage, self.plane(now.stage)
        weight = torch.ones(len(batch), device=z.device) if batch.weight is None else batch.weight
        left = plane.samples(batch.images - self.rigid(stage, batch))
        points, sums = z.detach().requires_grad_(z.requires_grad), torch.zeros(2, device=z.device)
        for some in self.pieces(stage, len(batch)):
            drawn = self._draw.samples(batch.rows[some])
            rigid = torch.view_as_real(drawn.of(left[some]))
            misfits = _misfit(drawn, rigid - self.change(stage, batch.picked(some), points[some], drawn))
            (weight[some] @ misfits / size).backward()
            sums += torch.stack([misfits.detach().sum(), _misfit(drawn, rigid).sum()]) / size
        if points.grad is not None:  # what z came from, a network perhaps, learns once from all of them
            z.backward(points.grad)
        return sums

    def solve(self, now: Pass) -> Stage:
        """Nothing is solved in closed form; what is known of the latents is counted."""
        points = now.points
        self.information = (points.precision.diagonal(dim1=1, dim2=2).mean(dim=0) - 1).cpu().numpy()
        self.mean = points.z[now.trainer.membership.probability > 0.5].mean(dim=0)
        return now.stage

    # ----- what it writes -----

    def summary(self, line: dict[str, float]) -> str:
        """A line of the history as a sentence."""
        gain = line["rigid_misfit"] - line["misfit"]
        return (f"Pass {line['epoch']:.0f} at {line['box']:.0f} pixels: the field explains each image better than the "
                f"rigid map by {gain:.1f} nats, {line['images_per_second']:.0f} images/s.")  # fmt: skip

    def write(self, output: Output, trainer: Trainer, stage: Stage) -> None:
        """field.npz, the rigid map that it changes, and the map at the mean of the latents."""
        radius = int(torch.hypot(self.plane(stage).kx, self.plane(stage).ky).max())
        # Any: by its types, a name of ours could be an option of savez
        arrays: dict[str, Any] = {**self.network.plain(), "amplitude": self.amplitude.cpu().numpy(),
                                  "radius": np.float32(radius)}  # fmt: skip
        with output("field.npz") as path:
            np.savez(path, **arrays)
        change = self.change_map(stage, radius, self.mean).cpu().numpy()
        rigid, pixel_size = stage.volume(), trainer.images.pixel_size * trainer.images.box / stage.box
        for name, volume in {"rigid_map": rigid, "map": rigid + change}.items():
            with output(f"{name}.mrc") as path:
                write_map(path, volume, pixel_size, trainer.mesh.centre)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """The network, what Adam knows of it, and what its numbers are in units of."""
        tensors = {f"field.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= adam_tensors(self.optimiser) | {"amplitude": self.amplitude}
        return tensors, {"known_shells": self.known_shells}

    def restore(self, tensors: dict[str, torch.Tensor], words: dict[str, Any], trainer: Trainer) -> None:
        """The network, what Adam knew of it, and what its numbers are in units of."""
        self.build(trainer, tensors["latents"].shape[1])
        self.network.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("field.")})
        restore_adam(self.optimiser, tensors)
        self.amplitude, self.known_shells = tensors["amplitude"], words["known_shells"]


def _misfit(drawn: DrawnSamples, residual: torch.Tensor) -> torch.Tensor:
    """An estimate of `Stage.misfit` ``(b,)`` from residuals ``(b, m, 2)``: real and imaginary parts."""
    return 0.5 * (residual.square().sum(dim=2) * drawn.weights).sum(dim=1)
