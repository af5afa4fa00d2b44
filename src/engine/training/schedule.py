"""Coarse to fine: which box sizes training goes through, and for how long."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Å: at 16 Å resolution a domain that swings still overlaps itself, so that gradients point the right way
COARSE_PIXEL = 8.0
LEAST_BOX = 24
STEPS = 400  # of the flow, a batch each, that a training wants: more passes than that takes bring nothing
LEAST_EPOCHS, MOST_EPOCHS = 5, 10


@dataclass(frozen=True)
class ResolutionLevel:
    """``box`` pixels for ``epochs`` passes over the images, with frequencies up to ``band`` of Nyquist."""

    box: int
    epochs: int
    band: float


def coarse_to_fine(box: int, pixel_size: float, epochs: int, band: float) -> tuple[ResolutionLevel, ...]:
    """The levels for images of ``box`` pixels: half of the epochs coarse, a fifth between, the rest at full size.

    The coarse box depends on Å and not on pixels, so that the same molecule starts alike whatever it was sampled
    at. Passes at coarse sizes cost little: a level of half the box has an eighth of the voxels.
    """
    coarse = coarsest(box, pixel_size).box
    middle = even(math.sqrt(coarse * box))
    fine = max(1, round(0.3 * epochs))
    between = max(1, round(0.2 * epochs)) if coarse < middle < box and epochs > 2 else 0
    first = epochs - fine - between
    if coarse == box or first <= 0:
        return (ResolutionLevel(box, epochs, band),)
    between_level = (ResolutionLevel(middle, between, 0.9),) if between else ()
    return (ResolutionLevel(coarse, first, 0.9), *between_level, ResolutionLevel(box, fine, band))


def epochs_for(particles: int, batch_size: int) -> int:
    """How many passes over the images a flow takes to be learned."""
    return min(max(round(STEPS * batch_size / particles), LEAST_EPOCHS), MOST_EPOCHS)


def coarsest(box: int, pixel_size: float) -> ResolutionLevel:
    """The resolution level at which training looks for its first guess, however few epochs there are."""
    return ResolutionLevel(min(box, max(LEAST_BOX, even(box * pixel_size / COARSE_PIXEL))), 1, 0.9)


def even(value: float) -> int:
    """The even whole number nearest to ``value``."""
    return 2 * round(value / 2)
