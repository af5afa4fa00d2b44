"""Whether two models move the same images alike, in Å at each vertex of the mesh that they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..mesh.shape import vertex_mean
from ..mesh.tetmesh import TetMesh
from ..models.halves_record import PartAgreement

STATES = 2_000  # images whose displacements are compared


@dataclass(frozen=True)
class Agreement:
    """R.m.s. over images, Å.

    Attributes
    ----------
    motion, difference : ``(v,)`` of each vertex. mass : ``(v,)`` share of the molecule that it carries.
    """

    motion: np.ndarray
    difference: np.ndarray
    mass: np.ndarray

    def over(self, weight: np.ndarray) -> tuple[float, float]:
        """Motion and difference r.m.s. over the mass, each vertex counting by ``weight`` ``(v,)``."""
        share = self.mass * weight
        share = share / max(share.sum(), 1e-30)
        return float(np.sqrt(share @ self.motion**2)), float(np.sqrt(share @ self.difference**2))

    def parts(self, mesh: TetMesh) -> tuple[PartAgreement, ...]:
        """In each part of the mesh; a vertex that joined parts share counts in each by its cells there."""
        made = []
        for part in range(mesh.parts):
            weight = vertex_mean(mesh, (mesh.part == part).astype(float))
            made.append(PartAgreement(part, float(self.mass @ weight), *self.over(weight)))
        return tuple(made)


def agree(
    first: np.ndarray, second: np.ndarray, rest: np.ndarray, mass: np.ndarray, weight: np.ndarray
) -> Agreement:
    """Compare moved vertices ``(m, v, 3)`` Å of the same m images by two models.

    Parameters
    ----------
    rest : (v, 3) Å. mass : (v,) summing to 1. weight : (m,) how far images count.

    What is no motion is taken away: where a model has the whole body, and its mean over the images, which is a choice
    of each model.
    """
    share = weight / weight.sum()
    moved = [_displacements(vertices, rest, mass, share) for vertices in (first, second)]
    square = [np.einsum("m,mvd->v", share, each**2) for each in (*moved, moved[0] - moved[1])]
    return Agreement(np.sqrt((square[0] + square[1]) / 2), np.sqrt(square[2]), mass)


def _displacements(vertices: np.ndarray, rest: np.ndarray, mass: np.ndarray, share: np.ndarray) -> np.ndarray:
    """From the mean shape, each state placed on it: ``(m, v, 3)``."""
    mean = np.einsum("m,mvd->vd", share, placed(vertices, rest, mass))
    on_mean = placed(vertices, mean, mass)
    return on_mean - np.einsum("m,mvd->vd", share, on_mean)


def placed(vertices: np.ndarray, onto: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """States ``(m, v, 3)``, each placed as a rigid body to lie best on ``onto`` ``(v, 3)`` (Kabsch 1976)."""
    centres, centre = np.einsum("v,mvd->md", mass, vertices), mass @ onto
    away, wanted = vertices - centres[:, None], onto - centre
    # R = V diag(1, 1, det V Uᵀ) Uᵀ of Σ mass away wantedᵀ = U S Vᵀ maximises Σ mass wanted · R away
    u, _, vt = np.linalg.svd(np.einsum("v,mvd,ve->mde", mass, away, wanted))
    sign = np.linalg.det(u @ vt)
    u[:, :, 2] *= sign[:, None]
    return away @ (u @ vt) + centre


def canonical_correlations(first: np.ndarray, second: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Canonical correlations (Hotelling 1936) ``(k,)``, the largest first, of two models' latents ``(m, K1)`` and
    ``(m, K2)``, k the smaller: of their best matched directions. ``weight`` ``(m,)`` of the particles; None: alike.
    """
    weight = np.ones(len(first)) if weight is None else weight
    share = weight / weight.sum()
    root = np.sqrt(share)[:, None]
    bases = []
    for latents in (first, second):
        centred = root * (latents - share @ latents)
        left, size, _ = np.linalg.svd(centred, full_matrices=False)
        bases.append(left[:, size > 1e-6 * max(float(size.max()), 1e-30)])
    correlations = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
    padded = np.zeros(min(first.shape[1], second.shape[1]))
    padded[: len(correlations)] = np.clip(correlations, 0, 1)
    return padded


def correlation_by_chance(count: int, first: int, second: int) -> float:
    """What the greatest canonical correlation of latents in ``first`` and ``second`` dimensions, of ``count``
    particles, is about where they have nothing in common: the edge of Wachter's distribution (1980).
    """
    one, two = first / count, second / count
    return 1.0 if one + two >= 1 else float(np.sqrt(one * (1 - two)) + np.sqrt(two * (1 - one)))
