"""One run of a process that talks in messages, and the threads on its pipes so that no other thread has to wait."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import IO, Any, BinaryIO

import numpy as np

from ..environment import booted, passed_environment
from .failure import how_it_ended
from .messages import MalformedError, enlarge, read_message, write_all

_SERVE = "chimerax.flexrec.decoder_process.__main__"
_LINES, _LINE = 40, 2000  # of standard error that are kept
_GRACE = 5.0  # seconds that the end of a killed process may take
if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NO_WINDOW
else:
    _FLAGS = 0

Event = tuple[dict, np.ndarray | None] | None


def engine_words(backend: str) -> list[str]:
    """What follows a Python's name to run the engine process in it, from the very files that we run from."""
    return [*booted(_SERVE), "--backend", backend]


class Child:
    """A running process: ``words`` follow the name of the Python. ``OSError`` where ``python`` cannot be run."""

    def __init__(self, python: str, words: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [python, *words], bufsize=0, cwd=tempfile.gettempdir(), env=passed_environment(python),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            creationflags=_FLAGS,
        )  # fmt: skip
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._outbox: SimpleQueue[list | None] = SimpleQueue()
        self._words: deque[str] = deque(maxlen=_LINES)
        to_it, from_it, errors = map(_pipe, (self._process.stdin, self._process.stdout, self._process.stderr))
        enlarge(to_it)
        listening = _thread(_listen, errors, self._words)
        sending = _thread(_send, to_it, self._outbox)
        receiving = _thread(_receive, self._process, from_it, self._events, listening)
        self._threads = [(receiving, from_it), (sending, to_it), (listening, errors)]

    @property
    def words(self) -> list[str]:
        """The newest lines of its standard error."""
        return list(self._words)

    def send(self, parts: list) -> None:
        """Have a packed message written when the pipe takes it."""
        self._outbox.put(parts)

    def event(self, seconds: float = 0.0) -> Event:
        """The next header and array, or None when there will be no more; ``queue.Empty`` after ``seconds``."""
        return self._events.get(timeout=seconds) if seconds else self._events.get_nowait()

    @property
    def ended(self) -> bool:
        """Whether the process is no more, though its last messages may not have been read."""
        return self._process.poll() is not None

    @property
    def killed(self) -> bool:
        """Whether it has ended by a signal."""
        return (self._process.returncode or 0) < 0

    def ending(self) -> str:
        """How a process ended that says no more, as a clause."""
        self.end()
        return how_it_ended(self._process.returncode, self.words)

    def end(self) -> None:
        """Kill it, if it lives, and leave neither a zombie nor a thread."""
        self._process.kill()
        self._process.wait()
        self._outbox.put(None)
        for thread, file in self._threads:
            thread.join(_GRACE)  # not for ever: a process that it started may hold its pipes
            if not thread.is_alive():
                file.close()


def _pipe(file: IO[bytes] | None) -> io.FileIO:
    """One of a process's pipes, which has no buffer of its own."""
    if not isinstance(file, io.FileIO):
        raise OSError("the process has no pipes")
    return file


def _thread(work: Callable, *words: Any) -> threading.Thread:
    thread = threading.Thread(target=work, args=words, name=f"engine {work.__name__}", daemon=True)
    thread.start()
    return thread


def _receive(process: subprocess.Popen, pipe: io.FileIO, events: SimpleQueue, listening: threading.Thread) -> None:
    """Messages, and None when the process has ended and its last lines are read; no other thread waits for that."""
    file = io.BufferedReader(pipe, 1 << 16)
    try:
        while (message := _next(file)) is not None:
            events.put(message)
    except (OSError, ValueError):  # closed
        pass
    finally:
        file.detach()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
        listening.join(_GRACE)
        events.put(None)


def _next(file: io.BufferedIOBase) -> Event:
    try:
        return read_message(file, None)
    except MalformedError as mistake:
        return {"id": mistake.number, "error": f"its answer was lost: {mistake}", "kind": mistake.kind}, None


def _send(file: BinaryIO, outbox: SimpleQueue) -> None:
    while (parts := outbox.get()) is not None:
        try:
            write_all(file, parts)
        except (OSError, ValueError):  # the process has ended, which the receiving thread tells
            return


def _listen(file: io.FileIO, words: deque) -> None:
    buffered = io.BufferedReader(file)
    try:
        while line := buffered.readline(_LINE):
            words.append(line.decode("utf-8", "replace").rstrip())
    except (OSError, ValueError):  # closed
        pass
    finally:
        buffered.detach()
