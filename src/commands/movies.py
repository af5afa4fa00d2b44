"""``flexrec record``: the path as a movie."""

from __future__ import annotations

from pathlib import Path

from chimerax.core.commands import BoolArg, CmdDesc, EnumOf, Int2Arg, SaveFileNameArg

from ..errors import InputError
from ..explore.playback import Playing
from ..scene.decoding import waits
from ..scene.movies.film import planned_film
from ..scene.movies.inset import Inset
from ..scene.movies.recorder import Recorder
from ..scene.scene_model import FlexRecModel
from .arguments import NumberArg, model_keyword, the_model, whole

QUALITIES = ("low", "fair", "medium", "good", "high", "higher", "highest")


def flexrec_record(
    session, file: str, size: tuple[int, int] | None = None, supersample: int = 1, framerate: float = 25.0,
    quality: str = "good", bounce: bool = False, reverse: bool = False, inset: bool = False, keep_frames: bool = False,
    spin: float = 0.0, model: FlexRecModel | None = None,
) -> Path:  # fmt: skip
    """Record the path: one frame for each state, each truly decoded, at the contour level as it is.

    The camera stands, spins by so many degrees in all, or moves on as the scene does (turn, roll, rock …), a step for
    each frame.

    In scripts the movie is there when the command returns; in a window it is recorded while the window lives.
    """
    model = the_model(session, model)
    path = model.current_path
    if len(path) < 2:
        raise InputError("a movie needs two states or more, and the path has one; make a longer path.")
    if model.recorder is not None:
        raise InputError(f"{model.name} is being recorded already; wait, or run flexrec record stop.")
    film = planned_film(session, Path(file), size, supersample, framerate, quality, keep_frames)
    order = Playing.of(len(path), None, None, bounce=bounce, reverse=reverse).order(len(path))
    recorder = Recorder(model, film, path.z[order], Inset(session, model.trained, path) if inset else None, spin)
    said = f"{film.file}: {len(order)} frames, {len(order) / framerate:.1f} s"
    if waits(session):
        recorder.record()
        session.logger.status(said)
        session.logger.info(said)
        return film.file

    def ended(problem: str | None) -> None:
        model.recorder = None
        if problem is None:
            session.logger.info(said)
            session.logger.status(said)
        else:
            session.logger.warning(f"FlexRec: {problem}")

    model.recorder = recorder
    recorder.start(ended)
    return film.file


def flexrec_record_stop(session, model: FlexRecModel | None = None) -> None:
    """Record no more, and leave no file."""
    model = the_model(session, model)
    if model.recorder is None:
        raise InputError(f"no movie of {model.name} is being recorded.")
    model.recorder.cancel("movie recording was stopped.")


def commands() -> list[tuple]:
    """Words, description and function of each."""
    return [
        ("record", CmdDesc(
            required=[("file", SaveFileNameArg)],
            keyword=[("size", Int2Arg), ("supersample", whole(1, 8)),
                     ("framerate", NumberArg(0.1, 240)), ("quality", EnumOf(QUALITIES)), ("bounce", BoolArg),
                     ("reverse", BoolArg), ("inset", BoolArg), ("keep_frames", BoolArg),
                     ("spin", NumberArg(-36_000, 36_000)), model_keyword()],
            synopsis="Record the path as a movie"), flexrec_record),
        ("record stop", CmdDesc(keyword=[model_keyword()], synopsis="Stop recording"), flexrec_record_stop),
    ]  # fmt: skip
