"""What of a molecule may come and go: parts of its mesh, and what was cut off parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .pieces import Pieces


@dataclass(frozen=True, eq=False)
class Regions:
    """All parts of a mesh, some of them in two or more regions: region p is part p, or what is left of it.

    share : ``(v, r)`` of each vertex in each region, rows summing to 1. part : ``(r,)`` the part each belongs to.
    """

    share: np.ndarray
    part: np.ndarray

    def names(self, part_names: Sequence[int]) -> tuple[str, ...]:
        """What a person calls the regions ``(r,)``: a part by its name, what was cut off part 2 by 2b, 2c, …"""
        count: Counter[int] = Counter()
        names = []
        for part in self.part.tolist():
            names.append(f"{part_names[part]}{_letter(count[part])}")
            count[part] += 1
        return tuple(names)


def whole_parts(share: np.ndarray) -> Regions:
    """Each part a region of its own; ``share`` ``(v, p)`` of each vertex in each part."""
    return Regions(share, np.arange(share.shape[1]))


@dataclass(frozen=True, eq=False)
class GroupedRegions:
    """What groups of pieces make of a mesh's parts.

    regions : with ``pieces`` that each is made of. group : ``(r,)`` its number, -1 of a region that is in none.
    """

    regions: Regions
    pieces: list[list[int]]
    group: np.ndarray

    @property
    def fading(self) -> dict[int, int]:
        """The group of each region that is in one."""
        return {int(region): int(self.group[region]) for region in np.flatnonzero(self.group >= 0)}


def group_regions(pieces: Pieces, groups: Sequence[Sequence[int]]) -> GroupedRegions:
    """The regions that ``groups`` of pieces, which come and go together, make of the parts."""
    group = np.full(len(pieces.part), -1)
    for number, members in enumerate(groups):
        group[list(members)] = number
    kinds = [(part, np.unique(group[pieces.part == part])) for part in range(pieces.part.max() + 1)]
    rows = [(part, of[0]) for part, of in kinds] + [(part, number) for part, of in kinds for number in of[1:]]
    made_of = [np.flatnonzero((pieces.part == part) & (group == number)).tolist() for part, number in rows]
    share = np.stack([pieces.share[:, own].sum(axis=1) for own in made_of], axis=1)
    part, number = np.array(rows).T
    return GroupedRegions(Regions(share, part), made_of, number)


def _letter(number: int) -> str:
    """Nothing for what has the part's own name, then b, c, …, z, z2, z3, …"""
    return "" if number == 0 else chr(ord("a") + number) if number < 26 else f"z{number - 24}"
