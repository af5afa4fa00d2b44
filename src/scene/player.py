"""Playing a model's path: by time in a window, state by state in scripts and movies."""

from __future__ import annotations

import time
from collections.abc import Callable

from chimerax.core.commands.motion import CallForNFrames
from chimerax.core.session import Session

from ..decoder_process import EngineError
from ..errors import InputError
from ..explore.path import LatentPath
from ..explore.playback import Playing
from .decoding import waits
from .moving.dragging import Dragging
from .shown_model import ShownModel


class Player:
    """Moves one model along its path. `place` runs from 0, the first state, to 1, the last."""

    def __init__(self, model: ShownModel, dragging: Dragging) -> None:
        self._model, self._dragging = model, dragging
        self._motion: EachFrame | None = None
        self.place = 0.0

    @property
    def playing(self) -> bool:
        """Whether it moves now."""
        return self._motion is not None

    def play(self, how: Playing) -> None:
        """Play from where it rests, or from the beginning where it is at the end or the path is another one.

        In a window it returns at once: the contour and all that follows move by time, whatever the frame rate, and the
        true map is decoded where it ends. While ``movie record`` is on, each frame is the next state with its true map,
        however long that takes. Without a window each state of one round is decoded and drawn before it returns.
        """
        self.leave()
        path = self._model.current_path
        self._model.point_status.move()
        if waits(self._model.session):
            self._step_through(path, how)
            return
        session, order = self._model.session, how.order(len(path))
        frame: int | None = None  # the number of the last frame in ``order``; None while it moves by time
        started = self._start_time(how)

        def move() -> None:
            nonlocal frame, started
            if is_recorded(session):
                frame = self._first_frame(order, len(path)) if frame is None else frame + 1
                self._show_frame(path, order, frame, how.loop)
            else:
                started, frame = self._start_time(how) if frame is not None else started, None
                self._move(path, how, time.monotonic() - started)

        self._dragging.prepare()
        self._motion = EachFrame(session, move, self.pause)
        self._model.notify_listeners()

    def _start_time(self, how: Playing) -> float:
        """The time at which it would have started to be now at `place`; now, where it is at the end."""
        elapsed = how.time_of(self.place)
        return time.monotonic() - (elapsed if elapsed < how.seconds else 0.0)

    def _move(self, path: LatentPath, how: Playing, elapsed: float) -> None:
        self.place = how.place(elapsed)
        self._model.drag(path.point(self.place))
        if how.ended(elapsed):
            self.pause()

    def _first_frame(self, order: list[int], states: int) -> int:
        """The frame from which it goes on: of the state where it rests, or the beginning where it is at the end."""
        frame = order.index(round(self.place * (states - 1)))
        return 0 if frame == max(order.index(0), order.index(states - 1)) else frame

    def _show_frame(self, path: LatentPath, order: list[int], frame: int, loop: bool) -> None:
        """The state of one frame, truly decoded before it is drawn."""
        if frame >= len(order) and not loop:
            self.pause()
            return
        number = order[frame % len(order)]
        self.place = number / max(len(path) - 1, 1)
        try:
            with self._model.session.in_script:  # so that it waits
                self._model.show(path.z[number])
        except (InputError, EngineError) as error:
            self.leave()
            self._model.complain(error)
        self._model.session.main_view.redraw_needed = True  # a state that looks alike is a frame too

    def pause(self) -> None:
        """Rest here, with the true map."""
        if self.playing:
            self.leave()
            if not self._model.deleted:
                self._model.show(self._model.z)
                self._model.point_status.rest(self._model.z)

    def stop(self) -> None:
        """Rest here; the next play starts at the beginning."""
        self.pause()
        self.place = 0.0
        self._model.notify_listeners()

    def scrub(self, place: float) -> None:
        """Show the state at a place, from 0 to 1."""
        self.leave()
        path = self._model.current_path
        self.place = place
        self._model.show(path.point(place))

    def leave(self) -> None:
        """Stop without the true map: a drag or a command shows another point, or the model is closed."""
        if self._motion is not None:
            motion, self._motion = self._motion, None
            motion.end()
            self._model.notify_listeners()

    def _step_through(self, path: LatentPath, how: Playing) -> None:
        from chimerax.core.commands import run

        for number in how.order(len(path)):
            if self._model.deleted:
                return
            self.place = number / max(len(path) - 1, 1)
            self._model.show(path.z[number])
            run(self._model.session, "wait 1", log=False)
        self._model.point_status.rest(self._model.z)


def is_recorded(session: Session) -> bool:
    """Whether ChimeraX's ``movie record`` captures each picture that is drawn."""
    movie = getattr(session, "movie", None)
    return movie is not None and movie.is_recording()


class EachFrame(CallForNFrames):
    """Calls ``move`` at each new frame until `end`, or until ChimeraX's command ``stop``, which calls ``stopped``."""

    def __init__(self, session: Session, move: Callable[[], None], stopped: Callable[[], None]) -> None:
        self._stopped, self._ended = stopped, False
        super().__init__(lambda *_: move(), self.Infinite, session)

    def end(self) -> None:
        """Stop calling."""
        if not self._ended:
            self._ended = True
            super().done()

    def done(self) -> None:
        """What the command ``stop`` calls."""
        if not self._ended:
            self.end()
            self._stopped()
