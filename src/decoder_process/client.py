"""Ask the engine process, and have the answers come by callback: nothing here waits but `call` and `wait`."""

from __future__ import annotations

import itertools
import os
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import Empty
from typing import Any

import numpy as np

from ..errors import InputError
from .child import Child, Event, engine_words
from .client_models import Opened
from .failure import EngineError
from .messages import LINE_LIMIT, NUMBERS, PROTOCOL, packed
from .request import Answer, Outcome, Request, ignore, outcome

LIMIT = 300.0  # seconds in which the engine answers a request once it has come to it
_PAUSE = 0.2  # seconds between looks at the clock while waiting
_END_DELAY = 1.0  # seconds between the end of a killed process and when it is seen, at most
_REST = 2.0  # seconds for which a Python that could not start is not tried again: a drag asks sixty times a second


class Engine:
    """The engine process, started at the first request and again after its end.

    All methods are for one thread, the main one; `deliver` runs the callbacks there. What was opened and anchored is
    opened and anchored again in a new process, and ``done`` of those requests is called again. Requests that were under
    way when the process ended fail, and say why; those that were only just asked are asked again, once.

    Parameters
    ----------
    python : which runs the process (this one's if None). It needs numpy, scipy and mrcfile, and no FlexRec of its own.
    backend : numba, numpy, or auto: numba where there is one.
    """

    def __init__(self, python: str | os.PathLike[str] | None = None, backend: str = "auto") -> None:
        self.python = str(python or sys.executable)
        self.hello: dict | None = None  # the process's first answer; None while there is none
        self._backend = backend
        self._numbers = itertools.count(1)
        self._child: Child | None = None
        self._end: Callable[[], None] | None = None
        self._pending: dict[int, Request] = {}
        self._outcomes: deque[tuple[Request, Outcome]] = deque()
        self._opened = Opened()
        self._last_event = 0.0
        self._unusable: tuple[float, EngineError] | None = None
        self._failed_starts = 0  # starts, one after the other, that ended before the first answer

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def waiting(self) -> int:
        """Requests whose callbacks have not run yet."""
        return len(self._pending) + len(self._outcomes)

    @property
    def words(self) -> list[str]:
        """The newest lines that the process wrote on standard error."""
        return self._child.words if self._child else []

    def ask(
        self,
        ask: str,
        fields: dict | None = None,
        array: np.ndarray | None = None,
        *,
        channel: str | None = None,
        done: Callable[[Answer], Any] = ignore,
        failed: Callable[[Exception], Any] | None = None,
        limit: float = LIMIT,
    ) -> int:
        """Send a request of docs/engine_process.md and return its number at once.

        Parameters
        ----------
        array : sent with it as float32. channel : a newer request of the channel makes this one stale: then neither
            callback runs. done : takes the `Answer`. failed : takes an ``InputError`` or `EngineError`; without it
            `deliver` raises the error. limit : seconds of work after which the process is given up.
        """
        fields = {**(fields or {}), "ask": ask} | ({} if channel is None else {"channel": channel})
        if "path" in fields:
            fields["path"] = str(Path(fields["path"]).absolute())
        # a copy, for the caller may go on to change the array before it is written
        array = None if array is None else np.array(array, NUMBERS, order="C")
        request = self._request(fields, array, done, failed or _raised, limit)
        try:
            self._start()
            self._post(request)
        except (EngineError, InputError) as error:
            self._outcomes.append((request, error))
        return request.number

    def call(
        self, ask: str, fields: dict | None = None, array: np.ndarray | None = None, limit: float = LIMIT
    ) -> Answer:
        """Ask, wait for the answer, and return it or raise its error. Other callbacks run meanwhile."""
        came: list = []
        self.wait(self.ask(ask, fields, array, done=came.append, failed=came.append, limit=limit))
        if isinstance(came[0], Exception):
            raise came[0]
        return came[0]

    def wait(self, number: int, seconds: float | None = None) -> bool:
        """Deliver until a request has its outcome; False if it has none after ``seconds``."""
        end = float("inf") if seconds is None else time.monotonic() + seconds
        self.deliver()
        while number in self._pending:
            left = end - time.monotonic()
            if left <= 0 or self._child is None:
                return False
            with suppress(Empty):
                self._take(self._child.event(min(left, _PAUSE)))
            self.deliver()
        return True

    def deliver(self) -> None:
        """Run the callbacks of all that has come, without waiting. Of a channel's answers only the newest counts."""
        with suppress(Empty):
            while self._child is not None:
                self._take(self._child.event())
        self._check_time_limit()
        while self._outcomes:
            request, came = self._outcomes.popleft()
            if isinstance(came, Answer):
                self._opened.answered(request)
                request.done(came)
            elif came is not None:
                request.failed((isinstance(came, InputError) and self._opened.why(request)) or came)

    def cancel(self, number: int) -> None:
        """Want no answer to a request: its callbacks do not run, and it is not begun if it has not been."""
        self._outcomes = deque(pair for pair in self._outcomes if pair[0].number != number)
        request = self._pending.get(number)
        if request is not None:
            silent = Request(number, request.fields, None, ignore, ignore, request.limit, request.asked)
            self._pending[number] = silent
            self._post(self._request({"ask": "cancel", "cancels": number}))

    def close(self) -> None:
        """End the process and forget everything; no callback runs. A later request starts it anew."""
        self._stop()
        self._pending.clear()
        self._outcomes.clear()
        self._opened.clear()

    # ----- the process -----

    def _request(self, fields: dict, array=None, done=ignore, failed=ignore, limit: float = LIMIT) -> Request:
        return Request(next(self._numbers), fields, array, done, failed, limit, time.monotonic())

    def _start(self) -> None:
        """Have a process, which knows again what was opened; `EngineError` where none can be had."""
        with suppress(Empty):
            while self._child is not None and self._child.ended:  # while nobody asked, it may be
                self._take(self._child.event(_PAUSE))
        if self._child is not None:
            return
        if self._unusable and time.monotonic() - self._unusable[0] < _REST:
            raise self._unusable[1]
        try:
            self._child = Child(self.python, engine_words(self._backend))
        except OSError as error:
            why = f"{self.python} cannot be run ({error.strerror}); give the path of a Python."
            raise EngineError(why, "start") from error
        self._end = weakref.finalize(self, self._child.end)
        self._post(self._request({"ask": "hello"}))
        for old in self._opened.again():
            lost = partial(self._opened.lose, old)
            self._post(self._request(old.fields, old.array, old.done, lost, old.limit))

    def _post(self, request: Request) -> None:
        parts = packed({"id": request.number, **request.fields}, request.array)
        if len(parts[0]) > LINE_LIMIT:
            raise InputError(f"{request.ask} has too many numbers for one line; ask in pieces, or send an array.")
        if self._child is None:
            raise EngineError(f"there is no engine process to {request.ask}; ask again.", "ended")
        self._pending[request.number] = request
        self._child.send(parts)

    def _stop(self) -> None:
        if self._end is not None:
            self._end()
        self._child = self._end = self.hello = None

    def _refuse(self, error: EngineError) -> None:
        """Do without a process for a while: starting it again would not mend this."""
        self._unusable = time.monotonic(), error
        self._fail_pending(error, error)

    def _fail_pending(self, first: Exception, others: Exception) -> None:
        """End the process; the request it was at fails for one reason, those behind it for another."""
        self._stop()
        unanswered, self._pending = self._pending, {}
        for i, request in enumerate(unanswered.values()):
            self._outcomes.append((request, others if i else first))

    # ----- answers -----

    def _take(self, event: Event) -> None:
        """Find out what an event means; callbacks run later."""
        self._last_event = time.monotonic()
        if event is None:
            self._handle_end()
            return
        request = self._pending.pop(event[0].get("id", -1), None)
        if request is None:
            return
        came = outcome(*event)
        if request.ask == "hello" and isinstance(came, Answer) and not self._check_protocol(came):
            return
        if request.channel is not None and came is not None:
            self._outcomes = deque(pair for pair in self._outcomes if not _superseded(*pair, request.channel))
        self._outcomes.append((request, came))

    def _check_protocol(self, answer: Answer) -> bool:
        """Whether the process has this protocol; where it has another, requests fail."""
        theirs = answer.fields.get("protocol")
        if theirs == PROTOCOL:
            self.hello, self._failed_starts = answer.fields, 0
            return True
        why = f"FlexRec was changed while this program runs (protocol {PROTOCOL}, now {theirs}); restart the program."
        self._refuse(EngineError(why, "version"))
        return False

    def _handle_end(self) -> None:
        """The process has ended by itself."""
        if self._child is None:
            return
        how = self._child.ending()
        self._failed_starts = self._failed_starts + 1 if self.hello is None else 0
        # a start that somebody killed may succeed the next time; one that fails by itself, or always ends, will not
        if self._failed_starts > self._child.killed:
            self._refuse(EngineError(f"the engine could not start: {self.python} {how}", "start"))
            return
        error = EngineError(f"the engine process {how}; it starts again with the next request.", "ended")
        again = [request for request in self._pending.values() if _asked_before_end(request, self._last_event)]
        for request in again:
            del self._pending[request.number]
        self._fail_pending(error, error)
        for request in again:
            self._repeat(request)

    def _repeat(self, request: Request) -> None:
        request = replace(request, repeated=True)
        try:
            self._start()
            self._post(request)
        except EngineError as error:
            self._outcomes.append((request, error))

    def _check_time_limit(self) -> None:
        """The process answers in order, so that only the oldest request can be late."""
        oldest = next(iter(self._pending.values()), None)
        if oldest is None or time.monotonic() - max(oldest.asked, self._last_event) <= oldest.limit:
            return
        late = f"the engine did not answer {oldest.ask} within {oldest.limit:g} s"
        again = "and was ended; it starts again with the next request."
        behind = EngineError(f"{late}, asked before this, {again}", "late")
        self._fail_pending(EngineError(f"{late} {again}", "late"), behind)


def _asked_before_end(request: Request, seen: float) -> bool:
    """Whether it was asked so shortly before the end was ``seen`` that the process may have been ending already."""
    return not request.repeated and request.ask != "hello" and seen - request.asked < _END_DELAY


def _superseded(request: Request, came: Outcome, channel: str) -> bool:
    return request.channel == channel and isinstance(came, Answer)


def _raised(error: Exception) -> None:
    raise error
