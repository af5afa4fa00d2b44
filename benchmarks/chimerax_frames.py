"""What bench_chimerax.py runs inside ChimeraX: it measures from the events of the window, and leaves a result file."""

from __future__ import annotations

import json
import os
import statistics
import time
import traceback
from pathlib import Path

import numpy as np
from chimerax.core.commands import run
from chimerax.flexrec.scene.settings import flexrec_settings
from Qt.QtCore import QTimer

ARROWS, PICTURES = 9000, 12  # at most: evenly spread, they are fewer


class Bench:
    def __init__(self, session, asked: dict) -> None:
        self.session, self.asked = session, asked
        flexrec_settings(session).python = asked["python"]
        self.steps = iter(self.plan())

    def plan(self):
        """Steps, with the seconds to wait after each or a question whether to go on."""
        session = self.session
        self.model = model = run(session, f'flexrec open "{self.asked["folder"]}"')
        run(session, "flexrec mesh color strain")
        run(session, f"flexrec flow count {ARROWS} threshold 0")
        run(session, "flexrec path pc 1 frames 100")
        yield lambda: model.arrows is not None and model.dragging.contour is not None
        yield 1.0
        moves, frames = [], []
        drag = model.drag
        model.drag = lambda z: self.timed(lambda: drag(z), moves)
        drawn = self.play(frames)
        yield self.asked["seconds"]
        run(session, "flexrec pause")
        drawn.remove()
        rate = len(moves) / (frames[-1] - frames[0])
        longest = 1000 * max(moves[1:])
        yield 1.5
        run(session, "hide models")
        gaps: list[float] = []
        moves_hidden: list[float] = []
        model.drag = lambda z: self.timed(lambda: drag(z), moves_hidden)
        handler = self.play(gaps)
        yield self.asked["seconds"] / 2
        run(session, "flexrec pause")
        handler.remove()
        del model.drag
        yield 1.0
        run(session, "show models")
        yield 1.0
        hidden_rate = len(moves_hidden) / (gaps[-1] - gaps[0])
        gap = 1000 * float(np.diff(gaps[5:]).max())  # the first frames list the models anew
        run(session, "flexrec mesh show false")
        model.arrows.display = False
        maps: list[float] = []
        pictures: list[float] = []
        random = np.random.default_rng(5)
        for _ in range(PICTURES):
            yield from self.picture(random.normal(size=len(model.z)), maps, pictures)
        edges, count = len(model.mesh.triangles), model.arrows.count
        triangles = len(model.dragging.contour.triangles)
        median = 1000 * statistics.median(moves)
        shown = [1000 * statistics.median(times) for times in (maps, pictures)]
        row = [model.flow.box, edges, count, triangles, rate, median, longest, hidden_rate, gap, *shown]
        Path(self.asked["result"]).write_text(json.dumps({"row": row}))

    def play(self, times: list[float]):
        handler = self.session.triggers.add_handler("new frame", lambda *_: times.append(time.perf_counter()) and None)
        run(self.session, f"flexrec play seconds {self.asked['seconds']} loop true bounce true")
        return handler

    def timed(self, work, times: list[float]) -> None:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)

    def picture(self, z: np.ndarray, maps: list[float], times: list[float]):
        """From the command to the map in the scene, and to the frame in which its contour is drawn."""
        surface = self.model.map.surfaces[0]
        before, start, done = id(surface.vertices), time.perf_counter(), []
        handler = self.session.triggers.add_handler(
            "frame drawn", lambda *_: done.append(time.perf_counter()) if id(surface.vertices) != before else None
        )
        mapped = self.model.map.set
        self.model.map.set = lambda volume: (mapped(volume), maps.append(time.perf_counter() - start))
        run(self.session, f"flexrec volume at {','.join(f'{value:.3f}' for value in z)}")
        yield lambda: bool(done)
        handler.remove()
        del self.model.map.set
        times.append(done[0] - start)
        yield 0.2

    def go(self) -> None:
        try:
            self.wait_for(next(self.steps))
        except StopIteration:
            run(self.session, "exit")
        except Exception:
            Path(self.asked["result"]).write_text(json.dumps({"error": traceback.format_exc()}))
            run(self.session, "exit")

    def wait_for(self, what) -> None:
        if callable(what) and not what():
            QTimer.singleShot(2, lambda: self.wait_for(what))
        else:
            QTimer.singleShot(0 if callable(what) else int(1000 * what), self.go)


bench = Bench(session, json.loads(os.environ["FLEXREC_BENCH"]))  # noqa: F821 (ChimeraX's scripts have it)
QTimer.singleShot(1000, bench.go)
