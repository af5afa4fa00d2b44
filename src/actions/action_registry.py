"""All the actions there are."""

from __future__ import annotations

import importlib
from functools import cache

from .action import Action, Host

# files of this folder, each with ``ACTIONS``; the help pages have their sections in this order
MODULES = (
    "model_actions", "view_actions", "path_actions", "particle_actions", "latent_actions", "state_actions",
    "queue_actions", "engine_actions",
)  # fmt: skip


def all_actions() -> tuple[Action, ...]:
    """Every declared action, in the order of the help pages."""
    return tuple(action for name in MODULES for action in actions_of(name))


@cache
def actions_of(name: str) -> tuple[Action, ...]:
    """The actions of one file."""
    return importlib.import_module(f".{name}", __package__).ACTIONS


def host_actions(host: Host) -> dict[str, Action]:
    """What a host has, by its words."""
    return {action.words: action for action in all_actions() if action.needs in host.has}
