"""A job is declared once; its terminal options, record on disk and reference page all come from that declaration."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from ..errors import InputError
from .values import check_value, parse_text

_SCALARS = (bool, int, float, str, Path)


def parameter(
    default: Any = MISSING,
    *,
    help: str,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple = (),
    advanced: bool = False,
    job: str | tuple[str, ...] | None = None,
    example: str = "",
) -> Any:
    """Declare one field of a job's frozen parameter dataclass; without ``default`` it is required.

    Parameters
    ----------
    default
        Value when the user says nothing. Fields are keyword-only, so required ones may stand anywhere.
    help
        One sentence: what it does and when to change it.
    unit
        Shown behind the value: ``"Å"``, ``"cells"``.
    low, high
        Inclusive bounds (of every element, for a tuple).
    choices
        The only values allowed.
    advanced
        Shown apart, for people who know what they want.
    job
        The value is a job folder of this verb (or of one of these verbs), or a file in it. Omitted, it is the newest
        finished one in the project.
    example
        What such a value looks like, shown in an empty field.
    """
    about = dict(help=help, unit=unit, low=low, high=high, choices=tuple(choices), advanced=advanced, example=example)
    about["job"] = (job,) if isinstance(job, str) else tuple(job or ())
    return field(default=default, kw_only=True, metadata=about)


@dataclass(frozen=True)
class Parameter:
    """One declared parameter, with the type read from the annotation.

    ``type`` is bool, int, float, str or Path; ``many`` means a tuple of them; ``optional`` admits None;
    ``default`` is ``dataclasses.MISSING`` where the parameter is required; ``job`` holds the verbs whose folders it
    accepts (empty: an ordinary value).
    """

    name: str
    type: type
    many: bool
    optional: bool
    default: Any
    help: str
    unit: str
    low: float | None
    high: float | None
    choices: tuple
    advanced: bool
    job: tuple[str, ...]
    example: str = ""

    @property
    def required(self) -> bool:
        """Whether the user must give it (a job folder can always be left out: the newest is taken)."""
        return self.default is MISSING and not self.job

    @property
    def option(self) -> str:
        """Its name in the terminal: ``--batch-size``."""
        return "--" + self.name.replace("_", "-")

    def parse(self, text: str) -> Any:
        """The value written as ``text`` (a comma list for tuples, ``none`` where that is allowed), checked."""
        return check_value(self, parse_text(self, text))

    def check(self, value: Any) -> Any:
        """The value, in its declared type, or ``InputError`` naming parameter, value and what is allowed."""
        return check_value(self, value)


@dataclass(frozen=True)
class Job:
    """One kind of job.

    ``run`` names its function as ``"module:function"`` (``".mesh_run:run"`` is relative to ``jobs``); it is imported
    only when the job runs, and called as ``function(parameters, job_run)``.
    """

    verb: str
    synopsis: str
    parameters: type
    run: str

    def options(self) -> tuple[Parameter, ...]:
        """The declared parameters, in order of declaration."""
        hints = get_type_hints(self.parameters)
        return tuple(_read_field(item, hints[item.name]) for item in fields(self.parameters))

    def function(self) -> Callable[[Any, Any], None]:
        """Import and return the function that runs the job."""
        module, _, name = self.run.partition(":")
        return getattr(importlib.import_module(module, package=__package__), name)

    def build(self, values: Mapping[str, Any]) -> Any:
        """An instance of ``parameters`` from the values given, each checked; the rest take their defaults.

        Job folders that were not given stay None until the project is known (see ``inputs.resolve_inputs``).
        """
        options = {option.name: option for option in self.options()}
        for name in values:
            if name not in options:
                raise InputError(f"{self.verb} has no parameter {name}; it has {', '.join(options)}.")
        return self.parameters(**{name: self._value(option, values) for name, option in options.items()})

    def _value(self, option: Parameter, values: Mapping[str, Any]) -> Any:
        if option.name in values:
            return option.check(values[option.name])
        if option.required:
            raise InputError(f"{self.verb} needs {option.name}: {option.help}")
        return None if option.default is MISSING else option.default


def _read_field(item: Any, annotation: Any) -> Parameter:
    kind, many, optional = _read_annotation(item.name, annotation)
    return Parameter(name=item.name, type=kind, many=many, optional=optional, default=item.default, **item.metadata)


def _read_annotation(name: str, annotation: Any) -> tuple[type, bool, bool]:
    """``(scalar type, many, optional)`` of ``int``, ``int | None``, ``tuple[int, ...]`` and their like."""
    optional = False
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        optional = len(kinds) < len(get_args(annotation))
        annotation = kinds[0] if len(kinds) == 1 else annotation
    many = get_origin(annotation) is tuple and get_args(annotation)[1:] == (...,)
    kind = get_args(annotation)[0] if many else annotation
    if kind not in _SCALARS:
        raise TypeError(f"parameter {name}: the annotation {annotation} is none that a job may declare")
    return kind, many, optional
