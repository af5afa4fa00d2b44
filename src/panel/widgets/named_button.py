"""A button that is found by its name."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QPushButton


def named_button(text: str, act: Callable[[], object], name: str, tip: str = "") -> QPushButton:
    """A button that calls ``act()``; ``name`` is its object name."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    button.clicked.connect(lambda _=False: act())
    return button
