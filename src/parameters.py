"""Parameters: declared once as fields of a frozen dataclass, read from text, held to their type, bounds and choices."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from numbers import Integral, Real
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from .errors import InputError

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")
_KIND = {bool: "true or false", int: "a whole number", float: "a number", str: "a word", Path: "a path"}
_WORDS = _KIND | {Path: "a file or folder"}
_SHORT = {int: "N", float: "X", str: "name", Path: "file", bool: "true | false"}
_SCALARS = (bool, int, float, str, Path)
_COUNTS = {1: "one", 2: "two", 3: "three"}
MOST = 2**31 - 1  # of whole numbers without a bound: no array holds as many things
READ, WRITE, READ_FOLDER, WRITE_FOLDER = "read", "write", "read folder", "write folder"  # what a path is for


@dataclass(frozen=True)
class Form:
    """What a text must look like.

    ``word`` and ``name`` say it, in short and at length; ``read`` gives the text as it is kept, or raises
    ``ValueError`` where it is none.
    """

    word: str
    name: str
    read: Callable[[str], str]


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
    newest: bool = True,
    example: str = "",
    positional: bool = False,
    repeated: bool = False,
    form: Form | None = None,
    path: str = "",
    needs: str = "",
    one_of: str = "",
    group: str = "",
) -> Any:
    """Declare one field of a frozen parameter dataclass; without ``default`` it is required.

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
        finished one in the project, unless ``newest`` is False: then it is none.
    example
        What such a value looks like, shown in an empty field.
    positional
        It may stand without its name; in the terminal where it is required.
    repeated
        The values of a tuple are given one by one (``points p1 p2``), not as a comma list.
    form
        What a text must look like, beside being a word.
    path
        What a path is for, by which a host asks for it: `READ`, `WRITE`, `READ_FOLDER` or `WRITE_FOLDER`.
    needs
        What a host must have for it: see `actions.action`. Where it has not, the parameter is not there.
    one_of
        A group of which exactly one must be given, where all of the group are there.
    group
        The part that it is for, such as ``flow decoder``; empty where it is for all of it.
    """
    about = dict(help=help, unit=unit, low=low, high=high, choices=tuple(choices), advanced=advanced, example=example)
    about |= dict(positional=positional, repeated=repeated, form=form, path=path, needs=needs, one_of=one_of)
    about |= dict(group=group, newest=newest)
    about["job"] = (job,) if isinstance(job, str) else tuple(job or ())
    return field(default=default, kw_only=True, metadata=about)


@dataclass(frozen=True)
class Parameter:
    """One declared parameter, with the type read from the annotation.

    ``type`` is bool, int, float, str or Path; ``many`` means a tuple of them, of ``length`` values where that is not 0;
    ``optional`` admits None; ``default`` is ``dataclasses.MISSING`` where the parameter is required; ``job`` holds the
    verbs whose folders it accepts (empty: an ordinary value), the newest where ``newest`` and none is given.
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
    length: int = 0
    positional: bool = False
    repeated: bool = False
    form: Form | None = None
    path: str = ""
    needs: str = ""
    one_of: str = ""
    group: str = ""
    newest: bool = True

    @property
    def required(self) -> bool:
        """Whether the user must give it (a job folder can always be left out: the newest is taken)."""
        return self.default is MISSING and not self.job

    @property
    def option(self) -> str:
        """Its name in the terminal: ``--batch-size``."""
        return "--" + self.name.rstrip("_").replace("_", "-")

    @property
    def word(self) -> str:
        """Its name in ChimeraX: ``batchSize``; without the blank that keeps a word of Python from being taken."""
        return typed(self.name)

    @property
    def spellings(self) -> tuple[str, ...]:
        """The names by which it may be given: colours may be spelt as in America."""
        other = {"colour": "color", "color": "colour"}.get(self.name)
        return (self.name.rstrip("_"),) if other is None else (self.name, other)

    def parse(self, text: str, unset: bool = True) -> Any:
        """The value written as ``text`` (a comma list for tuples), checked; ``unset``: ``none`` may be None."""
        return _check_value(self, _parse_text(self, text, unset))

    def check(self, value: Any) -> Any:
        """The value, in its declared type, or ``InputError`` naming parameter, value and what is allowed."""
        return _check_value(self, value)


def typed(name: str) -> str:
    """A name as it is typed in ChimeraX: ``in_angstroms`` is inAngstroms."""
    first, *others = name.rstrip("_").split("_")
    return first + "".join(other.capitalize() for other in others)


def read_parameters(declaration: type) -> tuple[Parameter, ...]:
    """The parameters that a dataclass declares, in the order of its fields."""
    hints = get_type_hints(declaration)
    return tuple(_read_field(item, hints[item.name]) for item in fields(declaration))


def build_parameters(verb: str, declaration: type, values: Mapping[str, Any]) -> Any:
    """An instance of a declaration from the values given, each checked; the rest take their defaults.

    Job folders that were not given stay None until the project is known (see ``inputs.resolve_inputs``).
    """
    options = {option.name: option for option in read_parameters(declaration)}
    for name in values:
        if name not in options:
            raise InputError(f"{verb} has no parameter {name}; it has {', '.join(options)}.")
    return declaration(**{name: _value(verb, option, values) for name, option in options.items()})


def _value(verb: str, option: Parameter, values: Mapping[str, Any]) -> Any:
    if option.name in values:
        return option.check(values[option.name])
    if option.required:
        raise InputError(f"{verb} needs {option.name}: {option.help}")
    return None if option.default is MISSING else option.default


def _read_field(item: Any, annotation: Any) -> Parameter:
    kind, length, optional = _read_annotation(item.name, annotation)
    return Parameter(
        name=item.name, type=kind, many=length is not None, length=length or 0, optional=optional,
        default=item.default, **item.metadata,
    )  # fmt: skip


