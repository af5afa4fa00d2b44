"""What another program has left beside a model that it trained: the particles, and what it found out about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ..particles.image_match import Keys
from ..particles.particles import Particles


@dataclass(frozen=True, eq=False)
class GivenClusters:
    """label : ``(n,)`` int32 from 1. centre : ``(c,)`` rows of the particles in their middles. size : ``(c,)``."""

    label: np.ndarray
    centre: np.ndarray
    size: np.ndarray


@dataclass(frozen=True, eq=False)
class GivenColumn:
    """values : ``(n,)``, one for each particle. categories : whether they only name groups."""

    values: np.ndarray
    categories: bool


class Origin(Protocol):
    """The other program's side of a model; each answer is read when it is first wanted.

    Attributes
    ----------
    program : its name. source : where the particles' file is, or was; None where that is not known.
    identity : another one for other particles.
    says : sentences for who opens it.
    states : latent points ``(K,)`` by name. paths : tables of latent points in order, by name.
    columns : by name, beside those of the particles' file.
    umap : ``(n, 2)`` float32; clusters : of the particles; None where there are none.
    keys : what the images of the latents are known by, where that is told without the particles' file; else None.
    """

    @property
    def program(self) -> str: ...  # noqa: D102
    @property
    def source(self) -> Path | None: ...  # noqa: D102
    @property
    def identity(self) -> str: ...  # noqa: D102
    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def states(self) -> Mapping[str, np.ndarray]: ...  # noqa: D102
    @property
    def paths(self) -> Mapping[str, Path]: ...  # noqa: D102
    @property
    def columns(self) -> Mapping[str, GivenColumn]: ...  # noqa: D102
    @property
    def umap(self) -> np.ndarray | None: ...  # noqa: D102
    @property
    def clusters(self) -> GivenClusters | None: ...  # noqa: D102

    @property
    def keys(self) -> Keys | None: ...  # noqa: D102

    def all_particles(self, image_root: Path | None) -> Particles:
        """The particles of the file; ``InputError`` where it is not there. ``image_root``: where it and the stacks are
        now, if that was said.
        """
        ...

    def rows(self, count: int, image_root: Path | None) -> np.ndarray:
        """Which rows ``(n,)`` of the file's ``count`` the latents are of; ``InputError`` where they do not fit."""
        ...
