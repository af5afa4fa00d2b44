"""One model's questions to the engine process, in which it is opened when it is first asked about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from chimerax.core.session import Session

from ..reading import Reading
from .decoding import decoding

Done = Callable[[dict, Any], None]
Failed = Callable[[Exception], None]


class ModelClient:
    """Questions about the model that ``path`` opens, read as ``reading`` says, until it is closed: then none is asked,
    and no answer delivered.

    ``opened`` is called with the facts whenever the process has opened the model, which it does anew after a crash:
    training may have written a newer one since.
    """

    def __init__(self, session: Session, path: Path, opened: Callable[[dict], None], reading: Reading) -> None:
        self._decoding = decoding(session)
        self._name, self._path, self._on_opened = self._decoding.new_name(), str(path), opened
        self._reading = reading.fields()
        self._engine: object = None  # in which it is open, or being opened
        self._closed = False

    def ask(
        self, what: str, fields: dict, done: Done, array: np.ndarray | None = None, channel: str | None = None,
        failed: Failed | None = None,
    ) -> None:  # fmt: skip
        """Ask about the model; see `Decoding.ask`. Of one model's ``channel`` only the newest question counts."""
        if self._closed:
            return
        self._open()
        own_channel = None if channel is None else f"{self._name} {channel}"
        done, failed = self._while_open(done), self._while_open(failed or self.complain)
        self._decoding.ask(what, {"model": self._name, **fields}, done, array, own_channel, failed)

    def call(self, what: str, fields: dict, array: np.ndarray | None = None) -> tuple[dict, np.ndarray | None]:
        """Ask about the model, and wait; `InputError` or `EngineError` where it fails."""
        self._open()
        return self._decoding.call(what, {"model": self._name, **fields}, array)

    def complain(self, error: Exception) -> None:
        """Log why an answer does not come."""
        self._decoding.complain(error)

    def open_again(self, path: Path | None = None) -> None:
        """Have the process read the model again before the next question; from another ``path`` where that is given."""
        self._engine, self._path = None, self._path if path is None else str(path)

    def close(self) -> None:
        """Let the process forget the model."""
        if self._engine is self._decoding.engine:
            self._decoding.engine.ask("close", {"model": self._name}, failed=lambda error: None)
        self._engine, self._closed = None, True

    def _open(self) -> None:
        if self._engine is self._decoding.engine:
            return
        self._engine = self._decoding.engine
        fields = {"model": self._name, "path": self._path, "reading": self._reading}
        self._decoding.open(fields, self._opened, self._not_opened)

    def _while_open(self, callback: Callable) -> Callable:
        def call_while_open(*answer: object) -> None:
            if not self._closed:
                callback(*answer)

        return call_while_open

    def _opened(self, facts: dict) -> None:
        if self._engine is not None:
            self._on_opened(facts)

    def _not_opened(self, _: Exception) -> None:
        self._engine = None  # the next question tries again