def _read_annotation(name: str, annotation: Any) -> tuple[type, int | None, bool]:
    """``(scalar type, length, optional)`` of ``int``, ``int | None``, ``tuple[int, ...]``, ``tuple[int, int]``.

    The length is None where it is no tuple, and 0 where the tuple may have any.
    """
    optional = False
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        optional = len(kinds) < len(get_args(annotation))
        annotation = kinds[0] if len(kinds) == 1 else annotation
    kinds = get_args(annotation) if get_origin(annotation) is tuple else (annotation,)
    open_ended = kinds[1:] == (...,)
    if kinds[0] not in _SCALARS or not (open_ended or len(set(kinds)) == 1):
        raise TypeError(f"parameter {name}: the annotation {annotation} is none that may be declared")
    length = None if get_origin(annotation) is not tuple else 0 if open_ended else len(kinds)
    return kinds[0], length, optional


def _parse_text(parameter: Parameter, text: str, unset: bool) -> Any:
    """The Python value of what a user typed; bounds are not looked at yet."""
    if unset and parameter.optional and text.strip().lower() == "none":
        return None
    if parameter.repeated:
        return (_parse_one(parameter, text),)
    if not parameter.many:
        return _parse_one(parameter, text)
    if not parameter.length:
        return tuple(_parse_one(parameter, part.strip()) for part in text.split(",") if part.strip())
    try:
        values = tuple(_parse_one(parameter, part.strip()) for part in text.split(","))
    except InputError:
        values = ()
    if len(values) != parameter.length:
        raise InputError(f"{parameter.word}: {text!r} must be {_list_words(parameter)}.")
    return values


def _parse_one(parameter: Parameter, text: str) -> Any:
    if parameter.type is bool:
        return _parse_bool(parameter, text)
    if (parameter.type is Path or parameter.form) and not text:
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
    values = tuple(_check_one(parameter, item) for item in value)
    if parameter.length and len(values) != parameter.length:
        raise _wrong(parameter, value)
    return values


def _check_one(parameter: Parameter, value: Any) -> Any:
    value = _typed(parameter, value)
    if parameter.choices and value not in parameter.choices:
        allowed = ", ".join(str(choice) for choice in parameter.choices)
        raise InputError(f"{parameter.name} is {value}, but must be one of: {allowed}.")
    too_low = parameter.low is not None and value < parameter.low
    too_high = parameter.high is not None and value > parameter.high
    if parameter.type is int and parameter.high is None and value > MOST:
        raise InputError(f"{parameter.name} is {value}, but must be at most {MOST}.")
    if too_low or too_high:
        raise InputError(f"{parameter.name} is {value}, but must be {bounds_text(parameter)}.")
    return value


def _typed(parameter: Parameter, value: Any) -> Any:
    """The value in its declared type where nothing is lost by it (3 is a number, but 3.0 is no whole number).

    What has a form and is no text was read by the host, which knows what it is.
    """
    kind = parameter.type
    if parameter.form is not None:
        return _formed(parameter, value) if isinstance(value, str) else value
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if kind is float and isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind is str and isinstance(value, str):
        return value
    if kind is Path and isinstance(value, (str, Path)):
        return Path(os.path.expanduser(value))  # Path's own raises where there is no such user
    raise _wrong(parameter, value)


def _formed(parameter: Parameter, text: str) -> str:
    try:
        return parameter.form.read(text)
    except ValueError:
        raise _wrong(parameter, text) from None


def _wrong(parameter: Parameter, value: Any) -> InputError:
    wanted = parameter.form.name if parameter.form else _KIND[parameter.type]
    wanted = f"a comma list, each {wanted}" if parameter.many and not parameter.repeated else wanted
    return InputError(f"{parameter.name} is {str(value)!r}, but must be {wanted}{_suggestion(parameter, value)}.")


def _suggestion(parameter: Parameter, value: Any) -> str:
    """What to write for a number with its unit or a decimal comma; empty where that is not plain."""
    if parameter.type not in (int, float) or not isinstance(value, str) or re.search(r",\d{3}$", value):
        return ""
    number = re.sub(r"\s*[^\W\d_]*[°%²]?$", "", value.strip()).replace(",", ".")
    try:
        return f"; write {number}" if math.isfinite(parameter.type(number)) else ""
    except ValueError:
        return ""


def value_words(parameter: Parameter) -> str:
    """What may be given, in words: ``a whole number from 4 to 80 cells``, ``two numbers with a comma between them``."""
    if parameter.choices and not parameter.many:
        return " or ".join(map(str, parameter.choices))
    if parameter.form is not None:
        return parameter.form.name
    if parameter.job:
        return "a job's number or folder"
    bounds = bounds_text(parameter).replace("at least", "from")
    words = _list_words(parameter) if parameter.many and not parameter.repeated else _WORDS[parameter.type]
    return f"{words} {bounds}".strip() + (" or none" if parameter.optional and parameter.default is not None else "")


def short_words(parameter: Parameter) -> str:
    """The same as a word, as usages have it: ``N``, ``X,Y``, ``file``."""
    if parameter.form is not None:
        return parameter.form.word
    if parameter.job:
        return "job"
    word = "folder" if "folder" in parameter.path else _SHORT[parameter.type]
    if parameter.repeated or not parameter.many:
        return word
    return ",".join([word] * parameter.length) if parameter.length else f"{word},…"


def _list_words(parameter: Parameter) -> str:
    """``two whole numbers with a comma between them``; ``numbers with commas between them``."""
    things = _WORDS[parameter.type].partition(" ")[2] + "s"
    if not parameter.length:
        return f"{things} with commas between them"
    return f"{_COUNTS[parameter.length]} {things} with a comma between them"


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
