"""The declared actions as ChimeraX's commands: what stands without a keyword, what with one, and what is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chimerax.core.commands import CmdDesc

from ..actions.action import CHIMERAX, Action
from ..scene.decoding import waits
from . import apart_work, atoms, engine, jobs, movement, reconstructions, show, watch
from .apart_work import begin_apart
from .arguments import FlexRecModelArg, annotation, the_model
from .session_scene import SessionScene

# what is done by those actions that have no function of their own
FUNCTIONS = {
    words: function
    for module in (apart_work, atoms, engine, jobs, movement, reconstructions, show, watch)
    for words, function in module.FUNCTIONS.items()
}


def described(action: Action, more: Sequence[tuple[str, Any]] = (), hidden: Sequence[str] = ()) -> CmdDesc:
    """How ChimeraX reads an action, with ``more`` keywords, of which some may be ``hidden`` from its usage."""
    options = action.options(CHIMERAX)
    first = [option for option in options if option.positional]
    named = [option for option in options if not option.positional]
    keyword = [(option.spellings[0], annotation(option)) for option in named]
    # with a line at its end ChimeraX takes it for a longer name, and col for color, without a doubt
    other = [(f"{name}_", annotation(option)) for option in named for name in option.spellings[1:]]
    model = [("model", FlexRecModelArg)] if action.of_model else []
    return CmdDesc(
        required=[(option.name, annotation(option)) for option in first if option.required],
        optional=[(option.name, annotation(option)) for option in first if not option.required],
        keyword=[*keyword, *other, *model, *more],
        required_arguments=[option.spellings[0] for option in named if option.required],
        hidden=[*(name for name, _ in other), *hidden], synopsis=action.synopsis,
    )  # fmt: skip


def action_command(action: Action) -> tuple[str, CmdDesc, Callable[..., Any]]:
    """Words, description and function of an action's command."""

    def run(session, model=None, **values) -> Any:
        return run_action(session, action, model, values)

    run.__doc__ = action.synopsis
    return action.words, described(action), run


def run_action(session, action: Action, model: Any, values: Mapping[str, Any]) -> Any:
    """Run an action with values by name, in whichever spelling; one that takes long returns nothing in a window."""
    scene = SessionScene(session, the_model(session, model) if action.of_model else None)
    names = {name: option.name for option in action.options(CHIMERAX) for name in option.spellings}
    asked = action.build({names[name.rstrip("_")]: value for name, value in values.items()})
    if not waits(session) and action.takes_long(scene.trained if action.of_model else None, asked):
        return begin_apart(scene, action, asked)
    return (action.run or FUNCTIONS[action.words])(scene, asked)
