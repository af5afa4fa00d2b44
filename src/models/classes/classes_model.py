"""A trained classes model, read from its folder: several maps, of which each particle shows one. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ...engine.decoders.classes.simplex import corners, shares_at
from ..interface import DecodeOptions, Model
from ..model_files import read_stage, read_stage_map
from ..origin import GivenColumn
from .class_shares import class_columns, coarser_maps, shares_text


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassesModel(Model):
    """A trained classes model, read from a train job: one map at each corner of a simplex, mixtures between them.

    ``volumes`` ``(K + 1, N, N, N)`` float32 are the classes; ``volume`` is their mean by how many particles show each.
    """

    kind = "classes"

    volumes: np.ndarray

    def decode(self, z: np.ndarray | Sequence[float], how: DecodeOptions = DecodeOptions()) -> np.ndarray:  # noqa: B008
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point ``(K,)``; beyond the simplex, at the nearest.
        """
        return np.tensordot(shares_at(self.checked(z)), self.volumes, 1)

    def coarser(self, box: int) -> ClassesModel:
        """The same model on an even, smaller box over the same field of view."""
        return replace(self, **coarser_maps(self.volume, self.volumes, self.pixel_size, box))

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays that make it the model that it is."""
        return self.latents, self.volume, self.volumes

    @cached_property
    def shares(self) -> np.ndarray:
        """The probability ``(n, K + 1)`` of each particle to show each class."""
        return shares_at(self.latents)

    @property
    def columns(self) -> Mapping[str, GivenColumn]:
        """The class of each particle, counted from 1, and the probability of it."""
        return class_columns(self.shares)

    @property
    def states(self) -> Mapping[str, np.ndarray]:
        """The latent point ``(K,)`` of each class, by name: a corner of the simplex."""
        return {f"class {k + 1}": point for k, point in enumerate(corners(len(self.volumes)))}

    @property
    def notes(self) -> tuple[str, ...]:
        """The share of the particles that each class has."""
        return (f"{len(self.volumes)} classes with these shares of the particles: {shares_text(self.shares)}.",)


def read_classes_model(folder: Path, about: dict) -> ClassesModel:
    """The classes model in a folder whose model.json says ``about``; ``InputError`` where its files do not fit
    together.
    """
    stage = read_stage(folder, about)
    names = [f"class_{k + 1}.mrc" for k in range(about["latent_dims"] + 1)]
    return ClassesModel(volumes=np.stack([read_stage_map(folder / name, about) for name in names]), **stage)
