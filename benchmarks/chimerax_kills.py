"""The engine process is killed at random moments while ChimeraX goes on: does the next command work each time?

Run by ChimeraX in which FlexRec is installed, with or without --nogui:
``ChimeraX --nogui --exit --script "benchmarks/chimerax_kills.py PROJECT KILLS RESULT"``. RESULT gets counts as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from chimerax.core.commands import run
from chimerax.core.errors import UserError

LONGEST = 1.0  # seconds after the question at which the process is killed, at most: a start and a decode take as long
PATIENCE = 20.0  # seconds within which the next map must have come


def engines() -> list[psutil.Process]:
    """The engine processes of this ChimeraX."""
    alive = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in alive if any("boot.py" in word for word in child.cmdline())]


def kill(delay: float) -> None:
    time.sleep(delay)
    for engine in engines():
        engine.kill()


class Kills:
    """What happened so far; each `step` is a kill and the command after it."""

    def __init__(self, session, project: str, count: int, result: Path) -> None:
        self.session, self.left, self.result = session, count, result
        self.model = run(session, f"flexrec open {project}")
        self.random = np.random.default_rng(0)
        self.counts = {"kills": 0, "struck": 0, "next worked": 0, "next failed": 0, "slowest": 0.0}
        self.seen: np.ndarray | None = None
        self.begun, self.error = 0.0, ""

    def point(self) -> str:
        return ",".join(f"{value:.5f}" for value in self.random.normal(0, 0.7, self.model.learned.latent_dims))

    def ask(self) -> bool:
        try:
            run(self.session, f"flexrec volume at {self.point()}", log=False)
        except UserError as error:
            self.error = str(error)
            return False
        return True

    def kill_during_request(self) -> None:
        """Ask, and kill while the question is under way, or just before or after."""
        self.killer = threading.Thread(target=kill, args=(self.random.uniform(0, LONGEST),))
        self.killer.start()
        self.counts["struck"] += not self.ask()

    def after(self) -> None:
        """The command after the kill."""
        self.killer.join()
        self.counts["kills"] += 1
        self.left -= 1
        self.seen, self.begun = self.model.map.data.array.copy(), time.monotonic()
        self.worked = self.ask()

    def is_answered(self) -> bool:
        """Whether the map after the kill is there, or will not be."""
        late = time.monotonic() - self.begun
        there = self.worked and not np.array_equal(self.seen, self.model.map.data.array)
        if not there and self.worked and late < PATIENCE:
            return False
        self.counts["next worked" if there else "next failed"] += 1
        if not there:
            print("the next command failed:", self.error, flush=True)
        self.counts["slowest"] = max(self.counts["slowest"], round(late, 2))
        return True

    def write(self) -> None:
        self.counts["engines left"] = len(engines())
        self.result.write_text(json.dumps(self.counts) + "\n")
        print(self.counts, flush=True)


def without_window(kills: Kills) -> None:
    while kills.left:
        kills.kill_during_request()
        kills.after()
        kills.is_answered()
    kills.write()


def with_window(kills: Kills) -> None:
    """The same in steps between frames, for commands do not wait there."""
    from Qt.QtCore import QTimer

    def begin() -> None:
        kills.kill_during_request()
        QTimer.singleShot(int(1000 * LONGEST) + 30, follow)

    def follow() -> None:
        kills.after()
        QTimer.singleShot(20, look)

    def look() -> None:
        if not kills.is_answered():
            QTimer.singleShot(20, look)
        elif kills.left:
            QTimer.singleShot(20, begin)
        else:
            kills.write()
            os._exit(0)  # an error dialog would wait for ever

    QTimer.singleShot(500, begin)


def main(session, project: str, count: str = "100", result: str = "kills.json") -> None:
    kills = Kills(session, project, int(count), Path(result))
    (with_window if session.ui.is_gui else without_window)(kills)


main(session, *sys.argv[1:])  # noqa: F821 (ChimeraX gives it)
