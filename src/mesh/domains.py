"""Parts found in the map itself: compact domains, cut where the density between them is thin or weak.

The mask, as a graph of small blocks tied by the density they share, is bisected by its normalised cut (`graph_cut.py`)
again and again, the most slender waist first.
"""

from __future__ import annotations

from operator import itemgetter

import numpy as np

from .graph_cut import Graph, best_cut, linked_graph, relative_density

MOST_BLOCKS = 4000
MOST_DOMAINS = 8  # found without being told how many
SLENDER = 0.22  # a piece is cut while it conducts less than this fraction of a ball of its volume (IgG: 3 parts)
SMALLEST = 0.08  # share of the molecule's density below which a domain is not cut off


def find_domains(density: np.ndarray, mask: np.ndarray, count: int = 0) -> np.ndarray:
    """Domain of every voxel of the mask, (N, N, N) int32 from 0, largest first; -1 outside.

    Parameters
    ----------
    density : (N, N, N) low-passed map
    mask : (N, N, N) bool
    count : number of domains; 0: as many as there are waists (at most ``MOST_DOMAINS``)
    """
    block = max(1, round((mask.sum() / MOST_BLOCKS) ** (1 / 3)))
    graph, block_of_voxel = _build_graph(density, mask, block)
    smallest = SMALLEST * graph.mass.sum()
    pieces = [np.arange(len(graph.mass))]
    cuts = [best_cut(graph, pieces[0], smallest)]
    while len(pieces) < (count or MOST_DOMAINS):
        possible = [(cut.conduction, place, cut.sides) for place, cut in enumerate(cuts) if cut is not None]
        conduction, place, sides = min(possible, key=itemgetter(0), default=(np.inf, 0, ()))
        if not sides or (not count and conduction > SLENDER):
            break
        del pieces[place], cuts[place]
        pieces += sides
        cuts += [best_cut(graph, side, smallest) for side in sides]
    return _paint(mask, block_of_voxel, sorted(pieces, key=len, reverse=True))


def _paint(mask: np.ndarray, block_of_voxel: np.ndarray, pieces: list[np.ndarray]) -> np.ndarray:
    domain = np.zeros(sum(len(piece) for piece in pieces), np.int32)
    for number, piece in enumerate(pieces):
        domain[piece] = number
    painted = np.full(mask.shape, -1, np.int32)
    painted[mask] = domain[block_of_voxel]
    return painted


def _build_graph(density: np.ndarray, mask: np.ndarray, block: int) -> tuple[Graph, np.ndarray]:
    """The graph of blocks of voxels, and the row of the block of each voxel of the mask (m,)."""
    place, row = np.unique(np.argwhere(mask) // block, axis=0, return_inverse=True)
    row = row.reshape(-1)
    level = relative_density(np.clip(density[mask], 0, None).astype(np.float64))
    mass = np.bincount(row, level) / block**3
    number = np.full(place.max(axis=0) + 2, -1)
    number[tuple(place.T)] = np.arange(len(place))
    links_of: list[tuple[np.ndarray, np.ndarray]] = []
    for axis in range(3):
        beside = number[tuple((place + np.eye(3, dtype=int)[axis]).T)]
        links_of.append((np.flatnonzero(beside >= 0), beside[beside >= 0]))
    first, second = (np.concatenate(ends) for ends in zip(*links_of))
    return linked_graph(mass, first, second), row
