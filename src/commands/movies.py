"""The path as a movie of the view, here and now or beside what the window does."""

from __future__ import annotations

from pathlib import Path

from ..actions.path_actions import Movie
from ..explore.path import LatentPath
from ..explore.playback import Playing
from ..scene.decoding import waits
from ..scene.movies.film import planned_film
from ..scene.movies.inset import Inset
from ..scene.movies.recorder import Recorder
from ..scene.scene_model import FlexRecModel


def record(session, model: FlexRecModel, path: LatentPath, movie: Movie) -> Path:
    """Record a path, one frame for each state; returns the movie's file.

    In scripts the movie is there when this returns; in a window it is recorded while the window lives.
    """
    film = planned_film(
        session, movie.file, movie.size, movie.supersample, movie.framerate, movie.quality, movie.keep_frames
    )
    order = Playing.of(len(path), None, None, bounce=movie.bounce, reverse=movie.reverse).order(len(path))
    inset = Inset(session, model.trained, path) if movie.inset else None
    recorder = Recorder(model, film, path.z[order], inset, movie.spin)
    sentence = f"{film.file}: {len(order)} frames, {len(order) / movie.framerate:.1f} s"
    if waits(session):
        recorder.record()
        session.logger.status(sentence)
        session.logger.info(sentence)
        return film.file

    def ended(problem: str | None) -> None:
        model.recorder = None
        if problem is None:
            session.logger.info(sentence)
            session.logger.status(sentence)
        else:
            session.logger.warning(f"FlexRec: {problem}")

    model.recorder = recorder
    recorder.start(ended)
    return film.file

