"""All words of the command, and how they are told to ChimeraX."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

from chimerax.core.commands import CmdDesc, register
from chimerax.core.errors import UserError

from ..actions.action import CHIMERAX
from ..actions.action_registry import host_actions
from ..decoder_process import EngineError
from ..errors import InputError, disk_error_text
from ..jobs.registry import all_jobs
from .action_words import action_command
from .arguments import open_models
from .command_results import answer
from .starting_words import clone_command, job_command, mesh_command

MADE_ELSEWHERE = {"mesh": mesh_command, "clone": clone_command}  # of a job's parameters too


def all_commands() -> list[tuple[str, CmdDesc, Callable]]:
    """Words, description and function of every command."""
    actions = host_actions(CHIMERAX)
    commands = [MADE_ELSEWHERE.get(words, action_command)(action) for words, action in actions.items()]
    return commands + [job_command(job) for job in all_jobs() if job.verb not in actions]


def register_all(logger) -> None:
    """Tell ChimeraX every word."""
    for words, description, function in all_commands():
        register(f"flexrec {words}", description, as_command(function), logger=logger)


def as_command(function: Callable) -> Callable:
    """The same function, which returns plain values, and whose users' mistakes become ChimeraX's ``UserError``.

    Whatever came of it, those who follow a model are notified: commands change what a project keeps, too.
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
            raise UserError(disk_error_text(error)) from error
        finally:
            for model in open_models(session):
                model.notify_listeners()

    command.__signature__ = _with_json(inspect.signature(function))  # by which ChimeraX knows that it may ask for JSON
    return command


def _with_json(signature: inspect.Signature) -> inspect.Signature:
    parameters = list(signature.parameters.values())
    last = len(parameters) - any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
    asked = inspect.Parameter("return_json", inspect.Parameter.KEYWORD_ONLY, default=False)
    return signature.replace(parameters=[*parameters[:last], asked, *parameters[last:]])
