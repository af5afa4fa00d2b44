"""ChimeraX's movie recorder, for frames that are captured one by one: its other commands wait until that is over."""

from __future__ import annotations

from pathlib import Path

from chimerax.core.errors import UserError
from chimerax.movie.movie import Movie

from .film import Film


class StateMovie(Movie):
    """Captures nothing by itself; ``movie record``, ``stop``, ``encode`` … are refused until `finish`."""

    def __init__(self, session, film: Film, folder: Path) -> None:
        image = "png" if film.frames_folder else "ppm"
        super().__init__(image, str(folder), "frame-*", film.size, film.supersample, session=session)
        self.recording = True  # ChimeraX refuses to record another one meanwhile

    def finish(self) -> None:
        """All frames are captured, or no more shall be."""
        self.recording = False

    def stop_recording(self) -> None:
        """Asked by the commands movie stop, encode and reset."""
        self._refuse()

    def postprocess(self, action: str, frames: int) -> None:
        """Asked by the commands movie duplicate and crossfade."""
        self._refuse()

    def _refuse(self) -> None:
        if self.recording:
            raise UserError("FlexRec is recording a movie; wait until it is there, or run flexrec record stop.")
