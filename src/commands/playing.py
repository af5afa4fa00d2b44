"""``flexrec play``, ``pause`` and ``scrub``: along the path."""

from __future__ import annotations

from chimerax.core.commands import BoolArg, CmdDesc, EnumOf

from ..errors import InputError
from ..explore.playback import Playing
from ..scene.scene_model import FlexRecModel
from .arguments import NumberArg, model_keyword, the_model, whole

DAY = 86_400  # seconds
HOW = [("speed", NumberArg(0.001, 1000)), ("seconds", NumberArg(0.001, DAY)), ("loop", BoolArg), ("bounce", BoolArg)]


def flexrec_play(
    session, what: str | None = None, speed: float | None = None, seconds: float | None = None, loop: bool = False,
    bounce: bool = False, reverse: bool = False, model: FlexRecModel | None = None,
) -> None:  # fmt: skip
    """Play the path, ``speed`` states a second or in so many seconds; or stop."""
    model = the_model(session, model)
    if what == "stop":
        model.player.stop()
        return
    states = len(model.current_path)
    model.player.play(Playing.of(states, speed, seconds, loop=loop, bounce=bounce, reverse=reverse))


def flexrec_pause(session, model: FlexRecModel | None = None) -> None:
    """Rest here; play goes on from here."""
    the_model(session, model).player.pause()


def flexrec_scrub(session, place: float | None = None, frame: int | None = None, model: FlexRecModel | None = None):
    """Show the state at a place of the path, from 0 to 1, or a state by its number, from 1."""
    model = the_model(session, model)
    if (place is None) == (frame is None):
        raise InputError("say where: a place from 0 to 1, or frame and a number from 1.")
    count = len(model.current_path)
    if frame is not None:
        if frame > count:
            raise InputError(f"there is no frame {frame}: the path has {count}, counted from 1.")
        place = (frame - 1) / max(count - 1, 1)
    model.player.scrub(place)
    model.point_status.rest(model.z)
    return model.z


def commands() -> list[tuple]:
    """Words, description and function of each."""
    return [
        ("play", CmdDesc(
            optional=[("what", EnumOf(("stop",)))], keyword=[*HOW, ("reverse", BoolArg), model_keyword()],
            synopsis="Play the path"), flexrec_play),
        ("pause", CmdDesc(keyword=[model_keyword()], synopsis="Pause where the path is now"), flexrec_pause),
        ("scrub", CmdDesc(
            optional=[("place", NumberArg(0, 1))], keyword=[("frame", whole(1)), model_keyword()],
            synopsis="Show one state of the path"), flexrec_scrub),
    ]  # fmt: skip
