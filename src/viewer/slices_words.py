"""A command's words outside ChimeraX: what arguments it takes, of what kinds, and their values in a line.

They are declared as ChimeraX's own (``src/commands/``), of which these are a part; tests/test_chimerax_words.py holds
that, and `typed` and the names of Python's keywords are as there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from keyword import iskeyword
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..explore.anchors import FORMS, are_anchors

# as ChimeraX has it, a quote in the middle of a word is a letter like others, and so is a backslash
_WORD = re.compile(r"""\s*(?:"(.*?)"|'(.*?)'|([^"'\s]\S*))(?=\s|$)""")
_YES, _NO, _COLOUR = ("true", "on", "1"), ("false", "off", "0"), re.compile("#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Kind:
    """What an argument is, in words, and how it is read: ``read`` raises ``ValueError`` where a text is none."""

    name: str
    read: Callable[[str], Any]
    often: bool = False


@dataclass(frozen=True)
class Takes:
    """The arguments of a command, by name: first those without a keyword in their order, then the keywords'."""

    required: Mapping[str, Kind] = field(default_factory=dict)
    optional: Mapping[str, Kind] = field(default_factory=dict)
    keyword: Mapping[str, Kind] = field(default_factory=dict)
    needed: tuple[str, ...] = ()  # of the keywords


def split_words(line: str) -> list[str]:
    """The words of a line; those with blanks stand in quotes."""
    words, place = [], 0
    while line[place:].strip():
        found = _WORD.match(line, place)
        if found is None:
            raise InputError(f"{line}: a quote is not closed.")
        words.append(next(one for one in found.groups() if one is not None))
        place = found.end()
    return words


def read_arguments(verb: str, takes: Takes, words: list[str]) -> dict[str, Any]:
    """The values of what is given, by name; ``InputError``, which says which word is wrong."""
    named: dict[str, Any] = {}
    keywords = {typed(name): name for name in takes.keyword}
    rest = list(words)
    for name, kind in (*takes.required.items(), *takes.optional.items()):
        required = name in takes.required
        if required and not rest:
            raise InputError(f"{verb} needs {name}: {kind.name}.")
        while rest and (required or rest[0] not in keywords):
            _put(named, verb, name, kind, rest.pop(0))
            if not kind.often:
                break
            required = False
    while rest:
        word = rest.pop(0)
        if word not in keywords:
            known = f"its options are {', '.join(keywords)}" if keywords else "it has no options"
            raise InputError(f"{verb} does not know {word!r}; {known}.")
        name = keywords[word]
        kind = takes.keyword[name]
        if not rest:
            raise InputError(f"{verb}: {word} must be {kind.name}, and nothing follows it.")
        if name in named and not kind.often:
            raise InputError(f"{verb}: {word} is given twice.")
        _put(named, verb, name, kind, rest.pop(0))
    for name in takes.needed:
        if name not in named:
            raise InputError(f"{verb} needs {typed(name)}: {takes.keyword[name].name}.")
    return {f"{name}_" if iskeyword(name) else name: value for name, value in named.items()}  # and_, as in ChimeraX


def typed(name: str) -> str:
    """As it is typed: ``in_angstroms`` is inAngstroms."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _put(named: dict[str, Any], verb: str, name: str, kind: Kind, text: str) -> None:
    try:
        value = kind.read(text)
    except ValueError:
        raise InputError(f"{verb}: {typed(name)} must be {kind.name}, not {text!r}.") from None
    if kind.often:
        named.setdefault(name, []).append(value)
    else:
        named[name] = value


# ----- kinds -----


def choice(*values: str) -> Kind:
    """One of some words."""
    return Kind(" or ".join(values), lambda text: _that_is(text, text in values))


def often(kind: Kind) -> Kind:
    """Given once or more; its values are a list."""
    return Kind(kind.name, kind.read, often=True)


def _that_is(value: Any, so: bool) -> Any:
    if not so:
        raise ValueError
    return value


def _number(text: str, low: float = -math.inf, high: float = math.inf) -> float:
    value = float(text)
    return _that_is(value, math.isfinite(value) and low <= value <= high)


def _whole(text: str, low: float = -math.inf, high: float = 2**31 - 1) -> int:
    value = int(text)
    return _that_is(value, low <= value <= high)


def _percentiles(text: str) -> tuple[float, ...]:
    return _two(tuple(_number(word, 0, 100) for word in text.split(",")))


def _two(values: tuple) -> tuple:
    return _that_is(values, len(values) == 2)


def _two_whole(text: str) -> tuple:
    return _two(tuple(_whole(word) for word in text.split(",")))


def _anchors(text: str) -> str:
    return _that_is(text, are_anchors(text))


def _filled(text: str) -> str:
    return _that_is(text, bool(text))


text = Kind("a text, in quotes where it has blanks", _filled)
file = Kind("a file or folder, in quotes where its name has blanks", lambda text: Path(_filled(text)).expanduser())


def number(low: float, high: float = math.inf) -> Kind:
    """A finite number within bounds, which are allowed."""
    return Kind(f"a number from {low:g}" + (f" to {high:g}" if math.isfinite(high) else ""),
                lambda text: _number(text, low, high))  # fmt: skip


def whole(low: int, high: int) -> Kind:
    """A whole number within bounds, which are allowed."""
    return Kind(f"a whole number from {low} to {high}", lambda text: _whole(text, low, high))


share = Kind("a number from 0 to 1", lambda text: _number(text, 0, 1))
whole_from_0 = Kind("a whole number from 0", lambda text: _whole(text, 0))
whole_from_1 = Kind("a whole number from 1", lambda text: _whole(text, 1))
percentiles = Kind("two numbers from 0 to 100 with a comma between them", _percentiles)
two_whole = Kind("two whole numbers with a comma between them", _two_whole)
yes_no = Kind("true or false", lambda text: _that_is(text, text in _YES + _NO) in _YES)
anchors = Kind(f"a latent point ({FORMS})", _anchors)
colour = Kind("a colour such as #d62728", lambda text: _that_is(text, bool(_COLOUR.fullmatch(text))).lower())
