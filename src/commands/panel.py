"""``flexrec show``: the panel."""

from __future__ import annotations

from chimerax.core.commands import CmdDesc, run

from ..errors import InputError

TOOL = "FlexRec"


def flexrec_show(session) -> None:
    """Show the panel with the plot of latent space."""
    if not session.ui.is_gui:
        raise InputError("the panel needs ChimeraX's window; here the commands do all that it does.")
    run(session, f"ui tool show {TOOL}", log=False)


def commands() -> list[tuple]:
    """Words, description and function of each."""
    return [("show", CmdDesc(synopsis="Show the panel with the plot of latent space"), flexrec_show)]
