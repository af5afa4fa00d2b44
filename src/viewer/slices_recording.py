"""The movie that is recorded beside what the window does, one at a time."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QObject, Signal

from ..decoder_process import Engine
from ..errors import InputError
from ..explore.path import LatentPath
from ..explore.playback import Playing
from ..explore.trained_model import Trained
from .slice_view import Slices
from .slices_film import planned_film, repeats
from .slices_recorder import SlicesRecorder


class Recording(QObject):
    """Of maps that ``engine`` decodes; they look as in ``slices``."""

    said = Signal(str)  # what was recorded
    failed = Signal(str)  # why nothing was

    def __init__(self, engine: Engine, slices: Slices, parent: QObject) -> None:
        super().__init__(parent)
        self._engine, self._slices = engine, slices
        self._recorder: SlicesRecorder | None = None

    @property
    def done(self) -> float | None:
        """How much of the movie there is, 0 to 1; None while none is recorded."""
        return None if self._recorder is None else self._recorder.done

    def begin(
        self, trained: Trained, path: LatentPath, file: Path, size: tuple[int, int] | None = None,
        framerate: float = 25.0, bounce: bool = False, reverse: bool = False, inset: bool = False,
        keep_frames: bool = False,
    ) -> None:  # fmt: skip
        """Record a path, one frame for each state; ``InputError`` where that cannot be."""
        if self._recorder is not None:
            raise InputError("a movie is being recorded already; wait, or run flexrec record stop.")
        if len(path) < 2:
            raise InputError("a movie needs two states or more, and the path has one; make a longer path.")
        film = planned_film(self._slices, file, size, framerate, inset, keep_frames)
        order = Playing(1.0, repeats(film.file), bounce, reverse).order(len(path))

        def ended(problem: str | None) -> None:
            self._recorder = None
            if problem is None:
                self.said.emit(f"{film.file}: {len(order)} frames, {len(order) / framerate:.1f} s")
            else:
                self.failed.emit(problem)

        self._recorder = SlicesRecorder(self._engine, trained, path, order, film, self._slices, self)
        self._recorder.ended.connect(ended)
        self._recorder.start()

    def stop(self) -> bool:
        """Record no more, and leave no file; False where nothing was recorded."""
        if self._recorder is None:
            return False
        self._recorder.cancel("movie recording was stopped.")
        return True
