"""How much of a map is signal, by its half-maps' Fourier shell correlation."""

from __future__ import annotations

import numpy as np


def signal_share(fsc: np.ndarray) -> np.ndarray:
    """The signal's share ``(s,)`` of the power of the mean of two halves, from their correlation ``(s,)`` by shell.

    2 FSC / (1 + FSC) (Rosenthal & Henderson 2003): the Wiener filter of that mean; its square root is the correlation
    to be expected with the true map. The FSC is smoothed over three shells, and beyond the first that is then below
    0.02 nothing is signal.
    """
    padded = np.pad(np.asarray(fsc, np.float64), 1, mode="edge")
    smooth = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    smooth[:2] = fsc[:2]
    kept = np.cumprod(smooth > 0.02)
    smooth = np.clip(smooth, 0, 1)
    return kept * 2 * smooth / (1 + smooth)
