"""Particle images, poses and contrast transfer functions in; particle selections out."""

from __future__ import annotations

from .particles import InputWarning, Optics, Particles
from .read import read_particles
from .stack import ImageStack
from .write import write_star

__all__ = ["ImageStack", "InputWarning", "Optics", "Particles", "read_particles", "write_star"]
