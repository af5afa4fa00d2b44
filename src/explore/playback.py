"""When which state of a path is shown: by time on a screen, one by one in a movie."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError

MOST_FRAMES = 10_000  # of a path


@dataclass(frozen=True)
class Playing:
    """How a path is played.

    Attributes
    ----------
    seconds : from one end to the other. loop : again and again. bounce : back again to where it began.
    reverse : from the last state to the first.
    """

    seconds: float
    loop: bool = False
    bounce: bool = False
    reverse: bool = False

    @classmethod
    def of(cls, states: int, speed: float | None, seconds: float | None, **how: bool) -> Playing:
        """So many ``states`` at ``speed`` a second, ten if nothing is said, or in ``seconds`` altogether."""
        if speed is not None and seconds is not None:
            raise InputError("speed and seconds exclude each other; give one.")
        return cls(seconds or max(states - 1, 1) / (speed or 10.0), **how)

    @property
    def round(self) -> float:
        """Seconds until it ends, or begins again."""
        return self.seconds * (2 if self.bounce else 1)

    def place(self, elapsed: float) -> float:
        """Where it is after so many seconds: from 0, the first state, to 1, the last."""
        elapsed = elapsed % self.round if self.loop else min(elapsed, self.round)
        way = elapsed / self.seconds
        way = 2 - way if way > 1 else way
        return 1 - way if self.reverse else way

    def ended(self, elapsed: float) -> bool:
        """Whether it is over; never, where it loops."""
        return not self.loop and elapsed >= self.round

    def time_of(self, place: float) -> float:
        """Seconds after which it first is at a place."""
        return self.seconds * (1 - place if self.reverse else place)

    def order(self, states: int) -> list[int]:
        """The states of one round, by number from 0; where it bounces to loop, the first is not shown twice."""
        there = list(range(states))[:: -1 if self.reverse else 1]
        back = there[-2 : 0 if self.loop else None : -1] if self.bounce else []
        return there + back
