"""Why the engine process did not answer, in one sentence."""

from __future__ import annotations

import signal
from collections.abc import Sequence

_MOST = 300  # characters of its last words


class EngineError(RuntimeError):
    """One sentence for the user. ``kind`` is memory, bug, ended, late, version or start.

    What the user asked wrongly is an ``InputError`` instead.
    """

    def __init__(self, sentence: str, kind: str) -> None:
        super().__init__(sentence)
        self.kind = kind


def how_it_ended(status: int, words: Sequence[str]) -> str:
    """A process' exit status (negative: the signal) and the lines it left on standard error, as a clause."""
    if status < 0:
        how = f"was killed ({_signal_name(-status)}{', perhaps for want of memory' if status == -9 else ''})"
    elif status > 255:  # Windows' own codes, known by their hexadecimal form
        how = f"crashed (code {status:#x})"
    else:
        how = f"ended with exit status {status}"
    last_line = _last_line(words)
    return f"{how} and said: {last_line}" if last_line else how


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(words: Sequence[str]) -> str:
    """The line that says most: faulthandler's first, or the last of a traceback."""
    lines = [line.strip() for line in words if line.strip()]
    fatal = [line for line in lines if line.startswith("Fatal Python error")]
    return (fatal or lines[-1:] or [""])[0][:_MOST]
