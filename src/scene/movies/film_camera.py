"""The camera of a movie: it is fixed, spins, or moves as the scene does, by the same step for every frame."""

from __future__ import annotations

from collections.abc import Callable

from chimerax.core.commands.motion import CallForNFrames
from chimerax.core.session import Session
from chimerax.geometry import rotation

from ..player import EachFrame


class FilmCamera:
    """Moves the camera by frames of a movie, in a window too, where many pictures are drawn for each frame.

    Motions that are under way in the scene when it begins (ChimeraX's turn, roll, move, rock …) make one step for each
    frame of the movie, and go on by themselves afterwards.
    """

    def __init__(self, session: Session, frames: int, spin: float = 0.0) -> None:
        """``spin`` is in degrees, in all, about the vertical through the middle of what is seen.

        Whole turns end a step before they would be where they began, so that no frame of a round movie is doubled.
        """
        self._session, self._view = session, session.main_view
        self._begin = self._place = self._view.camera.position
        bounds = self._view.drawing_bounds()
        self._centre = self._view.center_of_rotation if bounds is None else bounds.center()
        steps = frames if spin % 360 == 0 else max(frames - 1, 1)
        self._spin, self._step = spin, spin / steps
        self._motions: list[CallForNFrames] = []

    def start(self) -> None:
        """From now on all moves with the frames of the movie."""
        for motion in list(getattr(self._session, CallForNFrames.Attribute, ())):
            if not isinstance(motion, EachFrame):
                self._listen(motion, lambda *_: None)
                self._motions.append(motion)

    def advance(self, number: int) -> None:
        """Put the camera where it is in frame ``number``, from 0; called once for each, in their order."""
        camera = self._view.camera
        camera.position = self._place  # wherever the user has put it since
        if number > 0:
            for motion in self._running:
                motion()
            if self._spin:
                vertical = camera.position.axes()[1]
                camera.position = rotation(vertical, -self._step, self._centre) * camera.position
        self._place = camera.position

    def release(self) -> None:
        """The scene's motions go on by themselves; a camera that only spun is back where it began."""
        for motion in self._running:
            self._listen(motion, motion)
        if self._spin and not self._motions:
            self._view.camera.position = self._begin
        self._motions = []

    @property
    def _running(self) -> list[CallForNFrames]:
        running = getattr(self._session, CallForNFrames.Attribute, ())
        return [motion for motion in self._motions if motion in running]

    def _listen(self, motion: CallForNFrames, action: Callable[..., object]) -> None:
        triggers = self._session.triggers
        triggers.remove_handler(motion.handler)
        motion.handler = triggers.add_handler("new frame", action)
