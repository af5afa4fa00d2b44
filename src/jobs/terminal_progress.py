"""A job as a person sees it in a terminal: a bar with the time left, or plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

_NOT_SHOWN = ("step", "total", "time", "eta", "stage")


class Terminal:
    """Shows the messages and the progress of one job on ``stream`` (standard error if None).

    A stream that takes no more (``| head -1``, a full disk, a closed one) does not end the job: its log has it all.
    """

    def __init__(self, name: str, stream: TextIO | None = None, every: float = 5.0) -> None:
        self.name = name
        self.stream = stream or sys.stderr
        self._shows = self.stream is not None  # a program whose standard error was closed has none
        self._every = every
        self._shown = 0.0
        self._bar: Any = None
        self._bar_key: tuple = ()

    def log(self, text: str) -> None:
        """One message, above the bar."""
        self._try(lambda: self._show_message(text))

    def _show_message(self, text: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        print(f"{self.name}: {text}", file=self.stream, flush=True)
        if self._bar is not None:
            self._bar.refresh()

    def progress(self, line: dict[str, Any]) -> None:
        """One line of progress.jsonl."""
        self._try(lambda: self._show_progress(line))

    def _show_progress(self, line: dict[str, Any]) -> None:
        if self.stream.isatty():
            self._draw_bar(line)
        elif line["step"] >= line["total"] or time.monotonic() - self._shown >= self._every:
            self._shown = time.monotonic()
            print(f"{self.name}: {progress_text(line)}", file=self.stream, flush=True)

    def _draw_bar(self, line: dict[str, Any]) -> None:
        from tqdm import tqdm

        key = (line.get("stage"), line["total"])
        if self._bar is None or key != self._bar_key or line["step"] < self._bar.n:
            self.close()
            self._bar_key = key
            label = " ".join(filter(None, (self.name, line.get("stage"))))
            start = line["step"] - 1
            self._bar = tqdm(total=line["total"], initial=start, desc=label, file=self.stream, dynamic_ncols=True)
        self._bar.set_postfix_str(values_text(line), refresh=False)
        self._bar.update(line["step"] - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            bar, self._bar = self._bar, None
            self._try(bar.close)

    def _try(self, show: Callable[[], None]) -> None:
        """Show something, unless the terminal is gone."""
        if self._shows:
            try:
                show()
            except (OSError, ValueError):  # ValueError: the stream was closed
                self._shows = False


def progress_text(line: dict[str, Any]) -> str:
    """A progress line for people: ``step 3 of 20, loss 0.52, 1:10 left``."""
    stage = line.get("stage") or "step"
    parts = [f"{stage} {line['step']} of {line['total']}", values_text(line)]
    if line.get("eta") and line["step"] < line["total"]:
        parts.append(f"{duration_text(line['eta'])} left")
    return ", ".join(filter(None, parts))


def values_text(line: dict[str, Any]) -> str:
    """The job's own values: ``loss 0.52, images/s 1200``."""
    shown = [(name, value) for name, value in line.items() if name not in _NOT_SHOWN and value is not None]
    return ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in shown)


def _number(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_number(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def duration_text(seconds: float) -> str:
    """``1:05`` or ``2:03:10``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
