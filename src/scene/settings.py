"""What a user chooses once: the Python that computes, the device, whether the panel comes with a model."""

from __future__ import annotations

from pathlib import Path

from chimerax.core.session import Session
from chimerax.core.settings import Settings


class _Settings(Settings):
    EXPLICIT_SAVE = {"python": "", "device": "auto", "panel_when_opening": True}


def flexrec_settings(session: Session) -> _Settings:
    """The user's settings."""
    if not hasattr(session, "_flexrec_settings"):
        session._flexrec_settings = _Settings(session, "FlexRec")
    return session._flexrec_settings


class _PanelSettings(Settings):
    """Sizes of the panel that the user chose: pixels of its dock, and the tabs' share of it; 0: none yet."""

    AUTO_SAVE = {"width": 0, "height": 0, "below": 0.0, "beside": 0.0}


def panel_settings(session: Session) -> _PanelSettings:
    """The panel's size, which is saved as it changes."""
    if not hasattr(session, "_flexrec_panel_settings"):
        session._flexrec_panel_settings = _PanelSettings(session, "FlexRec panel")
    return session._flexrec_panel_settings


def engine_python(session: Session) -> str:
    """The Python that the user chose, or ChimeraX's own, which shows models but cannot train them."""
    from chimerax.core.python_utils import chimerax_python_executable

    chosen = flexrec_settings(session).python
    if chosen and not Path(chosen).is_file():
        session.logger.warning(
            f"FlexRec: the Python that you chose, {chosen}, is not there; choose another (flexrec engine). "
            "ChimeraX's own is used: it shows models but cannot train them."
        )
    return chosen if chosen and Path(chosen).is_file() else chimerax_python_executable()
