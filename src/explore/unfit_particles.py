"""Which images fit no state of a model: by how strong they are of the model's image, and what that leaves over."""

from __future__ import annotations

import numpy as np

DEVIATIONS = 4.5  # of a normal distribution, once in 150,000 images on one side


def unfit(scale: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """``(n,)`` bool: the images that fit worse than the spread of most makes likely.

    Parameters
    ----------
    scale : (n,) of the model's image that fits each image best, 1 for a perfect particle of mean signal.
    excess : (n,) misfit beyond noise that is left at that scale, in standard deviations of noise.

    The middle and the spread are the median and the median deviation (times 1.48, as of a normal distribution), which
    junk of less than half of all images moves little.
    """
    return (_deviations(scale) < -DEVIATIONS) | (_deviations(excess) > DEVIATIONS)


def _deviations(values: np.ndarray) -> np.ndarray:
    middle = np.median(values)
    return (values - middle) / max(1.4826 * float(np.median(np.abs(values - middle))), 1e-9)
