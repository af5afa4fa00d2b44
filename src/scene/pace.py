"""Whether what follows the hand has to be drawn lighter: pictures took too long, one after the other."""

from __future__ import annotations

SLOW = 0.034  # seconds to draw a picture that are too many: above what a screen of 30 Hz makes it wait
QUICK = 0.025  # seconds that are few enough to draw all again
PATIENCE = 3  # slow pictures in a row: one alone may be new to the graphics card


class Pace:
    """Told of every picture that is drawn, says whether the next ones shall be ``light``.

    It never goes back while the hand moves, for how long the full picture takes cannot be known from light ones: so
    nothing flickers. When the hand rests the full picture is drawn anyway, and tells.
    """

    def __init__(self) -> None:
        self.light = False
        self._slow = 0

    def moved(self, seconds: float) -> None:
        """A picture was drawn while the hand moved."""
        self._slow = self._slow + 1 if seconds > SLOW else 0
        if self._slow >= PATIENCE:
            self.light = True

    def rested(self, seconds: float) -> None:
        """A full picture was drawn while the hand rested."""
        self._slow = 0
        if seconds < QUICK:
            self.light = False
