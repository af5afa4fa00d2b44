"""The maps of all classes: solved, each by the images that are likely to show it, and carried to a finer box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from ...maps.half_maps import HalfMaps, supported_map
from ...projector.mesh_projector import VoxelCloud
from ...training.batches import Batch
from ...training.membership import Membership
from ...training.stage import Stage, carry_density
from ...training.trainer import SOLVE_PARTICLES, Trainer

LIKELY = 0.01  # probability to show a class, below which an image is left out of its map
FEWEST = 10.0  # images in either half that a map is made of

VerticesOf = Callable[[Batch], torch.Tensor]


@dataclass(frozen=True)
class ClassMaps:
    """Half-maps of every class, on one cloud.

    Attributes
    ----------
    first, second : ``(K, n)`` densities of the two halves. fsc : ``(K, N // 2 + 1)`` between them.
    density : ``(K, n)``, what the halves support.
    """

    first: torch.Tensor
    second: torch.Tensor
    fsc: torch.Tensor
    density: torch.Tensor

    @classmethod
    def of(cls, cloud: VoxelCloud, maps: list[HalfMaps]) -> ClassMaps:
        """Of the half-maps of each class."""
        return cls(
            first=torch.stack([one.first for one in maps]),
            second=torch.stack([one.second for one in maps]),
            fsc=torch.stack([one.fsc for one in maps]),
            density=torch.stack([supported_map(cloud, one) for one in maps]),
        )

    def __len__(self) -> int:
        return len(self.density)

    def picked(self, order: list[int]) -> ClassMaps:
        """The classes in another order."""
        return ClassMaps(self.first[order], self.second[order], self.fsc[order], self.density[order])

    def by_file(self) -> dict[str, torch.Tensor]:
        """Densities ``(n,)`` by the names of their files: class_1, with the two half-maps that it is made of, …"""
        return {f"class_{k + 1}{half}": each[k] for k in range(len(self))
                for half, each in (("", self.density), ("_half_1", self.first), ("_half_2", self.second))}  # fmt: skip

    def tensors(self) -> dict[str, torch.Tensor]:
        """What a checkpoint holds of them, for `from_tensors`."""
        return {"class_first": self.first, "class_second": self.second, "class_fsc": self.fsc,
                "class_density": self.density}  # fmt: skip

    @classmethod
    def from_tensors(cls, tensors: dict[str, torch.Tensor]) -> ClassMaps:
        """As `tensors` gave."""
        return cls(*(tensors[name] for name in ("class_first", "class_second", "class_fsc", "class_density")))

    def half_maps(self, number: int) -> HalfMaps:
        """Those of one class, counted from 0."""
        return HalfMaps(self.first[number], self.second[number], self.fsc[number])

    def carried(self, old: VoxelCloud, new: VoxelCloud) -> ClassMaps:
        """The same on another cloud of the same field of view."""
        first, second, density = (
            torch.stack([carry_density(one, old, new) for one in each])
            for each in (self.first, self.second, self.density)
        )
        return replace(self, first=first, second=second, density=density)


def solve_classes(
    trainer: Trainer, stage: Stage, shares: torch.Tensor, vertices_of: VerticesOf, before: ClassMaps | None,
    iterations: int, most: int | None = SOLVE_PARTICLES,
) -> ClassMaps:  # fmt: skip
    """The map of each class, by least squares over the images that have a share ``(n, K)`` in it.

    They begin with those ``before``, if there are any. A class that too few images show keeps the map that it had, or
    has the stage's. Each takes ``most`` images at most, all where that is None.
    """
    count = shares.shape[1]
    weight = shares * trainer.membership.probability[:, None]
    known = weight.cpu().numpy()
    solved = []
    for k in range(count):
        halves = tuple(half[known[half, k] > LIKELY] for half in trainer.halves)
        if min(known[half, k].sum() for half in halves) < max(FEWEST, trainer.team.size):
            solved.append(_own_halves(stage) if before is None else before.half_maps(k))
            continue
        own = replace(stage, membership=Membership(weight[:, k], whole=False))
        start = None if before is None else before.half_maps(k)
        name = f"map of class {k + 1}"
        solved.append(trainer.solve(own, vertices_of, start, iterations, name, most, (halves[0], halves[1])))
    return ClassMaps.of(stage.cloud, solved)


def _own_halves(stage: Stage) -> HalfMaps:
    """The stage's own map, as if both halves had it."""
    return HalfMaps(stage.density, stage.density, torch.ones(stage.box // 2 + 1, device=stage.device))


def class_images(
    stage: Stage, batch: Batch, densities: torch.Tensor, vertices: torch.Tensor
) -> torch.Tensor:
    """Images ``(K, b, d, d // 2 + 1)`` of maps ``(K, n)`` in the poses of a batch, CTF included."""
    affine = stage.place(batch.rotation, batch.correction, vertices)
    return torch.stack([stage.image_of(batch, density, affine) for density in densities])


def class_numbers(shares: np.ndarray) -> np.ndarray:
    """The most likely class ``(n,)`` of shares ``(n, K)``, counted from 1 as RELION does."""
    return shares.argmax(axis=1) + 1


def in_a_row(maps: np.ndarray) -> list[int]:
    """An order of maps ``(K, n)`` in which neighbours are alike: along the longest axis of their scatter.

    The coordinate is the first of classical scaling (Torgerson 1952), the leading eigenvector of the Gram matrix of the
    maps about their mean.
    """
    about = maps.astype(np.float64) - maps.mean(axis=0)
    first = np.linalg.eigh(about @ about.T)[1][:, -1]
    # an eigenvector's sign is an accident of the solver: of both directions that which leaves more in their order
    if first @ np.arange(len(first)) < 0:
        first = -first
    return np.argsort(first, kind="stable").tolist()
