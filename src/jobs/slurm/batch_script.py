"""The batch script of a job that is given to a cluster: a template, and what stands in its {fields}."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from ...errors import InputError
from ..queue.spawn import OUTPUT, worker_command
from ..registry import find_job

# The last lines of a template of one's own should be like the last one here: by exec, the scheduler's signals reach the
# job itself and not only the shell around it.
DEFAULT = f"""#!/bin/bash
#SBATCH --job-name=flexrec-{{name}}
#SBATCH --output={{name}}/{OUTPUT}
#SBATCH --open-mode=append
#SBATCH --partition={{partition}}
#SBATCH --account={{account}}
#SBATCH --qos={{qos}}
#SBATCH --nodes={{nodes}}
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task={{cpus}}
#SBATCH --gpus-per-node={{gpus}}
#SBATCH --mem={{memory}}
#SBATCH --time={{time}}
#SBATCH --signal=B:TERM@120

export OMP_NUM_THREADS={{cpus}} NUMBA_NUM_THREADS={{cpus}}
exec {{command}}
"""

# What may be set, with what it is where nobody set it; a field without a value takes its #SBATCH line with it.
SETTINGS = {
    "partition": "", "account": "", "qos": "", "nodes": "1", "cpus": "4", "gpus": "", "memory": "", "time": "",
}  # fmt: skip
_OWN = ("name", "verb", "folder", "project", "python", "command")
# ``${name}`` is the shell's; ``{{name}}`` stands for ``{name}`` itself.
_FIELD = re.compile(r"\{\{(\w+)\}\}|(?<!\$)\{([A-Za-z_]\w*)\}")


def read_settings(words: list[str]) -> dict[str, str]:
    """``["partition=gpu", "train.gpus=2"]`` by name; whether the template has such fields is seen when it is filled."""
    settings = {}
    for word in words:
        name, equals, value = word.partition("=")
        verb, dot, field = name.rpartition(".")
        if not equals or not re.fullmatch(r"[A-Za-z_]\w*", field) or field in _OWN or "\n" in value:
            raise InputError(f"--cluster-set {word}: write NAME=VALUE, such as partition=gpu.")
        if dot:
            find_job(verb)
        if field in ("nodes", "cpus", "gpus") and not re.fullmatch("[0-9]+", value):
            raise InputError(f"--cluster-set {word}: {field} must be a whole number.")
        settings[name] = value
    return settings


def settings_of_job(verb: str, settings: Mapping[str, str], several: bool) -> dict[str, str]:
    """Those of ``settings`` that a job of this verb is given: its own (``train.time``) before those of all.

    Of the settings for ``several`` verbs it takes GPUs only if it can name a device, and nodes only if it can use
    several devices; alone, ``InputError`` for settings that it has no use for.
    """
    others = [name for name in settings if "." in name and not name.startswith(f"{verb}.")]
    if others and not several:
        raise InputError(f"--cluster-set {others[0]}: this is a {verb} job; leave it out.")
    options = {option.name for option in find_job(verb).options()}
    chosen = {name: value for name, value in settings.items() if "." not in name}
    if several and "device" not in options:
        chosen.pop("gpus", None)
    if several and "devices" not in options:
        chosen.pop("nodes", None)
    own = {name.partition(".")[2]: value for name, value in settings.items() if name.startswith(f"{verb}.")}
    chosen |= own
    if int(chosen.get("nodes", 1)) > 1 and "devices" not in options:
        raise InputError(f"{verb} computes on one node; leave --cluster-set nodes={chosen['nodes']} out.")
    return chosen


def read_template(path: Path | None) -> str:
    """The user's template, or the built-in one; ``InputError`` if it would not run the job."""
    if path is None:
        return DEFAULT
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"{path} cannot be read ({reason}); give the path of a template.") from error
    fields = {match[2] for match in _FIELD.finditer(text)}
    if "command" not in fields and not {"python", "folder"} <= fields:
        raise InputError(f"{path} does not run the job; give it a last line: exec {{command}}")
    if not text.startswith("#!"):
        raise InputError(f"{path} is no script; let its first line be #!/bin/bash")
    return text


def fill_template(text: str, where: str, folder: Path, python: str, settings: Mapping[str, str]) -> str:
    """The batch script of a job. Paths and the command are quoted for the shell, settings stand as they were given."""
    values = {**SETTINGS, **settings}
    values["gpus"] = values["gpus"].lstrip("0")
    values |= {"name": folder.name, "verb": folder.name.partition("-")[2], "python": shlex.quote(python)}
    values |= {"folder": shlex.quote(str(folder)), "project": shlex.quote(str(folder.parent))}
    values["command"] = shlex.join(worker_command(python, folder))
    _refuse_unused(text, where, settings)
    lines = [_fill_line(line, number, where, values) for number, line in enumerate(text.splitlines(), 1)]
    return "\n".join(line for line in lines if line is not None) + "\n"


def _refuse_unused(text: str, where: str, settings: Mapping[str, str]) -> None:
    fields = {match[2] for match in _FIELD.finditer(text)}
    for name in settings:
        if name not in fields:
            raise InputError(f"{where} has no field {{{name}}}; leave --cluster-set {name} out, or add the field.")


def _fill_line(line: str, number: int, where: str, values: Mapping[str, str]) -> str | None:
    names = [match[2] for match in _FIELD.finditer(line) if match[2]]
    for name in names:
        if name not in values:
            known = ", ".join((*_OWN, *SETTINGS))
            raise InputError(
                f"{where}, line {number}: the field {{{name}}} is unknown; there are {known}, and what --cluster-set "
                f"names (for braces of the shell's own write {{{{{name}}}}})."
            )
    empty = [name for name in names if not values[name]]
    if empty and line.startswith("#SBATCH"):
        return None
    if empty:
        raise InputError(f"{where}, line {number}: {{{empty[0]}}} has no value; give --cluster-set {empty[0]}=…")
    return _FIELD.sub(lambda match: f"{{{match[1]}}}" if match[1] else values[match[2]], line)
