"""Values of declared parameters: read from text, held to their type, bounds and choices."""

from __future__ import annotations

import math
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    from .declare import Parameter

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")
_KIND = {bool: "true or false", int: "a whole number", float: "a number", str: "a word", Path: "a path"}


def parse_text(parameter: Parameter, text: str) -> Any:
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


def check_value(parameter: Parameter, value: Any) -> Any:
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
