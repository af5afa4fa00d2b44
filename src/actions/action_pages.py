"""The reference pages: one of all actions, beside those of the jobs."""

from __future__ import annotations

from ..jobs.reference import cell, describe_value, job_pages
from ..parameters import Parameter
from .action import CHIMERAX, HOSTS, TERMINAL, Action
from .action_registry import sections
from .action_usage import host_names, terminal_usage, usage_text

_INTRODUCTION = """# The actions

This page is written from the actions' declarations by `make docs`.

An action acts at once, on a trained model. It is the same in ChimeraX (where `model #N` says which model, if several
are open), in `flexrec view`, and in a terminal (where `JOB` says which train job, if not the newest, and `--project`
of which project); some need a map that is shown, or its 3D view, and are only there. Options of a terminal are in the
table; elsewhere they are words without dashes: `--in-angstroms` is `inAngstroms true`.
"""


def pages() -> dict[str, str]:
    """File name and text of every page."""
    return job_pages() | {"actions.md": actions_page()}


def actions_page() -> str:
    """The Markdown page of all actions."""
    parts = [_INTRODUCTION]
    for title, actions in sections(*HOSTS).items():
        parts += [f"## {title}\n", *map(_section, actions)]
    return "\n".join(parts)


def _section(action: Action) -> str:
    hosts = host_names(action.needs)
    usages = [f"    {usage_text(action)}"] if CHIMERAX.name in hosts else []
    usages += [f"    {terminal_usage(action)}    (terminal)"] if TERMINAL.name in hosts else []
    where = "" if len(hosts) == len(HOSTS) else f" In {' and '.join(hosts)}."
    lines = [f"### flexrec {action.words}", "", f"{action.synopsis}.{where} {action.about}".strip(), "", *usages, ""]
    options = action.options()
    if options:
        rows = [_row(action, option) for option in options]
        lines += ["| option | what it does | values |", "| --- | --- | --- |", *rows, ""]
    return "\n".join(lines)


def _row(action: Action, option: Parameter) -> str:
    only = f" ({' and '.join(host_names(action.needs, option.needs))})" if option.needs else ""
    name = option.name if action.in_terminal().get(option, option.positional and option.required) else option.option
    return f"| `{name}` | {cell(option.help)}{only} | {cell(describe_value(option))} |"
