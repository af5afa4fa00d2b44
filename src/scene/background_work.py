"""Work that must not keep the window waiting: in a thread, or in a process whose lines are read between frames."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

from chimerax.core.triggerset import DEREGISTER

from .decoding import waits

_GLANCE = 0.1  # seconds


def work_in_background(session, work: Callable[[], Any], done: Callable[[Any, Exception | None], None]) -> None:
    """Do ``work`` in a thread and give ``done`` its result, or what it raised, between frames; at once in scripts."""
    if waits(session):
        done(work(), None)
        return
    ended: list[tuple] = []

    def run() -> None:
        try:
            ended.append((work(), None))
        except Exception as error:
            ended.append((None, error))

    def look(*_) -> str | None:
        if not ended:
            return None
        done(*ended[0])
        return DEREGISTER

    threading.Thread(target=run, daemon=True).start()
    session.triggers.add_handler("new frame", look)


def follow_process(session, process: Popen, output: Path, done: Callable[[int], None]) -> None:
    """Log what a process writes into a file, and call ``done`` with its exit status; waits where there is no window."""
    read = 0

    def look(*_) -> str | None:
        nonlocal read
        status = process.poll()  # before the text, so that the last lines are not missed
        text = output.read_bytes()[read:]
        text = text if status is not None else text[: text.rfind(b"\n") + 1]
        read += len(text)
        for line in text.decode("utf-8", errors="replace").splitlines():
            session.logger.info(line)
        if status is None:
            return None
        done(status)
        return DEREGISTER

    if session.ui.is_gui:
        session.triggers.add_handler("new frame", look)
        return
    while look() is None:
        time.sleep(_GLANCE)
