"""Parts of the mesh in pieces, small enough that what comes and goes is made up of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .graph_cut import best_cut, linked_graph, relative_density
from .shape import unique_edges, vertex_parts
from .tetmesh import TetMesh

LARGEST, SMALLEST = 0.08, 0.03  # share of the molecule's mass: a larger piece is cut, and into none that are smaller


@dataclass(frozen=True, eq=False)
class Pieces:
    """Each part of a mesh in one or several pieces.

    share : ``(v, q)`` of each vertex in each piece, rows summing to 1. part : ``(q,)`` the part that each belongs to.
    mass : ``(q,)`` of each.
    sides : the pieces on either side of every cut that was made, those of the first cuts being the largest.
    """

    share: np.ndarray
    part: np.ndarray
    mass: np.ndarray
    sides: list[list[int]]

    @property
    def of_parts(self) -> list[list[int]]:
        """The pieces of each part."""
        return [np.flatnonzero(self.part == part).tolist() for part in range(self.part.max() + 1)]

    def parts_in(self, some: list[int]) -> list[int]:
        """The parts that some of the pieces hold half of, or else the one of which they hold most."""
        mass = np.bincount(self.part, self.mass)
        held = np.bincount(self.part[some], self.mass[some], len(mass)) / mass
        return np.flatnonzero(held >= min(0.5, held.max())).tolist()


def cut_parts(mesh: TetMesh, mass: np.ndarray) -> Pieces:
    """The pieces of all parts, cut where they are most slender; ``mass`` ``(v,)`` is the density of each vertex."""
    member = vertex_parts(mesh)
    level = relative_density(mass)
    graph = linked_graph(level, *unique_edges(mesh).T)
    largest, smallest = (limit * level.sum() for limit in (LARGEST, SMALLEST))
    shares: list[np.ndarray] = []
    parts: list[int] = []
    sides: list[list[int]] = []

    def divide(piece: np.ndarray, part: int) -> list[int]:
        cut = best_cut(graph, piece, smallest) if level[piece].sum() > largest else None
        if cut is not None:
            both = [divide(side, part) for side in cut.sides]
            sides.extend(both)
            return both[0] + both[1]
        share = np.zeros(len(mass))
        share[piece] = member[piece, part]
        shares.append(share)
        parts.append(part)
        return [len(parts) - 1]

    for part in range(mesh.parts):
        divide(np.flatnonzero(member[:, part]), part)
    all_shares = np.stack(shares, axis=1)
    return Pieces(all_shares, np.array(parts), level @ all_shares, sorted(sides, key=len, reverse=True))
