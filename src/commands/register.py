"""All words of the command, and how they are told to ChimeraX."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from importlib import import_module

from chimerax.core.commands import register
from chimerax.core.errors import UserError

from ..decoder_process import EngineError
from ..errors import InputError, disk_trouble
from .arguments import open_models
from .command_results import answer

MODULES = (
    "model", "panel", "mesh", "movement", "paths", "playing", "movies", "atoms", "particles",
    "state_commands", "states",
    "starting", "jobs", "engine", "demo",
)  # fmt: skip


def all_commands() -> list[tuple]:
    """Words, description and function of every command."""
    modules = [import_module(f".{name}", __package__) for name in MODULES]
    return [command for module in modules for command in module.commands()]


def register_all(logger) -> None:
    """Tell ChimeraX every word."""
    for words, description, function in all_commands():
        register(f"flexrec {words}", description, as_command(function), logger=logger)


def as_command(function: Callable) -> Callable:
    """The same function, which returns plain values, and whose users' mistakes become ChimeraX's ``UserError``.

    Whatever came of it, those who follow a model are told to look: commands change what a project keeps, too.
    """

    @functools.wraps(function)
    def command(session, *words, return_json: bool = False, **named):
        try:
            return answer(function(session, *words, **named), return_json)
        except (InputError, EngineError) as error:
            raise UserError(str(error)) from error
        except OSError as error:
            if error.filename is None:
                raise
            raise UserError(disk_trouble(error)) from error
        finally:
            for model in open_models(session):
                model.tell()

    command.__signature__ = _with_json(inspect.signature(function))  # by which ChimeraX knows that it may ask for JSON
    return command


def _with_json(signature: inspect.Signature) -> inspect.Signature:
    parameters = list(signature.parameters.values())
    last = len(parameters) - any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)
    asked = inspect.Parameter("return_json", inspect.Parameter.KEYWORD_ONLY, default=False)
    return signature.replace(parameters=[*parameters[:last], asked, *parameters[last:]])
