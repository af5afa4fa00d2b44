"""The buttons of the toolbar: each runs a command."""

from __future__ import annotations

from chimerax.core.commands import run

BUTTONS = {
    "panel": "flexrec show",
    "demo": "flexrec demo",
    "mesh": "flexrec mesh",
    "flow": "flexrec flow",
    "jobs": "flexrec jobs",
}


def press(session, name: str) -> None:
    """Run the command of a button, by the name that bundle_info.xml gives it."""
    run(session, BUTTONS[name])
