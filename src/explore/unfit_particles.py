"""Which images fit no state of a model: by how strong they are of the model's image, and what that leaves over."""

from __future__ import annotations

import numpy as np

DEVIATIONS = 4.5  # of a normal distribution, once in 150,000 images on one side
ABSENT = 0.3  # of the particles' scale: what is weaker shows no molecule, what is stronger may lack a part


def unfit(scale: np.ndarray, excess: np.ndarray, particle: np.ndarray) -> np.ndarray:
    """``(n,)`` bool: the images that are no particles, or fit worse than the spread of particles makes likely.

    Parameters
    ----------
    scale : (n,) of the model's image that fits each image best, 1 for a perfect particle of mean signal.
    excess : (n,) misfit beyond noise that is left at that scale, in standard deviations of noise.
    particle : (n,) bool, those that are particles as far as a mixture of clouds tells. Where many images are none, or
        poses are wrong, the spread of all is so wide that nothing is far from its middle.

    The middle and the spread are the median and the median deviation (times 1.48, as of a normal distribution) of the
    particles.
    """
    weak = (_deviations(scale, particle) < -DEVIATIONS) & (scale < ABSENT * np.median(scale[particle]))
    return ~particle | weak | (_deviations(excess, particle) > DEVIATIONS)


def _deviations(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    middle = np.median(values[among])
    return (values - middle) / max(1.4826 * float(np.median(np.abs(values[among] - middle))), 1e-9)
