"""What a training asks of its images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Judged:
    """What images are judged by: whether they are particles (``members``), how strong their signals are (``scales``).
    """

    members: bool
    scales: bool

    @property
    def anything(self) -> bool:
        """Whether there is anything to judge."""
        return self.members or self.scales
