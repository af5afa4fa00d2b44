"""Scores of a model against the truth of simulated particles: maps by FSC, latents by how well they tell the state."""

from __future__ import annotations

from .fsc import area, fsc_curve, resolution, way
from .latents import LatentScore, circular_correlation, predict, presence_told, score_latents, spearman
from .maps import MapScore, even_particles, score_maps

__all__ = [
    "LatentScore",
    "MapScore",
    "area",
    "circular_correlation",
    "even_particles",
    "fsc_curve",
    "predict",
    "presence_told",
    "resolution",
    "score_latents",
    "score_maps",
    "spearman",
    "way",
]
