"""The numbers by which it is judged whether a motion is real; None is what has not been measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

_ALIKE = 0.05  # of the largest motion of a part: what parts may differ by and be said to move alike


@dataclass(frozen=True)
class HeldOut:
    """What motion explains of images that were not fitted.

    Attributes
    ----------
    gain : nats per image over the rigid map; below 0 where the rigid map explains them better. error : standard error.
    resolution : Å, up to which the gain is more than noise; None where that is not known.
    """

    gain: float
    error: float
    resolution: float | None = None


@dataclass(frozen=True)
class Agreement:
    """How two models of independent halves of the particles agree on the motion of the same images.

    Attributes
    ----------
    difference, motion : Å r.m.s., between the two models and of the motion itself.
    parts : the same pairs ``(difference, motion)`` within each part of the mesh; may be empty.
    """

    difference: float
    motion: float
    parts: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Gain:
    """What a motion explains of the images that it was fitted to, and how large it is.

    Attributes
    ----------
    gain : nats per image over the same map held rigid. error : standard error over the images. motion : Å r.m.s.
    """

    gain: float
    error: float
    motion: float


@dataclass(frozen=True)
class NullTest:
    """The same training, in so many latent dimensions, of the real images and of images of a rigid molecule."""

    real: Gain
    rigid: Gain
    latent_dims: int


@dataclass(frozen=True)
class MotionNumbers:
    """All that is known of a motion.

    Attributes
    ----------
    motion : Å r.m.s. after the best rigid placement; None of a model that moves nothing.
    parts : of each part of the mesh against the others: see `bending.MotionSize`. labels : what a person calls these
    parts; 1, 2, … where there are none.
    """

    motion: float | None
    parts: tuple[float, ...] = ()
    held_out: HeldOut | None = None
    agreement: Agreement | None = None
    null: NullTest | None = None
    labels: tuple[int, ...] = ()

    @property
    def most(self) -> tuple[tuple[int, ...], float] | None:
        """Labels of the parts that move most, and the largest Å of them; None where there are no parts.

        Parts within a twentieth of the most move alike: of two parts, each sees the other move about as far, and which
        of them is ahead is chance.
        """
        if len(self.parts) < 2:
            return None
        most = max(self.parts)
        alike = [place for place, size in enumerate(self.parts) if size >= (1 - _ALIKE) * most]
        return tuple(part_label(place, self.labels) for place in alike), most


def part_label(place: int, labels: tuple[int, ...]) -> int:
    """What a person calls the part at a place, from 0."""
    return labels[place] if place < len(labels) else place + 1


def is_number(value: object) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
