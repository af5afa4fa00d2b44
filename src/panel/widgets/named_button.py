"""A button with an object name, by which tests and screen readers find it; and one that runs a declared action."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QPushButton

from ...actions.action_registry import find_action


def named_button(text: str, action: Callable[[], object], name: str, tip: str = "") -> QPushButton:
    """A button that calls ``action()``; ``name`` is its object name."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    button.clicked.connect(lambda _=False: action())
    return button


def action_button(text: str, action: Callable[[], object], name: str, words: str) -> QPushButton:
    """A button for the declared action of these ``words``, which its tool tip tells."""
    return named_button(text, action, name, action_tip(words))


def action_tip(words: str) -> str:
    """What a declared action does, and the command that does it."""
    return f"{find_action(words).synopsis}: flexrec {words}"
