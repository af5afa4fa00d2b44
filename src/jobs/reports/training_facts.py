"""What a training has written of itself, as the numbers of a verdict and of a report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.maps.fsc import THRESHOLD, resolution
from ...explore.bending import motion_size
from ...explore.motion_numbers import MotionNumbers
from ...models import Model, open_model
from ..part_labels import labels_of_training
from .report_records import agreement, held_out, null_job, null_test, read_arrays, read_values

_LOOKED = ("auto", "refine", "weigh")  # values of poses and junk with which a flow looks for errors of them


@dataclass(frozen=True, eq=False)
class TrainingFacts:
    """A train job's folder with a model in it, finished or not. None, or nothing, is what it does not say."""

    folder: Path

    @cached_property
    def model(self) -> Model:
        """Its newest epoch; ``InputError`` where there is none yet, or its files are damaged."""
        return open_model(self.folder)

    @cached_property
    def about(self) -> dict[str, Any]:
        """Its model.json."""
        return read_values(self.folder / "model.json")

    @cached_property
    def latents(self) -> dict[str, np.ndarray]:
        """Its latents.npz."""
        return read_arrays(self.folder / "latents.npz")

    @cached_property
    def passes(self) -> dict[str, np.ndarray]:
        """Its training.npz."""
        return read_arrays(self.folder / "training.npz")

    @cached_property
    def null_job(self) -> Path | None:
        """The null test of this very model."""
        return null_job(self.folder, self.about.get("epoch"))

    @cached_property
    def motion(self) -> MotionNumbers:
        """What is known of its motion."""
        tests = (held_out(self.folder), agreement(self.folder), null_test(self.null_job))
        if self.model.moving is None:
            return MotionNumbers(None, (), *tests)
        size = motion_size(self.model, self.members)
        return MotionNumbers(size.total, tuple(map(float, size.parts)), *tests, self.part_labels(len(size.parts)))

    def part_labels(self, parts: int) -> tuple[int, ...]:
        """What a person calls the ``parts`` of its mesh."""
        return labels_of_training(self.folder, parts)

    @property
    def finished(self) -> bool:
        """Whether all passes are done; not where there is no model yet."""
        return "epochs" in self.about and self.about.get("epoch") == self.about["epochs"]

    @property
    def members(self) -> np.ndarray:
        """Rows of the images that are rather particles than not; all, where it has not looked."""
        probability = self.latents.get("probability")
        every = np.arange(len(self.model.latents))
        return every if probability is None or not (probability >= 0.5).any() else every[probability >= 0.5]

    @property
    def junk(self) -> float | None:
        """Share of the images that are no particles; None where it has not looked."""
        probability = self.latents.get("probability")
        if probability is None:  # where none is in doubt, none is kept
            return 0.0 if self.about.get("junk") in _LOOKED else None
        return float((probability < 0.5).mean())

    @property
    def strain(self) -> float | None:
        """R.m.s. principal strain of the mesh in the last pass: √(E / 3), E the mean of Σ (s − 1)²."""
        energy = self._last("energy")
        return None if energy is None else math.sqrt(max(energy, 0) / 3)

    @property
    def fitted_gain(self) -> float | None:
        """Nats per image over the rigid map, of the images that were fitted, in the last pass."""
        rigid, moved = self._last("rigid_misfit"), self._last("misfit")
        return self._last("gain") if rigid is None or moved is None else rigid - moved

    @property
    def unknown(self) -> float | None:
        """Share of the latents' variance that the images leave unknown: latents are white, and each has its own."""
        precision = self.model.precision
        if precision is None or not len(self.members):
            return None
        # beside the prior of unit variance, which the precision may or may not hold, no posterior is wider than 1
        posterior = np.linalg.inv(precision[self.members].astype(float))
        return float(np.clip(np.trace(posterior, axis1=1, axis2=2) / posterior.shape[1], 0, 1).mean())

    @property
    def resolution(self) -> float | None:
        """Å to which the half-maps of the training agree (one model for both, no mask but the mesh's)."""
        curve = self.passes.get("fsc")
        if curve is None or len(curve) < 2:
            return None
        extent = self.model.box * self.model.pixel_size
        return resolution(np.arange(len(curve)) / extent, curve, THRESHOLD)

    @property
    def pose_errors(self) -> tuple[float, float] | None:
        """Degrees about each axis and Å along each, r.m.s., by which poses were corrected; None where it has not tried.
        """
        correction = self.latents.get("pose_correction")
        radius = self.latents.get("pose_radius")
        if correction is None or radius is None or not float(radius) > 0:  # where poses were right, nothing is kept
            return (0.0, 0.0) if self.about.get("poses") in _LOOKED else None
        squares = (correction[self.members] ** 2).mean(axis=0)
        turn = math.degrees(math.sqrt(float(squares[:3].mean())) / float(radius))
        return turn, math.sqrt(float(squares[3:].mean()))

    @property
    def pose_error(self) -> float | None:
        """Å of a point at the radius of gyration along each axis: turns and shifts together."""
        errors, radius = self.pose_errors, self.latents.get("pose_radius", 0.0)
        return None if errors is None else math.hypot(math.radians(errors[0]) * float(radius), errors[1])

    def _last(self, name: str) -> float | None:
        values = self.passes.get(name)
        value = float(values[-1]) if values is not None and len(values) else math.nan
        return value if math.isfinite(value) else None
