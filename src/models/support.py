"""Whether a latent point lies among particles: a decoder draws a map anywhere, also where no particle ever was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEIGHBOURS = 5
_SAMPLE = 2000  # particles whose own distances set the scale
GRADES = ("inside", "edge", "outside")
_USUAL = 90.0  # percentile up to which a point is as good as most of the particles
_RARE = 99.0  # percentile of particles' own distances beyond which a point is lonelier than nearly all of them


@dataclass(frozen=True, eq=False)
class Support:
    """Where the particles are.

    Attributes
    ----------
    latents : ``(n, K)``. limit : distance to the fifth neighbour that 99 % of the particles stay below.
    usual : that which 90 % of them stay below.
    """

    latents: np.ndarray
    limit: float
    usual: float
    _tree: object

    @classmethod
    def of(cls, latents: np.ndarray) -> Support:
        """From the particles' latents ``(n, K)``."""
        from scipy.spatial import cKDTree

        tree = cKDTree(latents, leafsize=32, compact_nodes=False, balanced_tree=False)  # quick to build
        rows = np.linspace(0, len(latents) - 1, min(len(latents), _SAMPLE)).astype(int)
        own = _farthest(tree, latents[rows], NEIGHBOURS + 1)  # the first neighbour of a particle is itself
        usual, limit = np.percentile(own, (_USUAL, _RARE))
        return cls(latents, float(limit), float(usual), tree)

    def distance(self, z: np.ndarray) -> np.ndarray:
        """Distance ``(m,)`` of points ``(m, K)`` to their fifth nearest particle, in latent units."""
        return _farthest(self._tree, z, NEIGHBOURS)

    def outside(self, z: np.ndarray) -> np.ndarray:
        """``(m,)`` bool: which points ``(m, K)`` are lonelier than 99 % of the particles are."""
        return self.distance(z) > self.limit

    def count(self, z: np.ndarray, radius: float) -> int:
        """How many particles are within ``radius``, in latent units, of a point ``(K,)``."""
        return int(self._tree.query_ball_point(np.asarray(z, float), radius, return_length=True))

    def grade(self, z: np.ndarray) -> np.ndarray:
        """``(m,)`` words of ``GRADES``: where 90 % of the particles are points ``(m, K)`` lie inside, where 9 % are at
        the edge, beyond 99 % outside.
        """
        distance = self.distance(z)
        return np.array(GRADES)[(distance > self.usual).astype(int) + (distance > self.limit)]


def _farthest(tree, points: np.ndarray, count: int) -> np.ndarray:
    """Distance to the ``count``-th nearest of the tree's points, or to the last where it has fewer."""
    distance, _ = tree.query(points, k=[min(count, tree.n)])
    return distance[:, 0]
