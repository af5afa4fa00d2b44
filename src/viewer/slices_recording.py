"""The movie that is recorded beside what the window does, one at a time."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from ..actions.path_actions import Movie
from ..decoder_process import Engine
from ..explore.path import LatentPath
from ..explore.playback import Playing
from ..explore.trained_model import Trained
from .slice_view import Slices
from .slices_film import planned_film, repeats
from .slices_recorder import SlicesRecorder


class Recording(QObject):
    """Of maps that ``engine`` decodes; they look as in ``slices``."""

    message = Signal(str)  # what was recorded
    failed = Signal(str)  # why nothing was

    def __init__(self, engine: Engine, slices: Slices, parent: QObject) -> None:
        super().__init__(parent)
        self._engine, self._slices = engine, slices
        self._recorder: SlicesRecorder | None = None

    @property
    def done(self) -> float | None:
        """How much of the movie there is, 0 to 1; None while none is recorded."""
        return None if self._recorder is None else self._recorder.done

    def begin(self, trained: Trained, path: LatentPath, movie: Movie) -> None:
        """Record a path, one frame for each state; ``InputError`` where that cannot be."""
        film = planned_film(self._slices, movie)
        order = Playing(1.0, repeats(film.file), movie.bounce, movie.reverse).order(len(path))

        def ended(problem: str | None) -> None:
            self._recorder = None
            if problem is None:
                self.message.emit(f"{film.file}: {len(order)} frames, {len(order) / movie.framerate:.1f} s")
            else:
                self.failed.emit(problem)

        self._recorder = SlicesRecorder(self._engine, trained, path, order, film, self._slices, self)
        self._recorder.ended.connect(ended)
        self._recorder.start()

    def stop(self) -> None:
        """Record no more, and leave no file."""
        if self._recorder is not None:
            self._recorder.cancel("movie recording was stopped.")
