"""``flexrec show``: the panel."""

from __future__ import annotations

from chimerax.core.commands import BoolArg, CmdDesc, run

from ..errors import InputError
from ..scene.settings import flexrec_settings

TOOL = "FlexRec"
_STILL, _MOST_ROUNDS = 3, 12  # rounds of events in which the view keeps its size, and rounds at most


def flexrec_show(session, when_opening: bool | None = None, jobs: bool = False) -> None:
    """Show the panel with the plot of latent space, or its window of jobs too; or choose whether it comes with every
    model that is opened.
    """
    if when_opening is not None:
        settings = flexrec_settings(session)
        settings.panel_when_opening = when_opening
        settings.save()
        if not when_opening or not session.ui.is_gui:
            return
    if not session.ui.is_gui:
        raise InputError("the panel needs ChimeraX's window; here the commands do all that it does.")
    run(session, f"ui tool show {TOOL}", log=False)
    if jobs:
        next(tool for tool in session.tools.list() if tool.tool_name == TOOL).show_jobs()


def settle(session) -> None:
    """Let the main window lay out a panel that has just come: the panel asks for its width when others have theirs."""
    view = session.ui.main_window.graphics_window
    still, size = 0, None
    for _ in range(_MOST_ROUNDS):
        session.ui.processEvents()
        still, size = (still + 1 if view.size() == size else 0), view.size()
        if still == _STILL:
            return


def commands() -> list[tuple]:
    """Words, description and function of each."""
    return [
        ("show", CmdDesc(
            keyword=[("when_opening", BoolArg), ("jobs", BoolArg)],
            synopsis="Show the panel with the plot of latent space"),
         flexrec_show),
    ]  # fmt: skip
