"""The classes decoder: K maps, of which every particle shows one; learned by expectation–maximisation.

In each pass every image is compared with all maps: its misfits, and how many particles show each class, give the
probability that it shows one (Sigworth 1998, for poses that are known); then each map is solved by least squares from
the images weighted by it, one half of the particles at a time, and has what its halves agree on. The latents of a
particle are its probabilities as a place in a simplex whose corners are the classes (`simplex.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ....mesh.map_files import write_map
from ...latents.particle_latents import ParticleLatents, Step
from ...maps.half_maps import supported_map
from ...training.batches import Batch
from ...training.find_members import judge_at_rest, judge_images
from ...training.resemblance import SIZE, resemblance
from ...training.rigid_map import rigid_stage
from ...training.schedule import MOST_EPOCHS, ResolutionLevel, coarsest
from ...training.signal_scales import MOVING
from ...training.stage import Stage
from ...training.trainer import FIRST_ITERATIONS, SOLVE_PARTICLES, Trainer
from ..decoder import Decoder, Output, Pass
from .class_maps import ClassMaps, class_images, class_numbers, in_a_row, solve_classes
from .classes_parameters import ClassesParameters
from .first_guess_classes import cluster_images
from .simplex import corners, shares_at

ITERATIONS, LAST_ITERATIONS = 2, 8  # of conjugate gradients, after a pass and after the last
UNSURE = 0.01  # variance of a latent that is left where the class is certain, so that a precision is finite


@dataclass(frozen=True)
class _ComparedBatch:
    """A batch compared with all maps: its ``rows``, ``images`` ``(K, b, …)`` of the classes, ``misfit`` ``(b, K)`` and
    ``rigid`` ``(b,)``, that of the map of all.
    """

    rows: torch.Tensor
    images: torch.Tensor
    misfit: torch.Tensor
    rigid: torch.Tensor


class ClassesDecoder(Decoder):
    """``classes`` are the maps, ``size`` ``(K,)`` the share of the particles that show each, ``maps`` those of all."""

    format, straight, fixed_axes = "flexrec-classes", True, True
    measures = ("misfit", "rigid_misfit")
    settings: ClassesParameters
    classes: ClassMaps
    size: torch.Tensor
    _rest: torch.Tensor  # vertices of the mesh
    _shares: torch.Tensor  # (n, K) of the pass
    _resemblance: torch.Tensor

    def __init__(self, settings: ClassesParameters | None = None) -> None:
        self.settings, self.information = settings or ClassesParameters(), np.zeros(0)
        self._compared: _ComparedBatch | None = None

    def passes(self, particles: int, batch_size: int) -> int:
        """As many as a flow takes at most: they cost little."""
        return MOST_EPOCHS

    def first_guess(self, trainer: Trainer, points: ParticleLatents, given: np.ndarray | None) -> None:
        """Maps of clusters of the images, or of the shares that are given as latents."""
        self._rest, level = trainer.rest, coarsest(trainer.images.box, trainer.images.pixel_size)
        stage, maps = rigid_stage(trainer, level)
        stage, self.maps = judge_at_rest(trainer, level, stage, maps, self.settings.judged)
        self.noise, self.maps_box = stage.noise, stage.box
        if given is None:
            shares = cluster_images(trainer, stage, points.z.shape[1] + 1, points.z.shape[1])
        else:
            shares = torch.from_numpy(shares_at(given.astype(np.float32))).to(trainer.device)
        self.classes = solve_classes(trainer, stage, shares, self._vertices_of, None, FIRST_ITERATIONS)
        if given is None:
            order = in_a_row(self.classes.density.cpu().numpy())
            self.classes, shares = self.classes.picked(order), shares[:, order]
        self.size = class_sizes(trainer, shares)
        points.z = shares @ self._corners(shares)

    def enter(self, trainer: Trainer, level: ResolutionLevel, points: ParticleLatents) -> Stage:
        """The level's stage, with the map of all; and where the box grows, all maps solved anew."""
        self._rest = trainer.rest
        if self.maps_box == level.box:
            stage = trainer.stage_of(level, self.noise)
            return stage.with_density(supported_map(stage.cloud, self.maps))
        old = trainer.stage_of(ResolutionLevel(self.maps_box, 1, 0.9), self.noise)
        stage, self.maps = rigid_stage(trainer, level, self.noise)
        carried = self.classes.carried(old.cloud, stage.cloud)
        shares = self._shares_at(points.z)
        self.classes = solve_classes(trainer, stage, shares, self._vertices_of, carried, FIRST_ITERATIONS)
        self.noise, self.maps_box = stage.noise, level.box
        trainer.team.agree(self.shared())
        return stage

    def _vertices_of(self, batch: Batch) -> torch.Tensor:
        """Where the molecule is: nothing moves."""
        return self._rest

    def shared(self) -> list[torch.Tensor]:
        """What a team must agree on, to the last bit."""
        c = self.classes
        return [c.first, c.second, c.fsc, c.density, self.size, *super().shared()]

    # ----- what it predicts -----

    def predict(self, stage: Stage, batch: Batch, z: torch.Tensor) -> torch.Tensor:
        """Images ``(b, d, d // 2 + 1)`` in Fourier space at latents ``(b, k)``, or ``(1, k)``: of the mixed maps."""
        images = class_images(stage, batch, self.classes.density, self._rest)
        return torch.einsum("bk,kbyx->byx", self._mixture(z).expand(len(batch), -1).to(images.dtype), images)

    def _mixture(self, z: torch.Tensor) -> torch.Tensor:
        """The share ``(b, K)`` of each class at latents ``(b, k)``, as `shares_at`, differentiable."""
        own = (1 + z @ self._corners(z).T) / (z.shape[1] + 1)
        falling = own.sort(dim=1, descending=True).values
        above = (falling.cumsum(dim=1) - 1) / torch.arange(1, own.shape[1] + 1, device=z.device)
        last = (falling > above).sum(dim=1, keepdim=True) - 1
        return (own - above.gather(1, last)).clamp(min=0)

    def place(self, stage: Stage, batch: Batch) -> Step:
        """The probabilities of the classes, as places; the gain is that over one map for all."""
        compared = self._compare(stage, batch)
        odds = self.size.log() - compared.misfit
        shares = odds.softmax(dim=1)
        return Step(*placed(shares), gain=float((odds.logsumexp(dim=1) + compared.rigid).sum()))

    @torch.no_grad()
    def _compare(self, stage: Stage, batch: Batch) -> _ComparedBatch:
        """A batch compared with all maps; of the last batch, that is kept."""
        if self._compared is None or self._compared.rows is not batch.rows:
            every = class_images(stage, batch, torch.cat([self.classes.density, stage.density[None]]), self._rest)
            misfit = torch.stack([stage.misfit(batch, images) for images in every], dim=1)
            self._compared = _ComparedBatch(batch.rows, every[:-1], misfit[:, :-1], misfit[:, -1])
        return self._compared

    # ----- how it learns -----

    def begin_pass(self, now: Pass) -> None:
        """No image has been compared yet."""
        count = len(now.trainer.images)
        self._compared = None
        self._shares = torch.zeros(count, len(self.classes), device=now.stage.device)
        self._resemblance = torch.zeros(count, SIZE, device=now.stage.device)

    def learn(self, now: Pass, batch: Batch, z: torch.Tensor, place: np.ndarray, size: int) -> torch.Tensor:
        """Note the shares that the latents say; where these come of a network, it has its gradient from here."""
        if z.requires_grad:
            super().learn(now, batch, z, place, size)
        with torch.no_grad():
            compared, shares = self._compare(now.stage, batch), self._mixture(z)
            self._shares[batch.rows] = shares
            if self.settings.judged.active:
                model = torch.einsum("bk,kbyx->byx", shares.to(compared.images.dtype), compared.images)
                self._resemblance[batch.rows] = resemblance(now.stage, batch, model)
            return torch.stack([(shares * compared.misfit).sum(), compared.rigid.sum()]) / size

    def end_pass(self, now: Pass, rows: np.ndarray, means: dict[str, float]) -> None:
        """Judge the images, and solve the map of each class."""
        trainer = now.trainer
        trainer.team.collect(self._shares, rows)
        if self.settings.judged.active:
            trainer.team.collect(self._resemblance, rows)
            judge_images(trainer, self._resemblance, self.settings.judged, MOVING)
        self.size = class_sizes(trainer, self._shares)
        iterations, most = (LAST_ITERATIONS, None) if now.last else (ITERATIONS, SOLVE_PARTICLES)
        self.classes = solve_classes(
            trainer, now.stage, self._shares, self._vertices_of, self.classes, iterations, most
        )
        trainer.team.agree(self.shared())
        self._compared = None

    def substitute(self, mean: torch.Tensor, factor: torch.Tensor) -> None:
        """The corners of the simplex stay where they are."""
        raise TypeError("the axes of a classes decoder's latent space are fixed")

    # ----- what it writes -----

    def line(self, now: Pass) -> dict[str, float]:
        """The share of the particles in each class, and how sure they are of it: their mean highest probability."""
        weight = now.trainer.membership.probability
        shares = self._shares_at(now.points.z)
        sure = float(weight @ shares.max(dim=1).values / weight.sum())
        return {"certainty": sure, **{f"class_{k + 1}": float(share) for k, share in enumerate(self.size)}}

    def summary(self, line: dict[str, float]) -> str:
        """A line of the history as a sentence."""
        gain, shares = line["rigid_misfit"] - line["misfit"], [line[f"class_{k + 1}"] for k in range(len(self.size))]
        return (
            f"Pass {line['epoch']:.0f} at {line['box']:.0f} pixels: classes explain each image better by {gain:.1f} "
            f"nats, they have {', '.join(f'{100 * share:.0f}' for share in shares)} % of the particles, which are "
            f"{100 * line['certainty']:.0f} % sure of theirs, {line['images_per_second']:.0f} images/s."
        )

    def columns(self, points: ParticleLatents) -> dict[str, np.ndarray]:
        """The most likely class of each particle, and its probability."""
        shares = self._shares_at(points.z).cpu().numpy()
        return {"rlnClassNumber": class_numbers(shares), "flexrecClassProbability": np.round(shares.max(axis=1), 4)}

    def write(self, output: Output, trainer: Trainer, stage: Stage) -> None:
        """map.mrc, the classes' mean by their shares; class_1.mrc …, each with the two half-maps that it is made of."""
        c, pixel_size = self.classes, trainer.images.pixel_size * trainer.images.box / stage.box
        for name, density in {"map": self.size @ c.density, **c.by_file()}.items():
            with output(f"{name}.mrc") as path:
                write_map(path, stage.cloud.scatter(density).cpu().numpy(), pixel_size, trainer.mesh.centre)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """The maps, and the shares of the classes."""
        return {**self.classes.tensors(), "class_size": self.size}, {}

    def restore(self, tensors: dict[str, torch.Tensor], words: dict[str, Any], trainer: Trainer) -> None:
        """Have the maps, and the shares."""
        self._rest, self.size = trainer.rest, tensors["class_size"]
        self.classes = ClassMaps.from_tensors(tensors)

    def _corners(self, like: torch.Tensor) -> torch.Tensor:
        """The classes' places ``(K, K − 1)`` where ``like`` is, of K or K − 1 columns."""
        return torch.from_numpy(corners(len(self.size))).to(like)

    def _shares_at(self, z: torch.Tensor) -> torch.Tensor:
        """`shares_at` of latents ``(n, K − 1)``."""
        return torch.from_numpy(shares_at(z.cpu().numpy())).to(z.device)


def placed(shares: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities ``(n, K)`` as places ``(n, K − 1)`` in the simplex, and their precision ``(n, K − 1, K − 1)``."""
    corner = torch.from_numpy(corners(shares.shape[1])).to(shares)
    z = shares @ corner
    spread = torch.einsum("bk,ki,kj->bij", shares, corner, corner) - z[:, :, None] * z[:, None, :]
    return z, torch.linalg.inv(spread + UNSURE * torch.eye(z.shape[1], device=z.device))


def class_sizes(trainer: Trainer, shares: torch.Tensor) -> torch.Tensor:
    """The share ``(K,)`` of the particles that show each class; as if one more did, so that none is ever zero."""
    shown = trainer.membership.probability @ shares + 1
    return shown / shown.sum()
