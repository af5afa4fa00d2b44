"""Recipes: a TOML file with a table per job, run as one.

``[prep]``, ``[mesh]``, ``[train]``, ``[generate]`` hold the jobs' own parameters; ``[[train]]`` may stand several
times.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..parameters import Parameter
from . import runner
from .declare import Job
from .inputs import is_done, resolve_inputs
from .registry import all_jobs


@dataclass(frozen=True)
class Reference:
    """A job of the same recipe as an input: its place in the recipe, and a path inside its folder (or "")."""

    step: int
    inside: str = ""


@dataclass(frozen=True)
class Step:
    """One job of a recipe, checked.

    ``place`` names its table in messages. ``references`` are the inputs, by parameter, that other steps will make; they
    have no meaning yet in ``parameters``.
    """

    job: Job
    place: str
    parameters: Any
    references: dict[str, Reference]
    seed: int


def read_recipe(path: Path, project: Path, suits: Callable[[Path], bool] = is_done) -> tuple[Step, ...]:
    """The steps of a recipe, in the order in which they run (that of the verbs, then that of the file).

    Paths start from the recipe's folder; jobs of the project are named as on the command line. ``suits`` tells which
    jobs of the project may be inputs. Everything is checked: ``InputError`` names file, table and field.
    """
    tables = _read_tables(path)
    seed = _seed(tables.pop("seed", 0), str(path))
    steps: list[Step] = []
    for job, place, table in _in_order(path, tables):
        try:
            steps.append(_read_step(job, place, table, seed, steps, path, project, suits))
        except InputError as error:
            raise InputError(f"{path}, {place}: {error}") from None
    if not steps:
        raise InputError(f"{path} has no job; give it a table such as [train].")
    return tuple(steps)


def _read_tables(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give the path of a recipe.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML: {error}.") from error


def _in_order(path: Path, tables: dict[str, Any]) -> list[tuple[Job, str, dict[str, Any]]]:
    jobs = {job.verb: job for job in all_jobs()}
    for name in tables:
        if name not in jobs:
            raise InputError(f"{path}, {name}: no job has that name; there are {', '.join(jobs)} (and seed).")
    steps = []
    for verb, job in jobs.items():
        table = tables.get(verb, [])
        several = isinstance(table, list)
        for number, values in enumerate(table if several else [table], 1):
            place = f"[[{verb}]] {number}" if several else f"[{verb}]"
            if not isinstance(values, dict):
                raise InputError(f"{path}, {verb}: is no table; write [{verb}] and its parameters below.")
            steps.append((job, place, values))
    return steps


def _read_step(
    job: Job,
    place: str,
    table: dict[str, Any],
    seed: int,
    steps: list[Step],
    path: Path,
    project: Path,
    suits: Callable[[Path], bool],
) -> Step:
    table = {name.replace("-", "_"): value for name, value in table.items()}
    seed = _seed(table.pop("seed", seed), "seed")
    options = {option.name: option for option in job.options()}
    unknown = [name for name in table if name not in options]
    if unknown:
        raise InputError(f"{unknown[0]}: {job.verb} has no such parameter; it has {', '.join(options)}.")
    references = {
        name: reference for name, option in options.items() if (reference := _reference(option, table, steps))
    }
    values = {name: _value(options[name], value, path) for name, value in table.items() if name not in references}
    # a path that is there stands for the ones that other steps will make
    parameters = job.build(values | dict.fromkeys(references, path.absolute()))
    parameters = resolve_inputs(job, parameters, project, suits, without=references)
    return Step(job, place, parameters, references, seed)


def _seed(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{where}: seed is {value!r}, but must be a whole number.")
    return value


def _reference(option: Parameter, table: dict[str, Any], steps: list[Step]) -> Reference | None:
    """The step that a field names (``train``, ``train.2``, ``prep/particles.star``), or that it means if left out."""
    if option.type is not Path or option.many:
        return None
    if option.name not in table:
        return _last(option.job, steps) if option.job and option.newest else None
    value = table[option.name]
    match = re.fullmatch(r"([a-z]+)(?:\.(\d+))?(?:/(.+))?", value) if isinstance(value, str) else None
    if match is None:
        return None
    verb, number, inside = match.groups()
    places = [place for place, step in enumerate(steps) if step.job.verb == verb]
    if number is None and not places:
        return None
    number = int(number) if number else len(places)
    if not 1 <= number <= len(places):
        raise InputError(f"{option.name}: {value} is no job that comes before in this recipe.")
    if option.job and verb not in option.job:
        raise InputError(f"{option.name}: {value} is no {' or '.join(option.job)} job.")
    return Reference(places[number - 1], inside or "")


def _last(verbs: tuple[str, ...], steps: list[Step]) -> Reference | None:
    places = [place for place, step in enumerate(steps) if step.job.verb in verbs]
    return Reference(places[-1]) if places else None


def _value(option: Parameter, value: Any, path: Path) -> Any:
    """A field's value: a text is read as on the command line; paths start from the recipe's folder."""
    if option.job and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    value = option.parse(value) if isinstance(value, str) else option.check(value)
    if isinstance(value, Path) and not (option.job and re.fullmatch(r"\d+(-[a-z]+)?", str(value))):
        return path.absolute().parent / value
    return value


def make_jobs(steps: tuple[Step, ...], project: Path, suits: Callable[[Path], bool] = is_done) -> list[Path]:
    """The folders of all jobs of a recipe, each with those before it as inputs; none is left if one cannot be made."""
    folders: list[Path] = []

    def made_or_suits(folder: Path) -> bool:
        return folder.absolute() in folders or suits(folder)

    try:
        for step in steps:
            inputs = {name: folders[reference.step] / reference.inside for name, reference in step.references.items()}
            parameters = replace(step.parameters, **inputs)
            folders.append(runner.create(step.job, parameters, project, step.seed, made_or_suits))
    except BaseException:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return folders
