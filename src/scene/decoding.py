"""The engine process of a session: the models ask it, and its answers are delivered between frames."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from chimerax.core.session import Session

from ..decoder_process import Answer, Engine
from ..errors import InputError
from .settings import engine_python

_PATIENCE = 5.0  # seconds until the same failure is logged again


class Decoding:
    """One engine process for all models of a session, started when it is first asked."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.engine = Engine(engine_python(session))
        self._handlers = [
            session.triggers.add_handler("new frame", self._deliver),
            session.triggers.add_handler("app quit", self._quit),
        ]
        self._names = 0
        self._last_complaint = ("", 0.0)

    def new_name(self) -> str:
        """A name for a model that no other has."""
        self._names += 1
        return f"model {self._names}"

    def ask(
        self,
        what: str,
        fields: dict,
        done: Callable[[dict, np.ndarray | None], None],
        array: np.ndarray | None = None,
        channel: str | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Ask, and call ``done`` with the answer: between frames, or at once in scripts.

        Where it fails, ``failed`` is called, or the log says why; scripts stop with `InputError` or `EngineError`.
        """
        if waits(self._session):
            done(*self.call(what, fields, array))
            return
        self.engine.ask(
            what, fields, array, channel=channel, failed=failed or self.complain,
            done=lambda answer: self._pass_on(done, answer),
        )  # fmt: skip

    def _pass_on(self, done: Callable[[dict, np.ndarray | None], None], answer: Answer) -> None:
        try:
            done(answer.fields, answer.array)
        except InputError as error:  # what is asked turns out to be impossible
            self.complain(error)

    def call(self, what: str, fields: dict, array: np.ndarray | None = None) -> tuple[dict, np.ndarray | None]:
        """Ask and wait; ``InputError`` or `EngineError`, a sentence each, where it fails."""
        answer = self.engine.call(what, fields, array)
        return answer.fields, answer.array

    def open(self, fields: dict, opened: Callable[[dict], None], failed: Callable[[Exception], None]) -> None:
        """Open a model; ``opened`` is called with its facts now, and again whenever a new process has opened it."""
        errors: list[Exception] = []

        def not_opened(error: Exception) -> None:
            errors.append(error)
            failed(error)
            if not waits(self._session):
                self.complain(error)

        number = self.engine.ask("open", fields, done=lambda answer: opened(answer.fields), failed=not_opened)
        if waits(self._session):
            self.engine.wait(number)
            if errors:
                raise errors[0]

    def restart_with(self, python: str) -> None:
        """Use another Python from the next question on."""
        self.engine.close()
        self.engine = Engine(python)

    def _deliver(self, *_) -> None:
        self.engine.deliver()

    def complain(self, error: Exception) -> None:
        """Log a failure, unless the same was just logged."""
        sentence, now = str(error), time.monotonic()
        before, then = self._last_complaint
        self._last_complaint = sentence, now
        if sentence != before or now - then > _PATIENCE:  # a drag asks sixty times a second
            self._session.logger.warning(f"FlexRec: {sentence}")

    def _quit(self, *_) -> None:
        for handler in self._handlers:
            handler.remove()
        self.engine.close()


def waits(session: Session) -> bool:
    """Whether commands wait for their results: in scripts and without a window."""
    return bool(session.in_script) or not session.ui.is_gui


def decoding(session: Session) -> Decoding:
    """The session's engine process."""
    if not hasattr(session, "_flexrec_decoding"):
        session._flexrec_decoding = Decoding(session)
    return session._flexrec_decoding
