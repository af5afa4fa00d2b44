"""Whether a drag needs lighter pictures: full ones took too long, one after the other. Knows no ChimeraX."""

from __future__ import annotations

SLOW = 0.034  # seconds to draw a picture that are too many: above what a screen of 30 Hz makes it wait
QUICK = 0.025  # seconds that are few enough to draw all again
PATIENCE = 2  # slow pictures in a row: one alone may be new to the graphics card


class FrameRate:
    """From the time that each full picture took, says whether pictures shall be ``light`` during a drag.

    Light pictures do not tell how long a full one takes, so that nothing flickers: the full picture that is drawn when
    the drag ends does.
    """

    def __init__(self) -> None:
        self.light = False
        self._slow = 0

    def add(self, seconds: float) -> None:
        """A full picture was drawn."""
        self._slow = self._slow + 1 if seconds > SLOW else 0
        if self._slow >= PATIENCE:
            self.light = True
        elif seconds < QUICK:
            self.light = False
