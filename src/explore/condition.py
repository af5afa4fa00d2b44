"""Conditions on columns, as a person writes them: ``defocus > 15000 and not (class == 2 or micrograph == "a.mrc")``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import InputError

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<compare><=|>=|==|!=|=|<|>)|(?P<bracket>[()])|(?P<name>[A-Za-z_][\w/.]*))"
)
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
            "==": operator.eq, "=": operator.eq, "!=": operator.ne}  # fmt: skip
_LONGEST, _DEEPEST = 2000, 40


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


@dataclass(frozen=True, eq=False)
class _Truth:
    """Rows ``(n,)`` bool of which something holds, and of which it does not; of the others nobody knows (Kleene)."""

    yes: np.ndarray
    no: np.ndarray

    def __and__(self, other: _Truth) -> _Truth:
        return _Truth(self.yes & other.yes, self.no | other.no)

    def __or__(self, other: _Truth) -> _Truth:
        return _Truth(self.yes | other.yes, self.no & other.no)

    def __invert__(self) -> _Truth:
        return _Truth(self.no, self.yes)


def rows_where(condition: str, column: Callable[[str], np.ndarray]) -> np.ndarray:
    """``(n,)`` bool: which rows fulfil a condition.

    Comparisons (<, <=, >, >=, ==, !=; also chained: ``1 < z1 < 2``) of columns, numbers and quoted texts, joined by
    ``and``, ``or``, ``not`` and brackets. ``not`` binds closest, then ``and``. ``column`` gives a column ``(n,)`` by
    its name; rows in which it is NaN fulfil no comparison of it, nor the contrary of one. ``InputError`` where the
    condition cannot be read.
    """
    if len(condition) > _LONGEST:
        raise InputError(f"The condition has {len(condition)} letters, and {_LONGEST} are allowed; say it shorter.")
    parser = _Parser(_tokens(condition), column, condition)
    truth = parser.alternatives(0)
    if parser.left:
        raise parser.mistake()
    return truth.yes


def _tokens(condition: str) -> list[_Token]:
    tokens, place = [], 0
    condition = condition.rstrip()
    while place < len(condition):
        match = _TOKEN.match(condition, place)
        if not match:
            raise InputError(f"The condition cannot be read from {condition[place : place + 20].strip()!r} on; write "
                             "such as: defocus > 15000 and class == 2.")  # fmt: skip
        tokens.append(_Token(str(match.lastgroup), match[str(match.lastgroup)]))
        place = match.end()
    return tokens


class _Parser:
    """Recursive descent; ``left`` are the tokens that are still to be read."""

    def __init__(self, tokens: list[_Token], column: Callable[[str], np.ndarray], condition: str) -> None:
        self.left, self._column, self._condition = tokens, column, condition

    def alternatives(self, depth: int) -> _Truth:
        """Terms joined by ``or``."""
        truth = self._together(depth)
        while self._take("name", "or"):
            truth = truth | self._together(depth)
        return truth

    def mistake(self) -> InputError:
        """What is said of the token that does not fit."""
        at = f"at {self.left[0].text!r}" if self.left else "at its end"
        return InputError(f"The condition {self._condition!r} cannot be read {at}; write such as: defocus > 15000 and "
                          "class == 2.")  # fmt: skip

    def _together(self, depth: int) -> _Truth:
        truth = self._single(depth)
        while self._take("name", "and"):
            truth = truth & self._single(depth)
        return truth

    def _single(self, depth: int) -> _Truth:
        if depth > _DEEPEST:
            raise InputError(f"The condition has more than {_DEEPEST} levels; say it more simply.")
        if self._take("name", "not"):
            return ~self._single(depth + 1)
        if self._take("bracket", "("):
            truth = self.alternatives(depth + 1)
            if not self._take("bracket", ")"):
                raise self.mistake()
            return truth
        return self._comparison()

    def _comparison(self) -> _Truth:
        truth, right = self._compared_with(self._operand())
        while self.left and self.left[0].kind == "compare":
            further, right = self._compared_with(right)
            truth = truth & further
        if np.ndim(truth.yes) == 0:
            raise InputError(f"The condition {self._condition!r} compares no column; name one.")
        return truth

    def _compared_with(self, left: np.ndarray | float | str) -> tuple[_Truth, np.ndarray | float | str]:
        """The comparison of what was read last with what comes next, and that."""
        if not self.left or self.left[0].kind != "compare":
            raise self.mistake()
        sign, right = self.left.pop(0).text, self._operand()
        return _compared(left, sign, right), right

    def _operand(self) -> np.ndarray | float | str:
        if not self.left or self.left[0].kind not in ("number", "text", "name"):
            raise self.mistake()
        token = self.left.pop(0)
        if token.kind == "number":
            return float(token.text)
        return token.text[1:-1] if token.kind == "text" else self._column(token.text)

    def _take(self, kind: str, text: str) -> bool:
        if self.left and self.left[0].kind == kind and self.left[0].text.lower() == text:
            self.left.pop(0)
            return True
        return False


def _compared(left: np.ndarray | float | str, sign: str, right: np.ndarray | float | str) -> _Truth:
    words = [isinstance(side, str) or np.asarray(side).dtype.kind in "OU" for side in (left, right)]
    if any(words) and (not all(words) or sign not in ("==", "=", "!=")):
        raise InputError("A text can only be compared with a text, by == or !=: put it in quotes, as in "
                         'micrograph == "a.mrc".')  # fmt: skip
    holds = np.asarray(_COMPARE[sign](left, right), bool)
    # what is not equal to itself is NaN
    known = np.asarray(left == left) & np.asarray(right == right)
    return _Truth(holds & known, ~holds & known)
