"""All the actions there are."""

from __future__ import annotations

import importlib
from functools import cache
from types import ModuleType

from .action import Action, Host

# files of this folder, each with ``ACTIONS`` and the ``SECTION`` of the help pages in which they stand
MODULES = (
    "model_actions", "view_actions", "path_actions", "particle_actions", "latent_actions", "compare_actions",
    "state_actions",    "queue_actions", "engine_actions", "terminal_actions",
)  # fmt: skip


def all_actions() -> tuple[Action, ...]:
    """Every declared action, in the order of the help pages."""
    return tuple(action for name in MODULES for action in _module(name).ACTIONS)


def find_action(words: str) -> Action:
    """The action of these words; ``KeyError`` where there is none."""
    return {action.words: action for action in all_actions()}[words]


def sections(*hosts: Host) -> dict[str, list[Action]]:
    """The same by the section of the help pages that their file names: those that one of some hosts has."""
    by_title: dict[str, list[Action]] = {}
    for name in MODULES:
        has = [action for action in _module(name).ACTIONS if any(action.needs in host.has for host in hosts)]
        if has:
            by_title.setdefault(_module(name).SECTION, []).extend(has)
    return by_title


@cache
def _module(name: str) -> ModuleType:
    return importlib.import_module(f".{name}", __package__)


def host_actions(host: Host) -> dict[str, Action]:
    """What a host has, by its words."""
    return {action.words: action for action in all_actions() if action.needs in host.has}
