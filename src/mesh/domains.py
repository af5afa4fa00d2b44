"""Parts found in the map itself: compact domains, cut where the density between them is thin or weak.

The mask, as a graph of small blocks tied by the density they share, is bisected by its normalised cut (Shi & Malik
2000: the second eigenvector of the graph Laplacian) again and again, the most slender waist first.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

MOST_BLOCKS = 4000
MOST_DOMAINS = 8  # found without being told how many
SLENDER = 0.22  # a piece is cut while it conducts less than this fraction of a ball of its volume (IgG: 3 parts)
SMALLEST = 0.08  # share of the molecule's density below which a domain is not cut off


@dataclass(frozen=True)
class _Graph:
    """Blocks of voxels: ``place`` (n, 3) int in blocks, ``mass`` (n,) density, ``links`` (n, n) sparse weights."""

    place: np.ndarray
    mass: np.ndarray
    links: Any


@dataclass(frozen=True)
class _Cut:
    """A way to bisect a piece: rows of its two sides, and how slender its waist is (1 for a ball, less for a neck)."""

    sides: tuple[np.ndarray, np.ndarray]
    conduction: float


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
    pieces = [np.arange(len(graph.mass))]
    cuts = [_best_cut(graph, pieces[0])]
    while len(pieces) < (count or MOST_DOMAINS):
        possible = [(cut.conduction, place, cut.sides) for place, cut in enumerate(cuts) if cut is not None]
        conduction, place, sides = min(possible, key=itemgetter(0), default=(np.inf, 0, ()))
        if not sides or (not count and conduction > SLENDER):
            break
        del pieces[place], cuts[place]
        pieces += sides
        cuts += [_best_cut(graph, side) for side in sides]
    return _paint(mask, block_of_voxel, sorted(pieces, key=len, reverse=True))


def _paint(mask: np.ndarray, block_of_voxel: np.ndarray, pieces: list[np.ndarray]) -> np.ndarray:
    domain = np.zeros(sum(len(piece) for piece in pieces), np.int32)
    for number, piece in enumerate(pieces):
        domain[piece] = number
    painted = np.full(mask.shape, -1, np.int32)
    painted[mask] = domain[block_of_voxel]
    return painted


def _build_graph(density: np.ndarray, mask: np.ndarray, block: int) -> tuple[_Graph, np.ndarray]:
    """The graph, and the row of the block of each voxel of the mask (m,)."""
    from scipy.sparse import coo_matrix

    place, row = np.unique(np.argwhere(mask) // block, axis=0, return_inverse=True)
    row = row.reshape(-1)
    level = np.clip(density[mask], 0, None).astype(np.float64)
    level = np.clip(level / max(np.percentile(level, 95), 1e-30), 0.02, 1.0)
    mass = np.bincount(row, level) / block**3
    number = np.full(place.max(axis=0) + 2, -1)
    number[tuple(place.T)] = np.arange(len(place))
    links_of: list[tuple[np.ndarray, np.ndarray]] = []
    for axis in range(3):
        beside = number[tuple((place + np.eye(3, dtype=int)[axis]).T)]
        links_of.append((np.flatnonzero(beside >= 0), beside[beside >= 0]))
    first, second = (np.concatenate(ends) for ends in zip(*links_of))
    shared = np.sqrt(mass[first] * mass[second])
    links = coo_matrix((shared, (first, second)), shape=(len(place),) * 2).tocsr()
    return _Graph(place, mass, links + links.T), row


def _best_cut(graph: _Graph, piece: np.ndarray) -> _Cut | None:
    """The normalised cut of a piece, or None where it is too small to be cut."""
    from scipy.sparse.csgraph import connected_components

    smallest = SMALLEST * graph.mass.sum()
    if graph.mass[piece].sum() < 2 * smallest or len(piece) < 16:
        return None
    links = graph.links[piece][:, piece]
    count, island = connected_components(links, directed=False)
    if count > 1:
        largest = np.argmax(np.bincount(island, graph.mass[piece]))
        return _Cut((piece[island == largest], piece[island != largest]), 0.0)
    softness, order = _softest_mode(links, graph.mass[piece])
    at = _sweep(links, graph.mass[piece], order, smallest)
    if at is None:
        return None
    volume = float(graph.mass[piece].sum())
    ball = (2.0816 / (3 * volume / (4 * np.pi)) ** (1 / 3)) ** 2  # lowest Neumann eigenvalue of a ball, blocks^-2
    return _Cut((np.sort(piece[order[:at]]), np.sort(piece[order[at:]])), softness / ball)


def _softest_mode(links: Any, mass: np.ndarray) -> tuple[float, np.ndarray]:
    """Second eigenvalue of the graph's Laplacian relative to its mass, and the rows in the order of its eigenvector."""
    from scipy.sparse import diags
    from scipy.sparse.linalg import eigsh

    laplacian = diags(np.asarray(links.sum(axis=1)).ravel()) - links
    start = np.cos(np.arange(len(mass)))  # fixed, so that the same map gives the same parts
    values, vectors = eigsh(laplacian.tocsc(), k=2, M=diags(mass).tocsc(), sigma=-1e-4, which="LM", v0=start)
    second = np.argsort(values)[1]
    return float(values[second]), np.argsort(vectors[:, second], kind="stable")


def _sweep(links: Any, mass: np.ndarray, order: np.ndarray, smallest: float) -> int | None:
    """Where along ``order`` the normalised cut is least with ``smallest`` mass or more on both sides; None: nowhere."""
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    pair = links.tocoo()
    low, high = np.minimum(rank[pair.row], rank[pair.col]), np.maximum(rank[pair.row], rank[pair.col])
    step = np.bincount(low + 1, pair.data, len(order) + 1) - np.bincount(high + 1, pair.data, len(order) + 1)
    crossing = 0.5 * np.cumsum(step)[: len(order)]
    before = np.concatenate([[0.0], np.cumsum(mass[order])])[: len(order)]
    after = mass.sum() - before
    allowed = (before >= smallest) & (after >= smallest)
    if not allowed.any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = np.where(allowed, crossing / before + crossing / after, np.inf)
    return int(np.argmin(cost))
