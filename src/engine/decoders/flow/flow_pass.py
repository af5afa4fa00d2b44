"""What the flow learns from each batch of a pass: a gradient, of the images' misfit plus rigidity.

A batch is worked on a few images at a time, as many as memory holds (`memory.py`); gradients add up, so that the step
is that of the whole batch.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ...training.batches import Batch
from ...training.pose_corrections import RigidBasis, whole_body
from ...training.resemblance import SIZE, resemblance
from ...training.stage import vertex_share
from ..decoder import Pass
from .flow_state import FlowState
from .rigidity import rigidity_energy

MISFIT_SAMPLE = 4  # particles of a batch that are also compared with the rigid map, for the log
RIGIDITY_SAMPLE = 16  # particles of a batch whose rigidity is computed: the energy is smooth in z, a few are enough


class FlowPass:
    """A pass; ``weight`` is that of the rigidity prior."""

    def __init__(self, now: Pass, decoder: FlowState, weight: float) -> None:
        trainer = now.trainer
        self._trainer, self._stage, self._flow, self.weight = trainer, now.stage, decoder.flow, weight
        self._share = vertex_share(now.stage, len(trainer.rest))
        poses = now.stage.poses
        self._basis = RigidBasis(trainer.rest, decoder.flow.modes, poses) if poses.active else None
        #: `resemblance` of all images, of which this process has set its own
        self.resemblance = torch.zeros(len(trainer.images), SIZE, device=trainer.device)
        self._judges = decoder.settings.judged.active

    def learn(self, batch: Batch, z: torch.Tensor, place: np.ndarray, size: int) -> torch.Tensor:
        """Add the gradient of a part of a batch of ``size`` images, at latents ``(b, k)``.

        ``place`` ``(b,)`` are its places in the whole batch. Returns its share of the batch's mean misfit, rigid misfit
        (of a sample), rigidity energy and displacement in Å.
        """
        trainer, stage = self._trainer, self._stage
        weight = torch.ones(len(batch), device=z.device) if batch.weight is None else batch.weight
        carried = self._flow.carry(z)
        model, vertices = stage.forward(batch, carried), carried[..., :3]
        misfits = stage.misfit(batch, model)
        if self._judges:
            self.resemblance[batch.rows] = resemblance(stage, batch, model.detach())
        bent, sample = int((place < RIGIDITY_SAMPLE).sum()), int((place < MISFIT_SAMPLE).sum())
        # how likely a motion is says nothing of where on it a particle is: it gives latents no gradient
        states = self._flow(z[:bent].detach()) if z.requires_grad else vertices[:bent]
        strains = rigidity_energy(states, trainer.cells, trainer.inverse, trainer.weights)
        energy = weight[:bent] @ strains / min(size, RIGIDITY_SAMPLE)
        (weight @ misfits / size + self.weight * energy).backward()
        with torch.no_grad():
            gain = self._gain(batch, misfits, vertices[:sample]) / min(size, MISFIT_SAMPLE)
            moved = (vertices[:bent] - trainer.rest).norm(dim=2) @ self._share
            misfit = misfits.sum() / size
            return torch.stack([misfit, misfit - gain, energy.detach(), moved.sum() / min(size, RIGIDITY_SAMPLE)])

    def _gain(self, batch: Batch, misfits: torch.Tensor, vertices: torch.Tensor) -> torch.Tensor:
        """How much larger than that of the rigid map the misfits ``misfits`` ``(b,)`` of the first few images are.

        ``vertices`` ``(s, v, 3)`` are those of the few. Where poses are corrected, the rigid map is seen where each
        state has the whole body: a gain is what bending it explains.
        """
        sample = len(vertices)
        if sample == 0:
            return misfits.new_zeros(())
        stage, rest, few = self._stage, self._trainer.rest, batch.first(sample)
        if few.correction is not None and self._basis is not None:
            whole, _ = whole_body(self._flow.modes, vertices - rest)
            placed = (self._basis.corrections(few.rotation) @ whole[:, :, None]).squeeze(-1)
            few = replace(few, correction=few.correction + placed)
        rigid = stage.misfit(few, stage.forward(few, rest))
        return (misfits[:sample] - rigid).sum()
