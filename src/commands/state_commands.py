"""``flexrec state …``: points that are kept under a name, shown again, and compared."""

from __future__ import annotations

from chimerax.core.commands import CmdDesc, EnumOf, StringArg

from ..errors import InputError
from ..explore.anchors import point_text, read_point
from ..explore.compare_states import HOW
from ..explore.named_states import State, apart, keep_state, kept_state, kept_states, remove_state, two_states
from ..scene.scene_model import FlexRecModel
from .arguments import AnchorArg, model_keyword, the_model
from .model import show
from .tables import Link, log_table


def flexrec_state_keep(session, name: str, at: str | None = None, model: FlexRecModel | None = None) -> State:
    """Keep the shown point, or another, under a name."""
    model = the_model(session, model)
    z = model.z if at is None else read_point(at, model.trained)
    if z is None:
        raise InputError("the map at rest is no state; show the map at a point first, or give at and a point.")
    state = keep_state(model.trained, name, z)
    model.tell()
    session.logger.info(f"state {name}: z = {point_text(state.z)}")
    return state


def flexrec_state_show(session, name: str, model: FlexRecModel | None = None) -> State:
    """The map of a kept state."""
    model = the_model(session, model)
    state = kept_state(model.trained, name)
    show(session, model, state.z)
    return state


def flexrec_state_remove(session, name: str, model: FlexRecModel | None = None) -> None:
    """Forget a kept state."""
    model = the_model(session, model)
    remove_state(model.trained, name)
    model.tell()


def flexrec_state_list(session, model: FlexRecModel | None = None) -> list[State]:
    """The kept states."""
    model = the_model(session, model)
    found = kept_states(model.trained)
    if found:
        rows = [(Link(one.name, f'flexrec state show "{one.name}" model #{model.id_string}'), point_text(one.z))
                for one in found]  # fmt: skip
        log_table(session, f"States of {model.name}", ("state", "z"), rows)
    else:
        session.logger.info("no states yet")
    return found


def flexrec_state_compare(
    session, first: str, second: str, how: str = "difference", model: FlexRecModel | None = None
) -> None:
    """The maps of two kept states, in the place of the moving one: their difference, or both side by side."""
    model = the_model(session, model)
    states = two_states(model.trained, first, second)
    session.logger.info(apart(model.trained, *states))
    model.comparison.begin(states, how)


def flexrec_state_clear(session, model: FlexRecModel | None = None) -> None:
    """End the comparison that is shown: what moves is seen again. The kept states stay."""
    the_model(session, model).comparison.end()


def commands() -> list[tuple]:
    """Words, description and function of each."""
    name, keyword = [("name", StringArg)], [model_keyword()]
    return [
        ("state keep", CmdDesc(
            required=name, keyword=[("at", AnchorArg), *keyword],
            synopsis="Keep the shown point under a name"), flexrec_state_keep),
        ("state show", CmdDesc(
            required=name, keyword=keyword, synopsis="Show the map of a kept state"), flexrec_state_show),
        ("state remove", CmdDesc(
            required=name, keyword=keyword, synopsis="Forget a kept state"), flexrec_state_remove),
        ("state list", CmdDesc(keyword=keyword, synopsis="List the kept states"), flexrec_state_list),
        ("state compare", CmdDesc(
            required=[("first", StringArg), ("second", StringArg)], keyword=[("how", EnumOf(HOW)), *keyword],
            synopsis="Compare the maps of two kept states"), flexrec_state_compare),
        ("state clear", CmdDesc(
            keyword=keyword, synopsis="End the comparison of two kept states"), flexrec_state_clear),
    ]  # fmt: skip
