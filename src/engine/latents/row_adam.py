"""Adam for a table of which a batch has some rows.

A row's moments and its count of steps are its own: a row that is in no batch stays where it is, and the first step of
each is as long as any (torch's SparseAdam counts the steps of all rows together). A row takes some ten steps in a
training, so moments are remembered over fewer than is usual for weights, which take thousands.
"""

from __future__ import annotations

import torch

MEMORY, SQUARE_MEMORY = 0.5, 0.9  # β₁ and β₂ of Kingma & Ba 2015
LEAST = 1e-8


class RowAdam:
    """Moments ``(n, m)`` of the gradients of ``rows`` rows of ``columns`` numbers, and steps ``(n,)`` taken of each."""

    def __init__(self, rows: int, columns: int, device: str | torch.device) -> None:
        self.mean, self.square = (torch.zeros(rows, columns, device=device) for _ in range(2))
        self.steps = torch.zeros(rows, device=device)

    def step(self, rows: torch.Tensor, gradient: torch.Tensor, rate: float) -> torch.Tensor:
        """What is to be added to ``rows`` ``(b,)`` by their ``gradient`` ``(b, m)``: ``(b, m)``."""
        self.steps[rows] += 1
        self.mean[rows] = MEMORY * self.mean[rows] + (1 - MEMORY) * gradient
        self.square[rows] = SQUARE_MEMORY * self.square[rows] + (1 - SQUARE_MEMORY) * gradient**2
        taken = self.steps[rows, None]
        mean, square = self.mean[rows] / (1 - MEMORY**taken), self.square[rows] / (1 - SQUARE_MEMORY**taken)
        return -rate * mean / (square.sqrt() + LEAST)

    def arrays(self) -> dict[str, torch.Tensor]:
        """All that the next step depends on."""
        return {"mean": self.mean, "square": self.square, "steps": self.steps}

    def take(self, arrays: dict[str, torch.Tensor]) -> None:
        """Be as `arrays` was."""
        self.mean, self.square, self.steps = arrays["mean"], arrays["square"], arrays["steps"]
