"""The buttons of the toolbar: each runs a command."""

from __future__ import annotations

from chimerax.core.commands import run

from .arguments import open_models

BUTTONS = {
    "panel": "flexrec show",
    "demo": "flexrec demo",
    "mesh": "flexrec mesh",
    "flow": "flexrec flow",
    "jobs": "flexrec show",
}
_SHOWS = {"jobs": "jobs true"}  # what a button adds to its command
_DRAWN = {"mesh": "mesh", "flow": "arrows"}  # what of `MovingParts` a button shows, and hides when it is shown


def press(session, name: str) -> None:
    """Run the command of a button, by the name that bundle_info.xml gives it."""
    extra = "show false" if _is_shown(session, name) else _SHOWS.get(name, "")
    run(session, f"{BUTTONS[name]} {extra}".strip())


def _is_shown(session, name: str) -> bool:
    """Whether what a button draws is there already; of several models the command says which can be meant."""
    models = open_models(session)
    if name not in _DRAWN or len(models) != 1:
        return False
    drawing = getattr(models[0].parts, _DRAWN[name])
    return drawing is not None and drawing.display
