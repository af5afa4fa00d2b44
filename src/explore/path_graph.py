"""Paths that stay among particles: shortest ways through the graph of nearest neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..models.support import Support
from .metric import Motion
from .path import LatentPath, at_constant_speed
from .path_lines import FRAMES

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NODES = 20_000  # particles in the graph: more make a path no better, only slower
NEIGHBOURS = 10
_MOST_NEIGHBOURS = 80
_SMOOTHING = (4.0, 2.0, 1.0)  # blurs that are tried, percent of the path's length, strongest first


def graph_path(
    anchors: np.ndarray,
    latents: np.ndarray,
    frames: int = FRAMES,
    motion: Motion | None = None,
    support: Support | None = None,
    neighbours: int = NEIGHBOURS,
    seed: int = 0,
) -> LatentPath:
    """From anchor to anchor ``(a, K)`` by the shortest way over particles that are neighbours, slightly smoothed.

    Parameters
    ----------
    latents : ``(n, K)``; of more than 20,000 particles, as many at random (``seed``) are used.
    motion : measure the way in ångströms of motion; it is then a geodesic of the molecule. Else in latent units, as
        cryoDRGN's ``graph_traversal`` does.
    support : of the latents, where it is known already.
    neighbours : of each particle; doubled, up to 80, while there is no way from anchor to anchor.
    """
    anchors = np.asarray(anchors, np.float32)
    if len(anchors) < 2:
        raise InputError("A path through the graph needs two points or more; give another one.")
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(latents), NODES, replace=False) if len(latents) > NODES else np.arange(len(latents))
    nodes = np.concatenate([anchors, latents[np.sort(chosen)]]).astype(np.float32)
    places = nodes if motion is None else motion.coordinates(nodes)
    support = Support.of(latents) if support is None else support
    segments = _shortest(places, len(anchors), neighbours)
    fine = max(10 * frames, 200)
    smooth = [_smoothed(at_constant_speed(nodes[segment], fine, motion), support) for segment in segments]
    return LatentPath(at_constant_speed(np.concatenate(smooth), frames, motion), "through the graph", "graph")


def _shortest(places: np.ndarray, anchors: int, neighbours: int) -> list[list[int]]:
    """Nodes from each anchor to the next; the anchors are the first rows of ``places``."""
    from scipy.sparse.csgraph import dijkstra

    while True:
        graph = neighbour_graph(places, neighbours)
        distance, before = dijkstra(graph, directed=False, indices=range(anchors - 1), return_predecessors=True)
        if np.isfinite(distance[np.arange(anchors - 1), np.arange(1, anchors)]).all():
            break
        if neighbours >= _MOST_NEIGHBOURS:
            raise InputError("No chain of neighbouring particles joins these points: they lie in islands of their own; "
                             "take a straight path, or points of one island.")  # fmt: skip
        neighbours = min(2 * neighbours, _MOST_NEIGHBOURS)
    segments = [[end] for end in range(1, anchors)]
    for start, segment in enumerate(segments):
        while segment[-1] != start:
            segment.append(int(before[start, segment[-1]]))
    return [segment[::-1] for segment in segments]


def neighbour_graph(places: np.ndarray, neighbours: int) -> csr_array:
    """Sparse ``(m, m)`` distances of each of ``(m, d)`` points to its nearest others; zero where not neighbours."""
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

    count = len(places)
    distance, other = cKDTree(places).query(places, k=min(neighbours + 1, count))
    # dijkstra of older scipy takes 32-bit numbers only
    row, other = np.repeat(np.arange(count, dtype=np.int32), other.shape[1]), other.astype(np.int32)
    # a length of zero would be no edge at all to scipy
    length = np.maximum(distance.ravel(), 1e-12)
    apart = other.ravel() != row
    return csr_array((length[apart], (row[apart], other.ravel()[apart])), (count, count))


def _smoothed(fine: np.ndarray, support: Support) -> np.ndarray:
    """A path ``(m, K)`` without the zigzag from particle to particle: as smooth as it can be and still among them."""
    from scipy.ndimage import gaussian_filter1d

    allowed = support.outside(fine).mean()
    from_end = np.minimum(np.arange(len(fine)), np.arange(len(fine))[::-1])
    for percent in _SMOOTHING:
        sigma = percent * len(fine) / 100
        blurred = gaussian_filter1d(fine, sigma, axis=0, mode="nearest")
        hold = np.exp(-0.5 * (from_end / sigma) ** 2)  # the ends, which blur draws inwards, stay
        tried = fine + (1 - hold[:, None]) * (blurred - fine)
        if support.outside(tried).mean() <= allowed:
            return tried
    return fine
