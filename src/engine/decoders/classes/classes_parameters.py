"""What the classes decoder can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from ...training.judged import JudgedParameters


@dataclass(frozen=True)
class ClassesParameters(JudgedParameters):
    """Several maps, one more than there are latent dimensions."""
