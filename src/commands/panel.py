"""``flexrec show``: the panel."""

from __future__ import annotations

from chimerax.core.commands import BoolArg, CmdDesc, run

from ..errors import InputError
from ..scene.settings import flexrec_settings

TOOL = "FlexRec"


def flexrec_show(session, when_opening: bool | None = None) -> None:
    """Show the panel with the plot of latent space; or choose whether it comes with every model that is opened."""
    if when_opening is not None:
        settings = flexrec_settings(session)
        settings.panel_when_opening = when_opening
        settings.save()
        if not when_opening or not session.ui.is_gui:
            return
    if not session.ui.is_gui:
        raise InputError("the panel needs ChimeraX's window; here the commands do all that it does.")
    run(session, f"ui tool show {TOOL}", log=False)


def commands() -> list[tuple]:
    """Words, description and function of each."""
    return [
        ("show", CmdDesc(
            keyword=[("when_opening", BoolArg)], synopsis="Show the panel with the plot of latent space"),
         flexrec_show),
    ]  # fmt: skip
