"""The panel, shown and given its place."""

from __future__ import annotations

from chimerax.core.commands import run

from ..errors import InputError

TOOL = "FlexRec"
_STILL, _MOST_ROUNDS = 3, 12  # rounds of events in which the view keeps its size, and rounds at most


def show_panel(session, jobs: bool = False) -> None:
    """Show the panel, with ``jobs`` its window of jobs too."""
    if not session.ui.is_gui:
        raise InputError("the panel needs ChimeraX's window; here the commands do all that it does.")
    run(session, f"ui tool show {TOOL}", log=False)
    if jobs:
        next(tool for tool in session.tools.list() if tool.tool_name == TOOL).show_jobs()


def wait_for_layout(session) -> None:
    """Wait until the main window has laid out a new panel: the panel asks for its width when others have theirs."""
    view = session.ui.main_window.graphics_window
    still, size = 0, None
    session.update_loop.block_redraw()  # the picture is drawn once, when all have their sizes: a processor takes long
    try:
        for _ in range(_MOST_ROUNDS):
            session.ui.processEvents()
            still, size = (still + 1 if view.size() == size else 0), view.size()
            if still == _STILL:
                return
    finally:
        session.update_loop.unblock_redraw()
