"""Parameters: declared once as fields of a frozen dataclass, read from text, held to their type, bounds and choices."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, field, fields
from numbers import Integral, Real
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from .errors import InputError

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")
_KIND = {bool: "true or false", int: "a whole number", float: "a number", str: "a word", Path: "a path"}
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
    group: str = "",
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
    group
        The part of the job that it is for, such as ``flow decoder``; empty where it is for all of it.
    """
    about = dict(help=help, unit=unit, low=low, high=high, choices=tuple(choices), advanced=advanced, example=example)
    about["group"] = group
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
    group: str = ""

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
        return _check_value(self, _parse_text(self, text))

    def check(self, value: Any) -> Any:
        """The value, in its declared type, or ``InputError`` naming parameter, value and what is allowed."""
        return _check_value(self, value)


def read_parameters(declaration: type) -> tuple[Parameter, ...]:
    """The parameters that a dataclass declares, in the order of its fields."""
    hints = get_type_hints(declaration)
    return tuple(_read_field(item, hints[item.name]) for item in fields(declaration))


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


def _parse_text(parameter: Parameter, text: str) -> Any:
    """The Python value of what a user typed; bounds are not looked at yet."""
    if parameter.optional and text.strip().lower() == "none":
        return None
    if parameter.many:
        return tuple(_parse_one(parameter, part.strip()) for part in text.split(",") if part.strip())
    return _parse_one(parameter, text)


def _parse_one(parameter: Parameter, text: str) -> Any:
    if parameter.type is bool:
        return _parse_bool(parameter, text)
    if parameter.type is Path and not text:
        raise _wrong(parameter, text)
    try:
        return parameter.type(text)
    except ValueError:
        raise _wrong(parameter, text) from None


def _parse_bool(parameter: Parameter, text: str) -> bool:
    if text.lower() in _TRUE + _FALSE:
        return text.lower() in _TRUE
    raise _wrong(parameter, text)


def _check_value(parameter: Parameter, value: Any) -> Any:
    """``value`` in the declared type, or ``InputError`` naming the parameter, the value and what is allowed."""
    if value is None and (parameter.optional or parameter.job):
        return None
    if not parameter.many:
        return _check_one(parameter, value)
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise _wrong(parameter, value)
    return tuple(_check_one(parameter, item) for item in value)


def _check_one(parameter: Parameter, value: Any) -> Any:
    value = _typed(parameter, value)
    if parameter.choices and value not in parameter.choices:
        allowed = ", ".join(str(choice) for choice in parameter.choices)
        raise InputError(f"{parameter.name} is {value}, but must be one of: {allowed}.")
    too_low = parameter.low is not None and value < parameter.low
    too_high = parameter.high is not None and value > parameter.high
    if too_low or too_high:
        raise InputError(f"{parameter.name} is {value}, but must be {bounds_text(parameter)}.")
    return value


def _typed(parameter: Parameter, value: Any) -> Any:
    """The value in its declared type where nothing is lost by it (3 is a number, but 3.0 is no whole number)."""
    kind = parameter.type
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if kind is float and isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind is str and isinstance(value, str):
        return value
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value).expanduser()
    raise _wrong(parameter, value)


def _wrong(parameter: Parameter, value: Any) -> InputError:
    wanted = _KIND[parameter.type]
    wanted = f"a comma list, each {wanted}" if parameter.many else wanted
    return InputError(f"{parameter.name} is {str(value)!r}, but must be {wanted}.")


def bounds_text(parameter: Parameter) -> str:
    """The bounds in words, with the unit: ``from 4 to 80 cells``; empty where there are none."""
    unit = f" {parameter.unit}" if parameter.unit else ""
    low, high = parameter.low, parameter.high
    if low is not None and high is not None:
        return f"from {low:g} to {high:g}{unit}"
    if low is not None:
        return f"at least {low:g}{unit}"
    if high is not None:
        return f"at most {high:g}{unit}"
    return ""
