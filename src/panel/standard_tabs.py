"""The tabs that every panel has beside the sliders."""

from __future__ import annotations

from .window import Tab


def standard_tabs() -> list[Tab]:
    """Titles and makers, in their order."""
    return []
