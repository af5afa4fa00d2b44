"""The declared actions as commands of the terminal: each parameter an option, or a word where it must be given."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..actions.action import TERMINAL, Action
from ..actions.action_registry import host_actions
from . import engine_command, job_commands, terminal_commands, watch_commands
from .job_options import add_option, given, option_help
from .terminal_scene import TerminalScene

_JOB = "a train job, running ones too (default: the newest)"
_ELSEWHERE = {"clone": job_commands.add_clone}  # its options are known only with the job
# what is done by those actions that have no function of their own, and the options that they take besides
FUNCTIONS = {
    words: function
    for module in (engine_command, job_commands, terminal_commands, watch_commands)
    for words, function in module.FUNCTIONS.items()
}


def add_actions(commands: Any) -> None:
    """A command for each action that the terminal has; those of two words are commands of the first."""
    actions, groups = host_actions(TERMINAL), {}
    for words, action in actions.items():
        first, _, second = words.partition(" ")
        if words in _ELSEWHERE:
            _ELSEWHERE[words](commands, action)
        elif not second:
            groups[first] = _add(commands, first, action)
        else:
            _add(_group(commands, first, groups, actions), second, action)


def _group(commands: Any, first: str, groups: dict[str, Any], actions: dict[str, Action]) -> Any:
    """The commands of a first word, which may be a command itself."""
    own = groups.get(first)
    if own is None:
        seconds = " | ".join(words.partition(" ")[2] for words in actions if words.startswith(f"{first} "))
        own = commands.add_parser(first, help=f"{seconds}: see flexrec {first} --help", allow_abbrev=False)
    if isinstance(own, argparse.ArgumentParser):
        groups[first] = own.add_subparsers(metavar="COMMAND", required=first not in actions, parser_class=type(own))
    return groups[first]


def _add(commands: Any, last: str, action: Action) -> argparse.ArgumentParser:
    about = f"{action.synopsis}. {action.about}".strip().replace("%", "%%")
    parser = commands.add_parser(last, help=action.synopsis, description=about, allow_abbrev=False,
                                 argument_default=argparse.SUPPRESS)  # fmt: skip
    if action.of_model and last == action.words:
        parser.add_argument("job", metavar="JOB", nargs="?", default=None, help=_JOB)
    elif action.of_model:
        parser.add_argument("--job", metavar="JOB", default=None, help=_JOB)
    _add_parameters(parser, action)
    if action.of_project:
        job_commands.add_project(parser)
    for add in job_commands.RUNNING.get(action.words, ()):
        add(parser)
    parser.set_defaults(command=run_action, action=action)
    return parser


def _add_parameters(parser: argparse.ArgumentParser, action: Action) -> None:
    groups: dict[str, Any] = {"": parser}
    for option, word in sorted(action.in_terminal().items(), key=lambda item: not item[0].one_of):
        if option.one_of not in groups:
            groups[option.one_of] = parser.add_mutually_exclusive_group(required=True)
        if option.group not in groups:
            groups[option.group] = parser.add_argument_group(option.group)
        if word:
            count = "+" if option.repeated else None if option.required else "?"
            parser.add_argument(option.name, metavar=option.name.upper(), help=option_help(option), nargs=count)
        else:
            add_option(groups[option.one_of or option.group], option, option.required)


def run_action(chosen: argparse.Namespace) -> int:
    """``flexrec WORDS …``; the exit status."""
    action: Action = chosen.action
    asked = action.build(given(action.options(TERMINAL), vars(chosen), unset=False))
    if action.run is None:
        return FUNCTIONS[action.words](chosen, asked)
    action.run(TerminalScene(chosen.job, Path(chosen.project)), asked)
    return 0
