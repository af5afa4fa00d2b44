"""Files that grow, read bit by bit: the end of a log, and the curves of a training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .progress import NAME

LONGEST_LOG = 200_000  # bytes of a log that are shown at first; the file has the rest


class LogTail:
    """What log.txt has more than at the last look; at first, its end."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "log.txt"
        self._offset = 0
        self._began = False

    def read(self) -> tuple[str, bool]:
        """``(text, afresh)``: whole lines, and whether they replace what was read before (a file made anew)."""
        try:
            with open(self._path, "rb") as file:
                size = file.seek(0, 2)
                afresh = not self._began or size < self._offset
                if afresh:
                    self._offset = max(0, size - LONGEST_LOG)
                file.seek(self._offset)
                text = file.read(size - self._offset)
        except OSError:
            return "", not self._began
        if afresh and self._offset:
            cut = text.find(b"\n") + 1
            self._offset, text = self._offset + cut, text[cut:]
        text = text[: text.rfind(b"\n") + 1]
        self._offset += len(text)
        self._began = True
        return text.decode("utf-8", errors="replace"), afresh


class Curves:
    """Numbers of a training, a point for each epoch, from what progress.jsonl has gained since the last look.

    A line's numbers are means since its epoch began, so the last of each epoch counts. A resumed training that does
    epochs again replaces its first attempt.
    """

    names = ("misfit", "rigid_misfit", "amplitude", "energy")

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._begin()

    def _begin(self) -> None:
        self._offset = 0
        self._rows: list[tuple[float, ...]] = []

    def read(self) -> np.ndarray:
        """``(n, 5)`` epoch, misfit, misfit of the rigid map, amplitude (Å), energy; not a number where unknown."""
        try:
            with open(self._path, "rb") as file:
                if file.seek(0, 2) < self._offset:
                    self._begin()
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._offset += len(line)
                    self._take(line)
        except OSError:
            pass
        return np.array(self._rows, float).reshape(-1, 1 + len(self.names))

    def _take(self, line: bytes) -> None:
        row = _row(line, ("epoch", *self.names))
        if row is None:
            return
        while self._rows and np.ceil(self._rows[-1][0]) >= np.ceil(row[0]):
            self._rows.pop()
        self._rows.append(row)


def _row(line: bytes, names: tuple[str, ...]) -> tuple[float, ...] | None:
    """The numbers of a line; None for one that is damaged, or of a part of the job that counts no epochs."""
    if b'"misfit"' not in line:
        return None
    try:
        values = json.loads(line)
        row = tuple(float("nan") if values.get(name) is None else float(values[name]) for name in names)
    except (ValueError, TypeError, AttributeError):
        return None
    return row if np.isfinite(row[0]) else None
