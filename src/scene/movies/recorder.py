"""A movie of states: each is decoded, contoured, drawn and captured once, and ChimeraX encodes the frames."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from chimerax.core.commands import run
from chimerax.core.errors import UserError
from chimerax.core.session import Session
from chimerax.movie.movie import Movie

from ...atomic import atomic_path
from ...errors import InputError
from ..player import EachFrame
from ..shown_model import ShownModel
from .film import Film
from .film_camera import FilmCamera
from .inset import Inset


class StateMovie(Movie):
    """ChimeraX's movie recorder, for frames that are captured one by one.

    It captures nothing by itself; ``movie record``, ``stop``, ``encode`` … are refused until `finish`.
    """

    def __init__(self, session: Session, film: Film, folder: Path) -> None:
        image = "png" if film.frames_folder else "ppm"
        super().__init__(image, str(folder), "frame-*", film.size, film.supersample, session=session)
        self.recording = True  # ChimeraX refuses to record another one now

    def finish(self) -> None:
        """All frames are captured, or no more shall be."""
        self.recording = False

    def stop_recording(self) -> None:
        """Called by the commands movie stop, encode and reset."""
        self._refuse()

    def postprocess(self, action: str, frames: int) -> None:
        """Called by the commands movie duplicate and crossfade."""
        self._refuse()

    def _refuse(self) -> None:
        if self.recording:
            raise UserError("FlexRec is recording a movie; wait until it is there, or run flexrec record stop.")


class Recorder:
    """Records one movie, with the contour level as it is when it begins; see `FilmCamera` for the view."""

    def __init__(
        self, model: ShownModel, film: Film, states: np.ndarray, inset: Inset | None = None, spin: float = 0.0
    ) -> None:
        """``states`` ``(f, K)`` are the latent points, one for each frame; ``spin`` is in degrees altogether."""
        self.model, self.film, self.states, self.inset = model, film, states, inset
        self._session, self._view = model.session, model.session.main_view
        self._camera = FilmCamera(model.session, len(states), spin)
        self._z_before, self._z = model.z, None
        self._number, self._ready = 0, False
        self._handlers: list = []
        self._ended: Callable[[str | None], None] = lambda problem: None

    @property
    def done(self) -> float:
        """How much of the movie there is, 0 to 1."""
        return self._number / len(self.states)

    # ----- in scripts, which wait -----

    def record(self) -> None:
        """Record the whole movie before returning."""
        self._open()
        try:
            for number in range(len(self.states)):
                self._write_status(number)
                self.model.show(self.states[number])
                self._mark(number)
                self._camera.advance(number)
                run(self._session, "wait 1", log=False)
                self._movie.capture_image()
            self._encode()
        finally:
            self._close()

    # ----- in a window, frame by frame -----

    def start(self, ended: Callable[[str | None], None]) -> None:
        """Record between frames; ``ended`` is called with what went wrong, or None."""
        self._ended = ended
        self._open()
        self._handlers = [
            EachFrame(self._session, self._check, lambda: self.cancel("movie recording was stopped.")),
            self._session.triggers.add_handler("frame drawn", self._drawn),
        ]
        self._next()

    def cancel(self, why: str) -> None:
        """Stop recording, without a file."""
        if self._handlers:
            self._close()
            self._ended(why)

    def _next(self) -> None:
        self._write_status(self._number)
        self.model.show(self.states[self._number], self._arrived, lambda error: self.cancel(str(error)))
        self._z = self.model.z

    def _arrived(self) -> None:
        if self._handlers:
            self._mark(self._number)
            self._camera.advance(self._number)
            self._ready, self._view.redraw_needed = True, True

    def _check(self) -> None:
        if self.model.deleted:
            self.cancel("the model was closed while its movie was recorded.")
        elif self.model.z is not self._z:
            self.cancel("another state was shown while a movie was recorded; record it again.")
        elif getattr(self._session, "movie", None) is not self._movie:
            self.cancel("another movie command ended the recording.")

    def _drawn(self, *_) -> None:
        if not self._ready:
            return
        self._ready = False
        self._movie.capture_image()
        self._number += 1
        if self._number < len(self.states):
            self._next()
            return
        problem = None
        try:
            self._encode()
        except (InputError, OSError) as error:
            problem = str(error)
        self._close()
        self._ended(problem)

    # ----- both -----

    def _open(self) -> None:
        film = self.film
        self._folder = film.frames_folder or Path(tempfile.mkdtemp(prefix="flexrec-"))
        self._folder.mkdir(exist_ok=True)
        self.model.pause()
        self._contour_in_thread(False)
        if self.inset is not None:
            self.inset.show(film.size)
        self._movie = self._session.movie = StateMovie(self._session, film, self._folder)
        self._camera.start()

    def _contour_in_thread(self, threaded: bool) -> None:
        if self.model.map is not None:
            self.model.map.contours_in_thread = threaded

    def _write_status(self, number: int) -> None:
        self._session.logger.status(f"Recording frame {number + 1} of {len(self.states)}")

    def _mark(self, number: int) -> None:
        if self.inset is not None:
            self.inset.mark(self.states[number])

    def _encode(self) -> None:
        from chimerax.core.logger import StringPlainTextLog
        from chimerax.movie.moviecmd import movie_encode

        film = self.film
        self._session.logger.status(f"Encoding {film.file.name} …")
        self._movie.finish()
        with atomic_path(film.file) as temporary:
            with StringPlainTextLog(self._session.logger) as log:
                movie_encode(
                    self._session, output=[str(temporary)], framerate=film.framerate, quality=film.quality,
                    reset_mode="keep",
                )  # fmt: skip
            if not temporary.is_file() or not temporary.stat().st_size:
                raise InputError(f"{film.file}: ffmpeg wrote no movie ({log.getvalue().strip()[-300:]}).")

    def _close(self) -> None:
        handlers, self._handlers = self._handlers, []
        for handler in handlers:
            handler.end() if isinstance(handler, EachFrame) else handler.remove()
        self._movie.finish()
        self._camera.release()
        if getattr(self._session, "movie", None) is self._movie:
            self._movie.resetRecorder(clearFrames=False, status=False)
        if self.film.frames_folder is None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self.inset is not None:
            self.inset.close()
        if not self.model.deleted:
            self._contour_in_thread(True)
            if self._z is None or self.model.z is self._z:
                self.model.show(self._z_before)
