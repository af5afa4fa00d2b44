"""The declared jobs as commands: each parameter an argument, with the bounds and choices of its declaration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chimerax.core.commands import Annotation, AnnotationError, BoolArg, EnumOf, FileNameArg, OpenFileNameArg
from chimerax.core.commands.cli import next_token

from ..errors import InputError
from ..jobs.declare import Job
from ..parameters import Parameter, bounds_text
from .arguments import SEED

WORDS = {int: "a whole number", float: "a number", str: "a word", Path: "a file or folder", bool: "true or false"}
EVERY_JOB = [("project", FileNameArg), ("seed", SEED)]  # what every job can be told, beside its own parameters


class DeclaredArg(Annotation):
    """One declared parameter, read as in the terminal."""

    def __init__(self, option: Parameter) -> None:
        super().__init__(_name(option))
        self.option = option

    def parse(self, text: str, session) -> tuple:
        """See ``Annotation.parse``."""
        if not text:
            raise AnnotationError(f"Expected {self.name}")
        token, used, rest = next_token(text)
        if token == "browse" and self.option.type is Path and not self.option.job:
            token, used, rest = OpenFileNameArg.parse(text, session)
        try:
            return self.option.parse(token), used, rest
        except InputError as error:
            raise AnnotationError(str(error).rstrip(".")) from None


def _name(option: Parameter) -> str:
    """``a whole number, from 4 to 80 cells``; ``numbers with commas between them``."""
    name = "a job's number or folder" if option.job else WORDS[option.type]
    if option.many:
        name = f"{name.partition(' ')[2]}s with commas between them"
    parts = [name, bounds_text(option), "none" if option.optional and not option.job else ""]
    return ", ".join(filter(None, parts[:2])) + (" or none" if parts[2] else "")


def annotation(option: Parameter) -> Any:
    """What reads a parameter on ChimeraX's command line."""
    if option.choices and not option.many:
        return EnumOf(option.choices)
    if option.type is bool and not option.many and not option.optional:
        return BoolArg
    return DeclaredArg(option)


def keywords(job: Job) -> list[tuple[str, Any]]:
    """The parameters of a job, and what every job can be told."""
    return [(option.name, annotation(option)) for option in job.options()] + EVERY_JOB


def required(job: Job) -> list[str]:
    """The parameters that must be given."""
    return [option.name for option in job.options() if option.required]


def checked(job: Job, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are declared: texts are read as in the terminal, Python's values are checked."""
    options = {option.name: option for option in job.options()}
    unknown = [name for name in given if name not in options]
    if unknown:
        raise InputError(f"{job.verb} has no parameter {unknown[0]}; it has {', '.join(options)}.")
    return {name: _checked(options[name], value) for name, value in given.items()}


def _checked(option: Parameter, value: Any) -> Any:
    return option.parse(value) if isinstance(value, str) else option.check(value)
