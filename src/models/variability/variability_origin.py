"""What is beside the components of a 3D Variability job: its particles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from ...errors import InputError
from ...particles.cryosparc import particles_of_table
from ...particles.cs_table import field_names
from ...particles.image_match import Keys
from ...particles.particles import Particles
from ...particles.value_checks import check_values
from ..origin import GivenColumn
from .components_table import passthrough_of


class ParticleFiles(Protocol):
    """``particles`` : the table whose rows the latents are of. ``name`` : how the job's files begin."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def particles(self) -> Path: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class VariabilityOrigin:
    """An `Origin`; ``table`` are the fields of its particles, those that were passed through included."""

    files: ParticleFiles
    table: np.ndarray

    program = "cryoSPARC"
    umap = None
    clusters = None

    @property
    def source(self) -> Path | None:
        """The particles' table, whose rows the latents are of."""
        return self.files.particles

    @cached_property
    def identity(self) -> str:
        """Another one for other particles: a digest of cryoSPARC's numbers for them."""
        about = self.table["uid"] if "uid" in field_names(self.table) else np.array([len(self.table)])
        return hashlib.sha256(np.ascontiguousarray(about).tobytes()).hexdigest()

    def all_particles(self, image_root: Path | None) -> Particles:
        """Those of the table; ``InputError`` where it has no images, which cryoSPARC keeps in other tables."""
        particles = particles_of_table(self.files.particles, self.table, image_root, ())
        check_values(particles, ())
        return particles

    def rows(self, count: int, image_root: Path | None) -> np.ndarray:
        """``(n,)``: all."""
        if count != len(self.table):
            raise InputError(f"{self.files.particles}: has changed while it was open; open it again.")
        return np.arange(count)

    @property
    def keys(self) -> Keys | None:
        """See `Origin`: its table has the uid of each, at least."""
        return Keys.of_table(self.table)

    @property
    def states(self) -> Mapping[str, np.ndarray]:
        """None: those of 3D Variability Display are maps in a folder of their own."""
        return {}

    @property
    def paths(self) -> Mapping[str, Path]:
        """None."""
        return {}

    @property
    def columns(self) -> Mapping[str, GivenColumn]:
        """None but those of the particles' table."""
        return {}

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Origin`."""
        if "blob/path" in field_names(self.table):
            return ()
        passed = passthrough_of(self.files.particles)
        why = (f"{self.files.name}_passthrough_particles.cs is not beside it." if passed is None else
               f"none can be told by {passed.name}: export both with uid, by which they are joined, and that one with "
               "blob/path.")  # fmt: skip
        return (f"{self.files.particles.name} names no images, and {why}",)
