"""``flexrec show``: the panel, and when it comes."""

from __future__ import annotations

from ..actions.view_actions import Show
from ..scene.settings import flexrec_settings
from .panel import show_panel
from .session_scene import SessionScene


def show(scene: SessionScene, asked: Show) -> None:
    """Show the panel, or its window of jobs too; or choose whether it comes with every model that is opened."""
    session = scene.session
    if asked.when_opening is not None:
        settings = flexrec_settings(session)
        settings.panel_when_opening = asked.when_opening
        settings.save()
        if not asked.when_opening or not session.ui.is_gui:
            return
    show_panel(session, asked.jobs)


FUNCTIONS = {"show": show}
