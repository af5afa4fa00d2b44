"""The most slender waist of a graph: its normalised cut (Shi & Malik 2000), by the second eigenvector of its Laplacian.

Nodes have a mass each, and links between neighbours that conduct as much as the two have of density in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FEWEST_NODES = 16  # of a piece that is cut


@dataclass(frozen=True)
class Graph:
    """Nodes with ``mass`` (n,), and ``links`` (n, n), sparse and symmetric, of their weights."""

    mass: np.ndarray
    links: Any


@dataclass(frozen=True)
class Cut:
    """A way to bisect a piece: rows of its two sides, and how slender its waist is (1 for a ball, less for a neck)."""

    sides: tuple[np.ndarray, np.ndarray]
    conduction: float


def relative_density(density: np.ndarray) -> np.ndarray:
    """``density`` (n,) of blocks or vertices as a mass in 0.02..1, 1 being the densest twentieth."""
    return np.clip(density / max(np.percentile(density, 95), 1e-30), 0.02, 1.0)


def linked_graph(mass: np.ndarray, first: np.ndarray, second: np.ndarray) -> Graph:
    """The graph whose nodes ``first`` (l,) and ``second`` (l,) are neighbours, each pair once."""
    from scipy.sparse import coo_matrix

    shared = np.sqrt(mass[first] * mass[second])
    links = coo_matrix((shared, (first, second)), shape=(len(mass),) * 2).tocsr()
    return Graph(mass, links + links.T)


def best_cut(graph: Graph, piece: np.ndarray, smallest: float) -> Cut | None:
    """The normalised cut of the nodes ``piece`` with mass ``smallest`` or more on both sides; None: there is none.

    A piece that does not hang together is cut into its largest island and all else.
    """
    from scipy.sparse.csgraph import connected_components

    if graph.mass[piece].sum() < 2 * smallest or len(piece) < FEWEST_NODES:
        return None
    links = graph.links[piece][:, piece]
    count, island = connected_components(links, directed=False)
    if count > 1:
        largest = np.argmax(np.bincount(island, graph.mass[piece]))
        return Cut((piece[island == largest], piece[island != largest]), 0.0)
    softness, order = _softest_mode(links, graph.mass[piece])
    at = _sweep(links, graph.mass[piece], order, smallest)
    if at is None:
        return None
    volume = float(graph.mass[piece].sum())
    ball = (2.0816 / (3 * volume / (4 * np.pi)) ** (1 / 3)) ** 2  # lowest Neumann eigenvalue of a ball, blocks^-2
    return Cut((np.sort(piece[order[:at]]), np.sort(piece[order[at:]])), softness / ball)


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
