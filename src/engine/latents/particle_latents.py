"""The latents of all particles, how well they are known, and where they belong if the images do not say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from ..training.batches import Batch
from ..training.pose_corrections import SIZE
from ..training.stage import Stage
from ..training.trainer import Trainer
from .whitening import informative_axes, whitening_transform

HOLD = 4.0  # how much more tightly latents are held to given places than white ones to zero

# takes latents z' with z = z' @ factor + mean in place of z, so that nothing looks otherwise
Substitution = Callable[[torch.Tensor, torch.Tensor], None]


@dataclass(frozen=True)
class Prior:
    """A normal prior of every particle of a batch: ``centre`` ``(b, k)``, ``strength`` one over its variance."""

    centre: torch.Tensor
    strength: float

    def cost(self, z: torch.Tensor) -> torch.Tensor:
        """Negative logarithm ``(b,)`` at ``z`` ``(b, k)`` or ``(k,)``, up to a constant."""
        return 0.5 * self.strength * ((z - self.centre) ** 2).sum(dim=1)


@dataclass(frozen=True)
class PoseStep:
    """How the poses of a batch are to be corrected, by the images.

    Attributes
    ----------
    correction : ``(b, 5)`` Å, the best where the latents are those of the step.
    slope : ``(b, 5, k)``, how the best correction changes with z. spread : ``(b, 5)`` Å², posterior variance of each.
    """

    correction: torch.Tensor
    slope: torch.Tensor
    spread: torch.Tensor


@dataclass(frozen=True)
class Step:
    """Where the particles of a batch are to be, by the images.

    Attributes
    ----------
    z : ``(b, k)``. precision : ``(b, k, k)`` of their posterior, whatever the poses are.
    poses : of the same images; None where they are not corrected.
    gain : nats, the log evidence of the latents over none, summed over the batch; 0 where it is not known.
    """

    z: torch.Tensor
    precision: torch.Tensor
    poses: PoseStep | None = None
    gain: float = 0.0

    def correction_at(self, z: torch.Tensor) -> torch.Tensor | None:
        """The most likely corrections ``(b, 5)`` of the poses where the latents are ``z`` ``(b, k)``."""
        if self.poses is None:
            return None
        return self.poses.correction + (self.poses.slope @ (z - self.z)[:, :, None]).squeeze(-1)


@dataclass
class StepSums:
    """Sums over the steps of this process: ``spread`` ``(5,)`` Å², of what corrections of poses leave unknown,
    over ``seen`` particles by their weights; ``gain`` nats, over all.
    """

    spread: torch.Tensor
    seen: float = 0.0
    gain: float = 0.0

    @classmethod
    def empty(cls, device: str | torch.device) -> StepSums:
        """Of no particle."""
        return cls(torch.zeros(SIZE, device=device))

    def add(self, batch: Batch, step: Step) -> None:
        """Count a batch in."""
        if step.poses is not None:
            weight = torch.ones(len(batch), device=step.z.device) if batch.weight is None else batch.weight
            self.spread += weight @ step.poses.spread
            self.seen += float(weight.sum())
        self.gain += step.gain


@dataclass
class ParticleLatents:
    """Latents ``z`` ``(n, k)``, white, and the ``precision`` ``(n, k, k)`` of their posterior.

    ``centre`` ``(n, k)``: where the first guess had them, if the decoder was built along it; else None. ``centering``
    is how strongly they are drawn to where they belong. ``frozen``: they stay as they are.
    """

    z: torch.Tensor
    precision: torch.Tensor
    centre: torch.Tensor | None = None
    centering: float = 1.0
    frozen: bool = False
    step_sums: StepSums = field(default_factory=lambda: StepSums.empty("cpu"))

    @classmethod
    def unknown(
        cls, count: int, dims: int, device: str | torch.device, centering: float = 1.0, frozen: bool = False
    ) -> ParticleLatents:
        """As long as no image has been asked."""
        precision = torch.eye(dims, device=device).repeat(count, 1, 1)
        return cls(torch.zeros(count, dims, device=device), precision, None, centering, frozen, StepSums.empty(device))

    def clone(self) -> ParticleLatents:
        """The same, to try something on."""
        return ParticleLatents(self.z.clone(), self.precision.clone(), self.centre, self.centering, self.frozen,
                               StepSums.empty(self.z.device))  # fmt: skip

    def forget(self) -> None:
        """As if none had been looked for yet."""
        count, dims = self.z.shape
        fresh = ParticleLatents.unknown(count, dims, self.z.device)
        self.z, self.precision, self.centre = fresh.z, fresh.precision, None

    def prior(self, batch: Batch) -> Prior:
        """Where a batch's latents belong if their images do not say.

        About zero, latents being white. But where the decoder was built along given latents, about those: a turn is
        told by the direction of z alone, and a pull towards zero would draw its circle together and fold it.
        """
        if self.centre is None:
            return Prior(torch.zeros(len(batch), self.z.shape[1], device=self.z.device), self.centering)
        return Prior(self.centre[batch.rows], HOLD * self.centering)

    def take(self, stage: Stage, batch: Batch, step: Step, z: torch.Tensor | None = None) -> None:
        """Move a batch's particles where a step leads, or to latents ``z`` ``(b, k)`` and the best poses there."""
        z = step.z if z is None else z
        self.z[batch.rows], self.precision[batch.rows] = z, step.precision
        self.take_poses(stage, batch, step, z)

    def take_poses(self, stage: Stage, batch: Batch, step: Step, z: torch.Tensor) -> None:
        """Give a batch's particles the poses that are best at latents ``z`` ``(b, k)``, by a step."""
        correction = step.correction_at(z)
        if correction is not None:
            stage.poses.correction[batch.rows] = correction
            if stage.poses.shared is not None and step.poses is not None:
                from_motion = (step.poses.slope @ z[:, :, None]).squeeze(-1)
                stage.poses.shared.take(batch.rows, correction, from_motion)

    def collect(self, trainer: Trainer, rows: np.ndarray) -> None:
        """Take the latents of the other processes' particles; this process has moved ``rows`` ``(m,)``."""
        trainer.team.collect(self.z, rows)
        trainer.team.collect(self.precision, rows)
        poses = trainer.poses
        if not poses.active:
            return
        trainer.team.collect(poses.correction, rows)
        if poses.shared is not None:
            for part in (poses.shared.own, poses.shared.from_motion):
                trainer.team.collect(part, rows)
            poses.correction = poses.shared.together(trainer.membership.probability)

    def arrays(self) -> dict[str, torch.Tensor]:
        """``z``, ``precision`` and ``centre``, if any, by the names that they have in a checkpoint."""
        centre = {} if self.centre is None else {"centre": self.centre}
        return {"latents": self.z, "precision": self.precision, **centre}

    def whiten(self, own: torch.Tensor, substitute: Substitution, aligned: bool = False) -> None:
        """Give the latents zero mean and unit covariance over the particles ``own`` ``(n,)`` bool; ``aligned``: turned
        as well so that the first is what the images tell most about.
        """
        mean, factor = whitening_transform(self.z[own], self.precision[own])
        if aligned:
            factor = informative_axes(factor @ self.precision[own] @ factor.T).T @ factor
        self._substitute(mean, factor, substitute)

    def align(self, own: torch.Tensor, substitute: Substitution) -> None:
        """Rotate the latents so that the first is the one that the images of ``own`` ``(n,)`` bool determine best.
        """
        axes = informative_axes(self.precision[own])
        self._substitute(torch.zeros_like(axes[0]), axes.T.contiguous(), substitute)

    def order(self, own: torch.Tensor, substitute: Substitution) -> None:
        """Sort the latent axes by mean precision over the particles ``own`` ``(n,)`` bool, the best known first."""
        known = self.precision[own].diagonal(dim1=1, dim2=2).mean(dim=0)
        axes = torch.eye(len(known), device=known.device)[known.argsort(descending=True)]
        self._substitute(torch.zeros_like(known), axes, substitute)

    def _substitute(self, mean: torch.Tensor, factor: torch.Tensor, substitute: Substitution) -> None:
        """Take latents z' with z = z' @ factor + mean in place of z."""
        substitute(mean, factor)
        self.z = torch.linalg.solve(factor.T, (self.z - mean).T).T.contiguous()
        if self.centre is not None:
            self.centre = torch.linalg.solve(factor.T, (self.centre - mean).T).T.contiguous()
        self.precision = factor @ self.precision @ factor.T
