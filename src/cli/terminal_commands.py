"""``flexrec view``: the panel outside ChimeraX; ``flexrec completion``: known words, for a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from ..actions.action import TERMINAL, Action
from ..actions.action_registry import host_actions
from ..actions.terminal_actions import Completion, View
from ..errors import InputError
from ..jobs.registry import all_jobs

_SCRIPT = """{zsh}_flexrec() {{
    local known="" here="$COMP_CWORD"
    case "$here ${{COMP_WORDS[1]}} ${{COMP_WORDS[2]}}" in
{cases}
    esac
    COMPREPLY=($(compgen -W "$known" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _flexrec flexrec"""


def show_panel(_: argparse.Namespace, asked: View) -> int:
    """``flexrec view PROJECT``; returns when the window is closed."""
    try:
        from ..viewer.viewer_window import view
    except ImportError:
        raise InputError("the window needs Qt, which this Python has not; install it by: pip install "
                         "PySide6 qtpy matplotlib") from None  # fmt: skip
    return view(asked.path)


def show_completion(_: argparse.Namespace, asked: Completion) -> int:
    """``flexrec completion``: what a shell's ``source`` reads."""
    zsh = "autoload -U +X bashcompinit && bashcompinit\n" if asked.shell == "zsh" else ""
    cases = "\n".join(f'        {pattern}) known="{" ".join(words)}" ;;' for pattern, words in _cases())
    print(_SCRIPT.format(zsh=zsh, cases=cases))
    return 0


def _cases() -> Iterator[tuple[str, list[str]]]:
    """Patterns of place, first and second word, and what may stand there; the first that suits counts."""
    actions = host_actions(TERMINAL)
    verbs = [job.verb for job in all_jobs()] + list(actions)
    yield '"1 "*', list(dict.fromkeys(verb.split()[0] for verb in verbs))
    for first in dict.fromkeys(words.split()[0] for words in actions if " " in words):
        own = _options(actions[first]) if first in actions else []
        yield f'"2 {first} "*', [*own, *(words.split()[1] for words in actions if words.startswith(f"{first} "))]
    for words, action in sorted(actions.items(), key=lambda item: -item[0].count(" ")):
        yield f'*" {words}{"" if " " in words else " "}"*', _options(action)
    for job in all_jobs():
        yield f'*" {job.verb} "*', [*(option.option for option in job.options()), "--project", "--seed", "--resume",
                                    "--background", "--cluster", "--help"]  # fmt: skip


def _options(action: Action) -> list[str]:
    own = [option.option for option, word in action.in_terminal().items() if not word]
    return [*own, *(["--project"] if action.of_project else []), "--help"]


FUNCTIONS = {"view": show_panel, "completion": show_completion}
