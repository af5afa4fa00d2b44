"""The two halves of a set of particles, which share no image."""

from __future__ import annotations

import numpy as np


def sides(half: np.ndarray, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``(m,)`` int8: 1 or 2 for each particle, the same for all that are copies of one image.

    Parameters
    ----------
    half : (m,) what the particle file says: 1 or 2, 0 where it says nothing. It is kept; of copies, the first counts.
    image : (m,) any integers, equal for copies of one image. Images of unknown half are divided evenly, at random.
    """
    if len(half) == 0:
        return np.zeros(0, np.int8)
    given = together(half, image)
    _, number = np.unique(image, return_inverse=True)
    drawn = 1 + rng.permutation(int(number.max()) + 1) % 2
    return np.where(given > 0, given, drawn[number.ravel()]).astype(np.int8)


def together(half: np.ndarray, image: np.ndarray) -> np.ndarray:
    """``half`` ``(m,)`` with each copy of an ``image`` in the half of its first copy that has one, 0 where none has."""
    known = np.flatnonzero(half > 0)
    images, first = np.unique(image[known], return_index=True)
    if len(images) == 0:
        return half
    place = np.minimum(np.searchsorted(images, image), len(images) - 1)
    return np.where(images[place] == image, half[known[first[place]]], half)


def divided(half: np.ndarray) -> np.ndarray:
    """``half`` ``(m,)``, or zeros where nothing is in one of the halves: particles of one half are not divided yet."""
    return half if (half == 1).any() and (half == 2).any() else np.zeros_like(half)


def held_out(side: np.ndarray, image: np.ndarray, share: float, most: int, rng: np.random.Generator) -> np.ndarray:
    """``(m,)`` bool: particles that are left out of either half, with all copies of their images.

    Parameters
    ----------
    side, image : (m,) as `sides` gives and takes them.
    share, most : of the images of either half, how large a share, and how many of both together, are left out.
    """
    chosen = []
    for half in (1, 2):
        images = rng.permutation(np.unique(image[side == half]))
        chosen.append(images[: min(round(share * len(images)), most // 2)])
    return np.isin(image, np.concatenate(chosen))
