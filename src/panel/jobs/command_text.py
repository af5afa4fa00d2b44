"""The command that starts a job, as it is typed in a terminal and in ChimeraX."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...jobs.declare import Job
from ...jobs.project import top_folder
from ...parameters import Parameter, typed
from ..panel_scene import quoted


def terminal_line(job: Job, values: Mapping[str, Any], project: Path, seed: int = 0) -> str:
    """``flexrec train --latent-dims 3 --background --project …``, quoted for a shell."""
    words = ["flexrec", job.verb]
    for option in _given(job, values):
        value = values[option.name]
        if isinstance(value, bool) and not option.optional:
            words.append(option.option if value else "--no-" + option.option[2:])
        else:
            words += [option.option, value_text(value, project)]
    words += ["--seed", str(seed)] if seed else []
    return shlex.join([*words, "--background", "--project", str(project)])


def chimerax_line(job: Job, values: Mapping[str, Any], project: Path, seed: int = 0) -> str:
    """``flexrec train latentDims 3 project …``, as ChimeraX's command line takes it."""
    words = ["flexrec", job.verb]
    for option in _given(job, values):
        words += [typed(option.name), command_word(value_text(values[option.name], project))]
    words += ["seed", str(seed)] if seed else []
    return " ".join([*words, "project", command_word(str(project))])


def _given(job: Job, values: Mapping[str, Any]) -> list[Parameter]:
    return [option for option in job.options() if option.name in values]


def value_text(value: Any, project: Path | None = None) -> str:
    """A value as ``Parameter.parse`` reads it; a job of the project by its name."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value_text(item) for item in value)
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, Path) and project is not None and _is_job(value, project):
        return value.name
    return str(value)


def _is_job(path: Path, project: Path) -> bool:
    return top_folder(path, project) == path.name and (path / "job.json").is_file()


def command_word(text: str) -> str:
    """A word as ChimeraX's command line takes it; ``InputError`` for one that no command can hold."""
    if '"' in text and "'" in text:
        raise InputError(f"{text}: a ChimeraX command holds no word with both kinds of quotes; rename it.")
    return quoted(text)
