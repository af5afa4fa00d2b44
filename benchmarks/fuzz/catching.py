"""Everything in ChimeraX that goes wrong unasked: exceptions of slots, triggers and threads, reports of bugs."""

from __future__ import annotations

import sys
import threading
import traceback

from chimerax.core.logger import PlainTextLog


class Caught(PlainTextLog):
    """A log that keeps errors and reports of bugs to itself, so that no dialog waits for somebody, and hooks."""

    excludes_other_logs = True

    def __init__(self, session) -> None:
        self.problems: list[str] = []
        self.warnings: list[str] = []
        session.logger.add_log(self)
        sys.excepthook = lambda *raised: self.problems.append(_text(*raised))
        threading.excepthook = lambda args: self.problems.append(
            _text(args.exc_type, args.exc_value, args.exc_traceback)
        )
        sys.unraisablehook = lambda args: self.problems.append(
            f"{args.err_msg}: {_text(args.exc_type, args.exc_value, args.exc_traceback)}"
        )

    def log(self, level: int, msg: str) -> bool:
        if level >= self.LEVEL_ERROR:
            self.problems.append(f"{self.LEVEL_DESCRIPTS[level]}: {msg.strip()}")
            return True
        if level == self.LEVEL_WARNING:
            self.warnings.append(msg.strip())
        elif "Traceback (most recent call last)" in msg:
            self.problems.append(msg.strip())
        return False

    def take(self) -> list[str]:
        """What went wrong since the last time."""
        taken, self.problems = self.problems, []
        return taken


def _text(kind, value, trace) -> str:
    return "".join(traceback.format_exception(kind, value, trace)).strip()
