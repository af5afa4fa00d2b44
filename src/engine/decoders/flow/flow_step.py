"""One batch of a pass: its latents take a Gauss–Newton step, the flow one along the gradient.

A batch is worked on a few images at a time, as many as memory holds (`memory.py`); gradients add up, so that the step
is that of the whole batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ...latents.gauss_newton import gauss_newton, posterior_noise
from ...training.batches import Batch, pieces
from ...training.find_members import resemblance
from ...training.pose_corrections import SIZE, RigidBasis, whole_body
from ...training.stage import vertex_share
from .rigidity import rigidity_energy

if TYPE_CHECKING:
    from ...training.stage import Stage
    from ...training.trainer import Trainer
    from .flow_state import State

MISFIT_SAMPLE = 4  # particles of a batch that are also compared with the rigid map, for the log
RIGIDITY_SAMPLE = 16  # particles of a batch whose rigidity is computed: the energy is smooth in z, a few are enough


class FlowStep:
    """The steps of one pass, which share a stage and the weight of the rigidity prior."""

    def __init__(
        self, trainer: Trainer, stage: Stage, state: State, weight: float, groups: list[np.ndarray], seed: int
    ) -> None:
        """``groups`` are the rows of each batch, ``seed`` that of the noise on the latents."""
        self._trainer, self._stage, self._state, self._weight = trainer, stage, state, weight
        self._share = vertex_share(stage, len(trainer.rest))
        self._basis = RigidBasis(trainer.rest, state.flow.modes, state.poses) if state.poses.active else None
        #: `resemblance` of all images, of which this process has set its own
        self.resemblance = torch.zeros(len(trainer.images), 2, device=trainer.device)
        self._noise = torch.Generator().manual_seed(seed)
        #: sum over this process's particles of the posterior variances of their poses, (5,) Å²
        self.spread, self.seen = torch.zeros(SIZE, device=trainer.device), 0.0
        self._sizes = [len(group) for group in groups]
        self._places = [pieces(trainer.team.share(np.arange(size)), trainer.at_once) for size in self._sizes]
        rows = [group[place] for group, parts in zip(groups, self._places) for place in parts]
        self._batches = stage.batches_of(rows)

    def __iter__(self) -> Iterator[np.ndarray]:
        """A step for each batch; its mean misfit, rigid misfit (of a sample), rigidity energy and displacement in Å."""
        for size, parts in zip(self._sizes, self._places):
            yield self._take(size, parts)

    def _take(self, size: int, parts: list[np.ndarray]) -> np.ndarray:
        white = torch.randn(size, self._state.latents.shape[1], generator=self._noise)
        self._state.optimiser.zero_grad()
        values = torch.stack([self.accumulate(next(self._batches), place, white) for place in parts]).sum(dim=0)
        values = self._total_gradient(values)
        self._state.optimiser.step()
        return values.cpu().numpy().astype(np.float64)

    def accumulate(self, batch: Batch, place: np.ndarray, white: torch.Tensor) -> torch.Tensor:
        """Move the latents of a part of a batch, and add its gradient; returns its share of what a step yields.

        ``place`` ``(b,)`` are the places of the part in the whole batch, for which ``white`` ``(size, k)`` are normal
        numbers.
        """
        trainer, stage, state, size = self._trainer, self._stage, self._state, len(white)
        flow = state.flow
        prior = state.prior(batch, trainer.settings.centering)
        step = gauss_newton(stage, flow, batch, state.latents[batch.rows], prior)
        z = state.latents[batch.rows] if trainer.settings.freeze_latents else step.z
        state.take(batch, step, z)
        weight = torch.ones(len(batch), device=z.device) if batch.weight is None else batch.weight
        if step.spread is not None:
            self.spread += weight @ step.spread
            self.seen += float(weight.sum())
        z = z + trainer.settings.latent_noise * posterior_noise(step.precision, white[place])
        batch, vertices = replace(batch, correction=step.correction_at(z)), flow(z)
        model = stage.forward(batch, vertices)
        each = stage.misfit(batch, model)
        if trainer.settings.find_junk:
            self.resemblance[batch.rows] = resemblance(stage, batch, model.detach())
        bent, sample = int((place < RIGIDITY_SAMPLE).sum()), int((place < MISFIT_SAMPLE).sum())
        strains = rigidity_energy(vertices[:bent], trainer.cells, trainer.inverse, trainer.weights)
        energy = weight[:bent] @ strains / min(size, RIGIDITY_SAMPLE)
        (weight @ each / size + self._weight * energy).backward()
        with torch.no_grad():
            gain = self._gain(batch, each, vertices[:sample]) / min(size, MISFIT_SAMPLE)
            moved = (vertices[:bent] - trainer.rest).norm(dim=2) @ self._share
            misfit = each.sum() / size
            return torch.stack([misfit, misfit - gain, energy.detach(), moved.sum() / min(size, RIGIDITY_SAMPLE)])

    def _gain(self, batch: Batch, each: torch.Tensor, vertices: torch.Tensor) -> torch.Tensor:
        """How much larger than that of the rigid map the misfits ``each`` ``(b,)`` of the first few images are.

        ``vertices`` ``(s, v, 3)`` are those of the few. Where poses are corrected, the rigid map is seen where each
        state has the whole body: a gain is what bending it explains.
        """
        sample = len(vertices)
        if sample == 0:
            return each.new_zeros(())
        stage, rest, few = self._stage, self._trainer.rest, batch.first(sample)
        if few.correction is not None:
            whole, _ = whole_body(self._state.flow.modes, vertices - rest)
            placed = (self._basis.corrections(few.rotation) @ whole[:, :, None]).squeeze(-1)
            few = replace(few, correction=few.correction + placed)
        rigid = stage.misfit(few, stage.forward(few, rest))
        return (each[:sample] - rigid).sum()

    def _total_gradient(self, values: torch.Tensor) -> torch.Tensor:
        """Sum the flow's gradient over the team, and ``values`` ``(4,)``, which are returned, in one message."""
        team = self._trainer.team
        if team.size == 1:
            return values
        gradients = [parameter.grad for parameter in self._state.flow.parameters()]
        wish = torch.tensor([float(team.leads and self._trainer.stop())], device=values.device)
        message = team.total(torch.cat([values, wish, *(gradient.reshape(-1) for gradient in gradients)]))
        self._trainer.told = bool(message[len(values)] > 0)
        at = len(values) + 1
        for gradient in gradients:
            gradient.copy_(message[at : at + gradient.numel()].reshape(gradient.shape))
            at += gradient.numel()
        return message[: len(values)]
