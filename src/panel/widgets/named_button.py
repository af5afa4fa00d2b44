"""A button with an object name, by which tests and screen readers find it."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QPushButton


def named_button(text: str, action: Callable[[], object], name: str, tip: str = "") -> QPushButton:
    """A button that calls ``action()``; ``name`` is its object name."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    button.clicked.connect(lambda _=False: action())
    return button
