"""What a latent point becomes: the protocol of a decoder, one column of the grid of methods.

image_i = CTF_i · shift_i · project(pose_i, decode(z_i)) + noise. A decoder says what decode is; where the z_i come from
is the latent source's affair (`latent_source.py`), and one loop trains any pair (`training_loop.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from ...particles.particles import Particles
from ..latents.particle_latents import ParticleLatents, Step, StepSums
from ..maps.half_maps import HalfMaps
from ..training.batches import Batch
from ..training.schedule import ResolutionLevel, coarse_to_fine, epochs_for
from ..training.stage import Stage
from ..training.trainer import Trainer

# gives the path at which a file of a name is to be written, whole or not at all
Output = Callable[[str], AbstractContextManager[Path]]
DIFFERENCE = 0.05  # of the latents' unit spread: a step of differences


@dataclass(frozen=True)
class Pass:
    """A pass over the images: number ``epoch`` (from 0) of a training, at a ``stage``; ``points`` are the latents."""

    trainer: Trainer
    stage: Stage
    points: ParticleLatents
    epoch: int

    @property
    def last(self) -> bool:
        """Whether no other follows."""
        return self.epoch + 1 == self.trainer.epochs


class Predictor(Protocol):
    """What predicts images. Subclass it and write `predict`."""

    def predict(self, stage: Stage, batch: Batch, z: torch.Tensor) -> torch.Tensor:
        """Images ``(b, d, d // 2 + 1)`` in Fourier space at latents ``(b, k)``, or ``(1, k)`` for all of them.

        With CTF, and the poses of the batch; differentiable.
        """
        ...

    def predict_several(
        self, stage: Stage, batch: Batch, z: torch.Tensor, correction: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Several images of each particle ``(b, m, d, d // 2 + 1)`` at latents ``(b, m, k)``, or ``(b, 1, k)``.

        ``correction`` ``(b, m, 5)`` takes the place of the batch's own.
        """
        several = z.shape[1] if correction is None else correction.shape[1]
        z = z.expand(-1, several, -1)
        own = [batch.correction] * several if correction is None else correction.unbind(dim=1)
        return torch.stack([self.predict(stage, replace(batch, correction=own[i]), z[:, i]) for i in range(several)],
                           dim=1)  # fmt: skip

    def images_at(self, stage: Stage, z: torch.Tensor) -> Callable[[Batch], Iterator[torch.Tensor]]:
        """What predicts images ``(b, d, d // 2 + 1)`` of a batch at each of some latents ``(a, k)``, one after another.

        All its batches are asked for the same latents, so that they may share what a search for better ones needs.
        """
        return lambda batch: (self.predict(stage, batch, point[None]) for point in z)

    def predict_with_slopes(self, stage: Stage, batch: Batch, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images at latents ``(b, k)`` and their derivatives ``(b, k, d, d // 2 + 1)`` by them.

        Here by forward differences: ∂f/∂zₖ ≈ (f(z + h eₖ) − f(z)) / h.
        """
        k = z.shape[1]
        steps = torch.cat([torch.zeros(1, k, device=z.device), DIFFERENCE * torch.eye(k, device=z.device)])
        models = self.predict_several(stage, batch, z[:, None] + steps)
        return models[:, 0], (models[:, 1:] - models[:, :1]) / DIFFERENCE


class Decoder(Predictor, Protocol):
    """Subclass it: what has a body here need not be written again.

    Attributes
    ----------
    format : of its model, as model.json names it. settings : its parameters, a frozen dataclass.
    straight : whether images are linear in z; then `place` finds latents in one step. spare : dimensions that it finds
        beyond those wanted; none where latents are frozen.
    fixed_axes : whether its latent space has places of its own, so that latents are never made white.
    optimiser : steps along the gradient of batches, the rate falling from the first to the last of ``rates``; None
        where all is learned from what a pass adds up to.
    keeps_mesh : whether its model has the mesh, which may become another than training was given.
    measures : what the numbers of `learn` are, each a mean over images.
    noise : ``(D // 2 + 1,)`` mean squared Fourier amplitude by shell. maps : half-maps at box ``maps_box``.
    information : ``(f,)`` signal over noise of what it has found, the strongest first; may be empty.
    """

    format: str
    settings: Any
    straight: bool = False
    spare: int = 0
    fixed_axes: bool = False
    optimiser: torch.optim.Optimizer | None = None
    rates: tuple[float, float] = (1e-3, 5e-5)
    keeps_mesh: bool = False
    measures: tuple[str, ...] = ("misfit",)
    noise: torch.Tensor
    maps: HalfMaps
    maps_box: int = 0
    information: np.ndarray = np.zeros(0)

    def passes(self, particles: int, batch_size: int) -> int:
        """How many passes over the images it takes where nobody says."""
        return epochs_for(particles, batch_size)

    def levels(
        self, box: int, pixel_size: float, particles: int, dims: int, epochs: int | None, band: float, batch_size: int
    ) -> tuple[ResolutionLevel, ...]:
        """The box sizes that training goes through; ``epochs`` and ``band`` as they were asked for."""
        return coarse_to_fine(box, pixel_size, epochs or self.passes(particles, batch_size), band)

    # ----- what it does -----

    def first_guess(self, trainer: Trainer, points: ParticleLatents, given: np.ndarray | None) -> None:
        """Be ready for the first pass, and put the latents where they begin: about ``given`` ``(n, k)``, if any."""
        ...

    def enter(self, trainer: Trainer, level: ResolutionLevel, points: ParticleLatents) -> Stage:
        """The stage of a resolution level, with what is known carried over to its box."""
        ...

    def coarser(self, now: Pass, level: ResolutionLevel) -> Stage:
        """A stage of larger pixels, on which to `predict` roughly and quickly; the pass' own where there is none."""
        return now.stage

    def place(self, stage: Stage, batch: Batch) -> Step:
        """The posterior of a batch's latents in closed form, where images are linear in z."""
        raise NotImplementedError

    # ----- how it learns -----

    def begin_pass(self, now: Pass) -> None:
        """Before the images of a pass."""

    def prior(self, now: Pass, z: torch.Tensor) -> torch.Tensor:
        """Negative logarithm of the decoder's prior at latents ``(b, k)``: a number, nats per image."""
        return z.new_zeros(())

    def drawn(self, z: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
        """Latents ``(b, k)`` to learn from: a ``draw`` from a normal posterior about the most likely ones ``z``.

        Where images are far from linear in a latent, such a draw is none of what the images leave open.
        """
        return draw

    def learn(self, now: Pass, batch: Batch, z: torch.Tensor, place: np.ndarray, size: int) -> torch.Tensor:
        """Learn from a part of a batch of ``size`` images, in which it has the places ``place`` ``(b,)``.

        Returns the part's share of the batch's `measures`, ``(len(measures),)``.
        """
        weight = torch.ones(len(batch), device=z.device) if batch.weight is None else batch.weight
        misfits = now.stage.misfit(batch, self.predict(now.stage, batch, z))
        (weight @ misfits / size + len(batch) / size * self.prior(now, z)).backward()
        return (misfits.detach().sum() / size)[None]

    def end_pass(self, now: Pass, rows: np.ndarray, means: dict[str, float]) -> None:
        """After the images of a pass, of which this process has seen ``rows`` ``(m,)``; ``means`` of its measures."""

    def fix_pose_gauge(self, now: Pass, step_sums: StepSums) -> None:
        """Take from the corrections of poses what is systematic in them."""

    def unfold_latents(self, now: Pass) -> bool:
        """Undo folds of latent space; whether there were any."""
        return False

    def substitute(self, mean: torch.Tensor, factor: torch.Tensor) -> None:
        """Take latents z' with z = z' @ factor + mean in place of z, predicting the same images.

        ``mean`` ``(k,)``, ``factor`` ``(k, k)``.
        """
        ...

    def solve(self, now: Pass) -> Stage:
        """What is solved in closed form once a pass has placed the particles; the stage with the map to go on with."""
        return now.stage

    def shared(self) -> list[torch.Tensor]:
        """Tensors that all processes of a team must hold equal, to the last bit."""
        return [self.noise, self.maps.first, self.maps.second, self.maps.fsc]

    def agree(self, trainer: Trainer, points: ParticleLatents) -> None:
        """Make what the members of a team have equal to the last bit: the leader's."""
        poses = trainer.poses
        trainer.team.agree([*points.arrays().values(), poses.correction, poses.variance, *self.shared()])

    def trial_stage(self, trainer: Trainer) -> Stage | None:
        """A stage of the finest box on which it predicts something, to try how many images memory holds.

        None where that need not be tried.
        """
        return None

    def try_memory(self, now: Pass, batch: Batch) -> None:
        """The largest work of `solve`, with its outcome thrown away."""

    # ----- what it writes -----

    def line(self, now: Pass) -> dict[str, float]:
        """What the history keeps of a pass, beside the means of `measures`."""
        return {}

    def summary(self, line: dict[str, float]) -> str:
        """A line of the history as a sentence."""
        return f"Pass {line['epoch']:.0f} at {line['box']:.0f} pixels: misfit {line['misfit']:.1f} nats per image."

    def known(self, points: ParticleLatents, dims: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The latents ``(n, dims)`` and precision ``(n, dims, dims)`` that a model has of the particles."""
        return points.z, points.precision

    def columns(self, points: ParticleLatents) -> dict[str, np.ndarray]:
        """What a particle file says of every particle beside poses ``(n,)``, by the name of its column."""
        return {}

    def particle_files(self, trainer: Trainer, points: ParticleLatents) -> dict[str, Particles]:
        """Particles with poses of their own to be written at the end of a training, by the names of their files."""
        return {}

    def write(self, output: Output, trainer: Trainer, stage: Stage) -> None:
        """The files of its model, map.mrc among them, but for those that every model has."""
        ...

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Arrays, and what JSON holds beside them, that the next pass depends on."""
        ...

    def restore(self, tensors: dict[str, torch.Tensor], words: dict[str, Any], trainer: Trainer) -> None:
        """Take over what `state` gave, of an interrupted training."""
        ...

    def shape_of(self, tensors: dict[str, torch.Tensor], words: dict[str, Any]) -> tuple[int, int]:
        """How many particles, and latent dimensions without the spare ones, a checkpoint is of."""
        count, dims = tensors["latents"].shape
        return count, dims - self.spare
