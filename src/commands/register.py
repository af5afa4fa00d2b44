"""All words of the command, and how they are told to ChimeraX."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module

from chimerax.core.commands import register
from chimerax.core.errors import UserError

from ..engine.client import EngineError
from ..errors import InputError

MODULES = (
    "model", "panel", "mesh", "movement", "paths", "playing", "movies", "atoms", "particles", "kept", "states",
    "starting", "jobs", "engine", "demo",
)  # fmt: skip


def all_commands() -> list[tuple]:
    """Words, description and function of every command."""
    modules = [import_module(f".{name}", __package__) for name in MODULES]
    return [command for module in modules for command in module.commands()]


def register_all(logger) -> None:
    """Tell ChimeraX every word."""
    for words, description, function in all_commands():
        register(f"flexrec {words}", description, with_user_errors(function), logger=logger)


def with_user_errors(function: Callable) -> Callable:
    """The same function, whose mistakes that are the user's become ChimeraX's ``UserError``."""

    @functools.wraps(function)
    def command(session, *words, **named):
        try:
            return function(session, *words, **named)
        except (InputError, EngineError) as error:
            raise UserError(str(error)) from error
        except PermissionError as error:
            raise UserError(f"{error.filename}: permission denied; choose a folder that you may write to.") from error

    return command
