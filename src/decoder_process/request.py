"""What was asked, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from .failure import EngineError


@dataclass(frozen=True, eq=False)
class Answer:
    """``fields`` of the answer's line; ``array`` float32 of whatever shape, or None."""

    fields: dict
    array: np.ndarray | None


def ignore(_: Any) -> None:
    """The callback of a request whose answer is not used."""


@dataclass(frozen=True, eq=False)
class Request:
    """A request under way.

    Attributes
    ----------
    number : its id. fields : its line, without the id. array : float32 that goes with it, or None.
    done, failed : its callbacks. limit : seconds that it may take. asked : when, by ``time.monotonic``.
    repeated : whether the first process that was asked ended at once.
    """

    number: int
    fields: dict
    array: np.ndarray | None
    done: Callable[[Answer], Any]
    failed: Callable[[Exception], Any]
    limit: float
    asked: float
    repeated: bool = False

    @property
    def ask(self) -> str:
        """What is asked."""
        return self.fields["ask"]

    @property
    def channel(self) -> str | None:
        """In which a newer request makes this one stale."""
        return self.fields.get("channel")

    @property
    def model(self) -> str | None:
        """The name of the model that is asked."""
        return self.fields.get("model")


Outcome = Answer | Exception | None  # None: a newer request has made it stale


def outcome(header: dict, array: np.ndarray | None) -> Outcome:
    """What the engine's answer means."""
    if "error" in header:
        kind, sentence = header.get("kind"), str(header["error"])
        return InputError(sentence) if kind == "input" else EngineError(sentence, str(kind))
    return None if header.get("dropped") else Answer(header, array)
