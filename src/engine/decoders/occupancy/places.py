"""Places between which a domain jumps, told from parts that come and go.

Where a domain has two places or a few, and is hardly ever between them, the mean of all particles has it in each, and
each seems to be a part that some particles lack. What comes where the other goes has moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ....mesh.pieces import Pieces
from .amplitudes import Amplitudes
from .presence_evidence import shares_together
from .presences import Fading

# groups are places of one domain if two of them are there together rarely, of what chance would have, if one of them is
# there mostly, and if the largest has at most so many times the density of the smallest
RARELY, MOSTLY, ALIKE = 0.15, 0.8, 1.6


def find_places(amplitudes: Amplitudes, pieces: Pieces, groups: list[list[int]]) -> list[list[int]]:
    """Those of the groups of pieces of which each particle has one, about as large: a domain in one of its places."""
    if len(groups) < 2:
        return []
    together = shares_together(amplitudes.grouped(groups))
    share, mass = together.diagonal(), np.array([pieces.mass[group].sum() for group in groups])
    for count in range(len(groups), 1, -1):
        for some in map(list, combinations(range(len(groups)), count)):
            chance = share[some, None] * share[None, some]
            never = (together[np.ix_(some, some)] <= RARELY * chance)[~np.eye(count, dtype=bool)].all()
            if never and share[some].sum() > MOSTLY and mass[some].max() < ALIKE * mass[some].min():
                return [groups[number] for number in some]
    return []


def places_text(places: Fading, pieces: Pieces, names: Sequence[int]) -> str:
    """Which parts are places of one domain, in a sentence; ``names`` of all parts."""
    parts = [[str(names[part]) for part in pieces.parts_in(group)] for group in places.groups]
    where = " and of ".join(f"part{'s' * (len(of_place) > 1)} {', '.join(of_place)}" for of_place in parts)
    shares = " and ".join(f"{100 * share:.0f} %" for share in places.share.tolist())
    return f"One domain jumps between the places of {where}: each particle has it in one of them ({shares})."


def train_with(places: Fading) -> str:
    """The options of a training that has a map for each place."""
    return f"--decoder moving-classes --classes {len(places.groups)}"
