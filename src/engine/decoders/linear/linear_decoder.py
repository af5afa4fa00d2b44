"""The linear decoder: V₀ + Σ zₖ Vₖ, learned by expectation–maximisation over all images, from coarse to fine.

The first guess is made from some of the particles at a coarse size (`density_components.py`). Each pass over the
images is one step of expectation–maximisation (Punjani & Fleet 2021); where the box grows the volumes are carried on
by Fourier padding. How much a component may have in each shell follows from what the rigid half-maps agree on, so
detail that the images do not show stays out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ....mesh.map_files import write_map
from ...latents.particle_latents import ParticleLatents, Step
from ...maps.half_maps import supported_map
from ...projector.central_slices import MARGIN, Nodes, SliceGrid
from ...training.batches import Batch
from ...training.rigid_map import rigid_stage
from ...training.schedule import LEAST_BOX, MOST_EPOCHS, ResolutionLevel, coarse_to_fine, coarsest, even
from ...training.stage import Stage, resample_mass
from ...training.trainer import Trainer
from ..decoder import Decoder, Output, Pass
from .density_components import (
    PASSES,
    SPARE,
    ComponentStep,
    Samples,
    component_prior,
    confined,
    fit_components,
    numbers_per_node,
    posterior,
    read_samples,
    samples_of,
)
from .linear_parameters import LinearParameters

PARTICLES = 10_000  # of the first guess
MOST_NUMBERS = 1 << 28  # that a pass gathers: a gigabyte, and some four at the peak


def working_box(box: int, pixel_size: float, dims: int, band: float, resolution: float | None) -> int:
    """The finest box for images of ``box`` pixels: for detail of ``resolution`` Å, or all, if memory holds it.

    ``band`` is the highest frequency used, as a fraction of Nyquist.
    """
    wanted = box if resolution is None else 2 * math.ceil(box * pixel_size / (resolution * band))
    most = round((MOST_NUMBERS / numbers_per_node(dims + SPARE)) ** (1 / 3)) - 1 - 2 * MARGIN
    return min(box, max(LEAST_BOX, min(wanted, even(most))))


@dataclass(frozen=True)
class _Cut:
    """Volumes, and the spectra that slices of them are cut from."""

    volumes: torch.Tensor
    spectra: torch.Tensor


@dataclass(frozen=True)
class _BatchSamples:
    """The rows of a batch, the samples of their images, and at which nodes of Fourier space."""

    rows: torch.Tensor
    samples: Samples
    nodes: Nodes


class LinearDecoder(Decoder):
    """Mean and components ``volumes`` ``(1 + f, N, N, N)``: those wanted and ``spare`` more, the best determined first.

    ``maps`` are those of the rigid molecule.
    """

    format, straight, spare, measures = "flexrec-linear", True, SPARE, ()
    settings: LinearParameters
    volumes: torch.Tensor
    _grid: SliceGrid  # of the level
    _step: ComponentStep  # of the pass

    def __init__(self, settings: LinearParameters | None = None) -> None:
        self.settings, self.information = settings or LinearParameters(), np.zeros(0)
        self._cut: _Cut | None = None
        self._last_samples: _BatchSamples | None = None

    def passes(self, particles: int, batch_size: int) -> int:
        """As many as a flow takes at most: they cost little."""
        return MOST_EPOCHS

    def levels(
        self, box: int, pixel_size: float, particles: int, dims: int, epochs: int | None, band: float, batch_size: int
    ) -> tuple[ResolutionLevel, ...]:
        """The box sizes that training goes through."""
        finest = working_box(box, pixel_size, dims, band, self.settings.resolution)
        return coarse_to_fine(finest, box * pixel_size / finest, epochs or self.passes(particles, batch_size), band)

    def first_guess(self, trainer: Trainer, points: ParticleLatents, given: np.ndarray | None) -> None:
        """Components of some particles at a coarse size; or none yet, where latents are given."""
        finest = trainer.levels[-1].box
        width = trainer.images.box * trainer.images.pixel_size
        stage, self.maps = rigid_stage(trainer, coarsest(finest, width / finest))
        self.noise, self.maps_box = stage.noise, stage.box
        if given is not None:  # the M step of the first pass finds what goes along with them
            points.z = torch.from_numpy(given.astype(np.float32)).to(trainer.device)
            volume = stage.cloud.scatter(stage.density)
            self.volumes = torch.cat([volume[None], volume.new_zeros(given.shape[1], *volume.shape)])
            return
        grid = SliceGrid(stage.weights)
        rng = np.random.default_rng((trainer.seed, 1))
        rows = trainer.team.share(np.sort(rng.permutation(len(trainer.images))[:PARTICLES]))
        samples = read_samples(stage, grid, rows, trainer.counter("reading", len(rows)))
        counter, dims = trainer.counter("components", (PASSES + 2) * len(rows)), points.z.shape[1]
        fit = fit_components(
            stage, samples, grid, dims, trainer.seed, trainer.team.total, counter, trainer.freedom(stage)
        )
        trainer.log(f"First guess: {dims} components explain {fit.gain:.2f} nats per image (of noise alone, a few "
                    "with few images).")  # fmt: skip
        self.volumes = fit.volumes

    def enter(self, trainer: Trainer, level: ResolutionLevel, points: ParticleLatents) -> Stage:
        """The level's stage, with the rigid molecule's map; solved anew, and volumes carried, where the box grows."""
        if self.maps_box == level.box:
            stage = trainer.stage_of(level, self.noise)
            stage = stage.with_density(supported_map(stage.cloud, self.maps))
        else:
            stage, self.maps = rigid_stage(trainer, level, self.noise)
            self.noise, self.maps_box = stage.noise, level.box
            carried = np.stack([resample_mass(volume, level.box) for volume in self.volumes.cpu().numpy()])
            self.volumes = torch.from_numpy(carried).to(trainer.device)
            trainer.team.agree(super().shared())
        self._grid = SliceGrid(stage.weights)
        return stage

    def shared(self) -> list[torch.Tensor]:
        """What a team must agree on, to the last bit."""
        return [self.volumes, *super().shared()]

    # ----- what it predicts -----

    def predict(self, stage: Stage, batch: Batch, z: torch.Tensor) -> torch.Tensor:
        """Images ``(b, d, d // 2 + 1)`` in Fourier space at latents ``(b, k)``, or ``(1, k)`` for all of them."""
        slices = self._grid.cut(self._spectra(), self._grid.nodes(batch.rotation))
        images = torch.zeros_like(batch.images)
        images[:, self._grid.used] = slices[..., 0] + (slices[..., 1:] @ z.to(slices)[:, :, None]).squeeze(-1)
        images[:, self._grid.used] = self._grid.samples(images)  # from origin 0 to pixel N // 2: its own inverse
        return batch.transfer * images

    def place(self, stage: Stage, batch: Batch) -> Step:
        """The posterior of a batch's latents: an image is linear in them."""
        batch_samples = self._samples_of(stage, batch)
        return posterior(self._grid, self._spectra(), batch_samples.samples, batch_samples.nodes)

    def _spectra(self) -> torch.Tensor:
        """Those of the volumes as they are now."""
        if self._cut is None or self._cut.volumes is not self.volumes:
            self._cut = _Cut(self.volumes, self._grid.spectra(self.volumes))
        return self._cut.spectra

    def _samples_of(self, stage: Stage, batch: Batch) -> _BatchSamples:
        """The samples of a batch's images; those of the last batch are kept."""
        if self._last_samples is None or self._last_samples.rows is not batch.rows:
            samples = samples_of(stage, self._grid, batch)
            self._last_samples = _BatchSamples(batch.rows, samples, self._grid.nodes(samples.rotation))
        return self._last_samples

    # ----- how it learns -----

    def begin_pass(self, now: Pass) -> None:
        """Nothing is gathered yet for the M step."""
        self._step = ComponentStep(self._grid, len(self.volumes) - 1, now.stage.device)

    def learn(self, now: Pass, batch: Batch, z: torch.Tensor, place: np.ndarray, size: int) -> torch.Tensor:
        """Gather for the M step."""
        batch_samples = self._samples_of(now.stage, batch)
        self._step.add(batch_samples.samples, batch_samples.nodes, z, now.points.precision[batch.rows])
        return z.new_zeros(0)

    def end_pass(self, now: Pass, rows: np.ndarray, means: dict[str, float]) -> None:
        """The M step: ridge regression at every node of Fourier space."""
        stage, trainer = now.stage, now.trainer
        self._step.sum_over(trainer.team.total)
        mask = stage.cloud.scatter(torch.ones_like(stage.density))
        prior = component_prior(self._grid, stage.cloud.scatter(stage.density), mask)
        self.volumes = confined(self._step.solve(prior), mask, trainer.freedom(stage))
        del self._step  # its memory

    def substitute(self, mean: torch.Tensor, factor: torch.Tensor) -> None:
        """Take latents z' with z = z' @ factor + mean in place of z: V₀' = V₀ + Σ meanₖ Vₖ, Vⱼ' = Σ factorⱼₖ Vₖ."""
        middle = self.volumes[:1] + torch.einsum("k,kzyx->zyx", mean, self.volumes[1:])
        self.volumes = torch.cat([middle, torch.einsum("jk,kzyx->jzyx", factor, self.volumes[1:])])

    def solve(self, now: Pass) -> Stage:
        """Nothing more: the volumes are those of the M step."""
        now.trainer.team.agree([self.volumes])
        self.information = (now.points.precision.diagonal(dim1=1, dim2=2).mean(dim=0) - 1).cpu().numpy()
        return now.stage

    # ----- what it writes -----

    def line(self, now: Pass) -> dict[str, float]:
        """What the components explain, nats per image, and how much of the map they are."""
        trainer, wanted = now.trainer, self.volumes[: 1 + now.trainer.settings.latent_dims]
        gain = trainer.team.total(torch.tensor([now.points.step_sums.gain], device=wanted.device))
        sizes = wanted.flatten(1).norm(dim=1)
        return {"gain": float(gain) / len(trainer.images), "variation": float(sizes[1:].norm() / sizes[0])}

    def summary(self, line: dict[str, float]) -> str:
        """A line of the history as a sentence."""
        return (
            f"Pass {line['epoch']:.0f} at {line['box']:.0f} pixels: the components explain each image better by "
            f"{line['gain']:.1f} nats, the map varies by {100 * line['variation']:.1f} %, "
            f"{line['images_per_second']:.0f} images/s."
        )

    def known(self, points: ParticleLatents, dims: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents and precision along the first ``dims`` components alone, the others being unknown."""
        covariance = torch.linalg.inv(points.precision)[:, :dims, :dims]
        return points.z[:, :dims], torch.linalg.inv(covariance)

    def write(self, output: Output, trainer: Trainer, stage: Stage) -> None:
        """map.mrc, component_1.mrc …"""
        pixel_size = trainer.images.pixel_size * trainer.images.box / stage.box
        for k, volume in enumerate(self.volumes[: 1 + trainer.settings.latent_dims].cpu().numpy()):
            with output(f"component_{k}.mrc" if k else "map.mrc") as path:
                write_map(path, volume, pixel_size, trainer.mesh.centre)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """The volumes."""
        return {"volumes": self.volumes}, {}

    def restore(self, tensors: dict[str, torch.Tensor], words: dict[str, Any], trainer: Trainer) -> None:
        """Have the volumes."""
        self.volumes = tensors["volumes"]

    def shape_of(self, tensors: dict[str, torch.Tensor], words: dict[str, Any]) -> tuple[int, int]:
        """Particles and wanted latent dimensions of a checkpoint."""
        return words["particles"], len(tensors["volumes"]) - 1 - self.spare
