"""Shells of particles about a state, from the nearest outwards, and kernels of any width as weights of the shells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

OUTSIDE = -1  # the shell of particles that do not count
SHELLS = 12  # about every state
NARROWEST = 60  # particles of the innermost shell
_LEAST = 1e-6  # of the farthest shell's squared distance: the square of the least width
TEST_SHELLS = 3  # nearest shells, whose images judge which kernel is best


@dataclass(frozen=True, eq=False)
class KernelShells:
    """The particles about one state.

    Attributes
    ----------
    shell : ``(n,)`` int8 of each particle, 0 the nearest, `OUTSIDE` where it does not count.
    square : ``(s,)`` mean squared distance of each shell's particles, ascending.
    power : ``(s, 2)`` sums over each shell of the particles' weights, and of their squares.
    """

    shell: np.ndarray
    square: np.ndarray
    power: np.ndarray

    @property
    def widths(self) -> np.ndarray:
        """``(w,)``: distances at which kernels end, each between two shells, the last far beyond all.

        The narrowest holds the shells that judge: among themselves these cannot tell states apart. None is 0, where
        many particles have one and the same place, as those of a class do: it then holds these alone.
        """
        between = (self.square[TEST_SHELLS - 1 : -1] + self.square[TEST_SHELLS:]) / 2
        least = _LEAST * self.square[-1] if self.square[-1] > 0 else 1.0
        return np.sqrt(np.maximum(np.append(between, 4 * self.square[-1]), least))

    def weights(self, width: float) -> np.ndarray:
        """``(s,)``: how far the particles of each shell count, 1 − d² / width² and nothing beyond (Epanechnikov)."""
        return np.maximum(1 - self.square / width**2, 0)

    def effective(self, width: float) -> float:
        """How many particles a kernel is worth: (Σ w)² / Σ w² (Kish 1965)."""
        kernel = self.weights(width)
        return float((kernel @ self.power[:, 0]) ** 2 / max(kernel**2 @ self.power[:, 1], 1e-30))


def kernel_shells(square: np.ndarray, weight: np.ndarray) -> KernelShells:
    """Shells of particles at squared distances ``(n,)`` that count ``weight`` ``(n,)``; 0: not at all.

    The nearest holds a hundredth of the particles, and `NARROWEST` at least; each further one makes the number inside
    it larger by the same factor.
    """
    order = np.argsort(square, kind="stable")
    order = order[weight[order] > 0]
    narrow = min(max(NARROWEST, len(order) // 100), len(order))
    ends = np.unique(np.geomspace(narrow, len(order), SHELLS).round().astype(int))
    shell = np.full(len(square), OUTSIDE, np.int8)
    parts = np.split(order, ends[:-1])
    for number, rows in enumerate(parts):
        shell[rows] = number
    power = np.array([[weight[rows].sum(), (weight[rows] ** 2).sum()] for rows in parts])
    return KernelShells(shell, np.array([square[rows].mean() for rows in parts]), power)
