"""progress.jsonl: one line of JSON per step, for whoever watches."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

NAME = "progress.jsonl"
_TAIL = 8192  # bytes: some dozen lines


class ProgressFile:
    """Appends to a job's progress.jsonl; each line is whole on disk before the next step begins.

    A line holds ``step``, ``total``, ``time`` (seconds since 1970), ``eta`` (seconds left, or null) and the job's
    values.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._healed = False
        self._stage: Any = None
        self._first: tuple[int, float] | None = None

    def append(self, step: int, total: int, values: dict[str, Any]) -> dict[str, Any]:
        """Write one line and return it."""
        eta = self._eta(step, total, time.monotonic(), values)  # a clock that is set must not change the pace
        line = {"step": int(step), "total": int(total), "time": round(time.time(), 3), "eta": eta}
        line.update({name: _plain(value) for name, value in values.items()})
        if not self._healed:
            _drop_half_line(self.path)
            self._healed = True
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
        return line

    def _eta(self, step: int, total: int, now: float, values: dict[str, Any]) -> float | None:
        """Seconds left at the mean pace since this stage's first line; None for the first."""
        if self._first is None or values.get("stage") != self._stage or step < self._first[0]:
            self._stage, self._first = values.get("stage"), (step, now)
        first_step, started = self._first
        if step <= first_step:
            return None
        return round((now - started) / (step - first_step) * (total - step), 1)


def _plain(value: Any) -> Any:
    """A number (NumPy's and torch's too), string, or list of them as JSON can hold it; not-a-number becomes null."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def _drop_half_line(path: Path) -> None:
    """Cut off the last line if the process that wrote it was killed half-way."""
    if not path.exists():
        return
    text = path.read_bytes()
    whole = text.rfind(b"\n") + 1
    if whole < len(text):
        with open(path, "rb+") as file:
            file.truncate(whole)


def _read_line(text: str) -> dict[str, Any] | None:
    """One line, or None if it is cut short or damaged."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    whole = isinstance(line, dict) and all(isinstance(line.get(name), int) for name in ("step", "total"))
    return line if whole else None


def read_progress(folder: Path) -> list[dict[str, Any]]:
    """The lines of a job's progress, oldest first.

    Steps that a resumed job did again replace the first attempt; a line that is not whole is left out.
    """
    try:
        text = (folder / NAME).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    lines: list[dict[str, Any]] = []
    for line in filter(None, map(_read_line, text.split("\n"))):
        while lines and lines[-1].get("stage") == line.get("stage") and lines[-1]["step"] >= line["step"]:
            lines.pop()
        lines.append(line)
    return lines


def last_progress(folder: Path) -> dict[str, Any] | None:
    """The newest whole line of a job's progress, from the end of the file alone; None where there is none yet."""
    try:
        with open(folder / NAME, "rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
    return next(filter(None, map(_read_line, reversed(text.split("\n")))), None)
