"""``flexrec path …`` and ``flexrec morph``: the path that is played and recorded."""

from __future__ import annotations

from pathlib import Path

from chimerax.core.commands import (
    BoolArg,
    CmdDesc,
    ListOf,
    OpenFileNameArg,
    RepeatOf,
    SaveFileNameArg,
    StringArg,
)

from ..errors import InputError
from ..explore.make_path import describe_path, make_path, write_path
from ..explore.path import MOST_FRAMES, LatentPath
from ..explore.path_lines import FRAMES
from ..scene.scene_model import FlexRecModel
from .arguments import AnchorArg, NumberArg, model_keyword, the_model, whole
from .playing import HOW, flexrec_play

_FRAMES = ("frames", whole(2, MOST_FRAMES))
_STATES = [_FRAMES, ("in_angstroms", BoolArg), ("name", StringArg), ("output", SaveFileNameArg)]


def flexrec_path(session, axis: str | None = None, model: FlexRecModel | None = None, **options) -> LatentPath:
    """Say what the path is, or make it one along an axis: z1, pc2."""
    model = the_model(session, model)
    if axis is not None:
        return _along(session, model, axis, **options)
    if options:
        raise InputError("a path along what? Name an axis too, such as flexrec path pc1.")
    path = model.current_path
    session.logger.info(describe_path(model.trained, path))
    return path


def flexrec_path_pc(session, number: int, model: FlexRecModel | None = None, **options) -> LatentPath:
    """Along a principal component of the motion, the strongest being 1."""
    return _along(session, the_model(session, model), f"pc{number}", **options)


def flexrec_path_z(session, number: int, model: FlexRecModel | None = None, **options) -> LatentPath:
    """Along a latent axis, counted from 1."""
    return _along(session, the_model(session, model), f"z{number}", **options)


def flexrec_path_through(session, points: list[str], model: FlexRecModel | None = None, **options) -> LatentPath:
    """Straight from point to point."""
    return _made(session, the_model(session, model), {"through": ";".join(points)}, **options)


def flexrec_path_graph(session, points: list[str], model: FlexRecModel | None = None, **options) -> LatentPath:
    """From point to point over neighbouring particles."""
    return _made(session, the_model(session, model), {"graph": ";".join(points)}, **options)


def flexrec_path_points(session, file: str, model: FlexRecModel | None = None, **options) -> LatentPath:
    """The points of a file, in their order."""
    return _made(session, the_model(session, model), {"points": Path(file).expanduser()}, **options)


def flexrec_morph(
    session, first: str, last: str, frames: int = FRAMES, speed: float | None = None, seconds: float | None = None,
    loop: bool = False, bounce: bool = False, in_angstroms: bool = False, model: FlexRecModel | None = None,
) -> LatentPath:  # fmt: skip
    """From state to state, through the states that the model has between them; played at once."""
    model = the_model(session, model)
    path = _made(session, model, {"through": f"{first};{last}"}, frames, in_angstroms, f"morph {first} {last}")
    flexrec_play(session, speed=speed, seconds=seconds, loop=loop, bounce=bounce, model=model)
    return path


def _along(session, model, axis, frames=None, range=(5.0, 95.0), at=None, **options) -> LatentPath:  # noqa: A002
    if len(range) != 2:
        raise InputError("range is two percentiles of the particles, such as 5,95.")
    return _made(session, model, {"axis": axis, "percentiles": tuple(range), "at": at}, frames, **options)


def _made(
    session, model: FlexRecModel, how: dict, frames: int | None = None, in_angstroms: bool = False,
    name: str | None = None, output: str | None = None,
) -> LatentPath:  # fmt: skip
    path = make_path(model.trained, frames=frames, in_angstroms=in_angstroms, **how)
    if name is not None:
        path = LatentPath(path.z, name, path.kind)
    if output is not None:
        write_path(model.trained, path, output)
    model.path = path
    session.logger.info(describe_path(model.trained, path))
    return path


def commands() -> list[tuple]:
    """Words, description and function of each."""
    states = [*_STATES, model_keyword()]
    axis = [("range", ListOf(NumberArg(0, 100))), ("at", AnchorArg), *states]
    points = {"required": [("points", RepeatOf(AnchorArg))], "keyword": states}
    return [
        ("path", CmdDesc(
            optional=[("axis", StringArg)], keyword=axis,
            synopsis="Say what the path is, or make one along an axis"), flexrec_path),
        ("path pc", CmdDesc(
            required=[("number", whole(1))], keyword=axis,
            synopsis="Make a path along a principal component of the motion"), flexrec_path_pc),
        ("path z", CmdDesc(
            required=[("number", whole(1))], keyword=axis,
            synopsis="Make a path along a latent axis"), flexrec_path_z),
        ("path through", CmdDesc(**points, synopsis="Make a path straight from point to point"), flexrec_path_through),
        ("path graph", CmdDesc(**points, synopsis="Make a path over neighbouring particles"), flexrec_path_graph),
        ("path points", CmdDesc(
            required=[("file", OpenFileNameArg)], keyword=states,
            synopsis="Take the points of a file as the path"), flexrec_path_points),
        ("morph", CmdDesc(
            required=[("first", AnchorArg), ("last", AnchorArg)],
            keyword=[_FRAMES, *HOW, ("in_angstroms", BoolArg), model_keyword()],
            synopsis="Move from state to state through the model"), flexrec_morph),
    ]  # fmt: skip
