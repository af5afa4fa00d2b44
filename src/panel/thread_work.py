"""Work that the panel must not wait for, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from qtpy.QtCore import QObject, Signal


class ThreadWork(QObject):
    """One kind of work. Of what was begun only the newest counts: what came before is done, and its result dropped."""

    done = Signal(object)  # what it returned
    failed = Signal(object)  # what it raised
    _ended = Signal(object, object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._newest: object = None
        self._ended.connect(self._deliver)

    @property
    def busy(self) -> bool:
        """Whether a result is still to come."""
        return self._newest is not None

    def begin(self, work: Callable[[], Any]) -> None:
        """Do this in place of what was begun before."""
        self._newest = work
        threading.Thread(target=self._do, args=(work,), daemon=True).start()

    def forget(self) -> None:
        """Want no result any more."""
        self._newest = None

    def _do(self, work: Callable[[], Any]) -> None:
        result = error = None
        try:
            result = work()
        except Exception as raised:
            error = raised
        with suppress(RuntimeError):  # the panel has been closed since
            self._ended.emit(work, result, error)

    def _deliver(self, work: object, result: Any, error: Exception | None) -> None:
        if work is not self._newest:
            return
        self._newest = None
        if error is None:
            self.done.emit(result)
        else:
            self.failed.emit(error)
