"""What bench_chimerax.py runs inside ChimeraX: it measures from the events of the window, and leaves a result file."""

from __future__ import annotations

import json
import os
import statistics
import time
import traceback
from functools import partial
from pathlib import Path

import numpy as np
from chimerax.core.commands import run
from chimerax.core.triggerset import DEREGISTER
from chimerax.flexrec.panel_in_chimerax.tool import FlexRecTool
from chimerax.flexrec.scene.settings import flexrec_settings
from qtpy.QtCore import QCoreApplication, QEvent, QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent

ARROWS, PICTURES = 9000, 8  # at most: evenly spread, they are fewer
WINDOW = (1000, 800)  # of the 3D part
HAND = 0.008  # seconds between the moves of a mouse


class Bench:
    def __init__(self, session, asked: dict) -> None:
        self.session, self.asked, self.measured = session, asked, {}
        flexrec_settings(session).python = asked["python"]
        self.random = np.random.default_rng(5)
        self.steps = iter(self.plan())

    def plan(self):
        """Steps, with the seconds to wait after each or a question whether to go on."""
        yield from self.open_flow()
        yield from self.lay_out()
        run(self.session, "view")
        yield from self.drag("drag, all")
        yield from self.play()
        run(self.session, "hide #!2 models")
        yield from self.drag("drag without atoms")
        yield from self.pictures()
        run(self.session, "close")
        self.model = run(self.session, f'flexrec open "{self.asked["linear"]}"')
        yield from self.picture([], [])  # now the engine has read it
        yield 1.0
        yield from self.drag("linear model")
        Path(self.asked["result"]).write_text(json.dumps({"found": self.measured}))

    # ----- what is measured -----

    def drag(self, name: str):
        """A hand in the panel, whose moves wait in the queue while the window is busy."""
        updates: list[float] = []
        maps: list[float] = []
        ends = self.count(updates, maps)
        start, main, threads = time.perf_counter(), time.thread_time(), time.process_time()
        self.mouse(QEvent.Type.MouseButtonPress, 0.0)
        sent = 0
        while (now := time.perf_counter() - start) < self.asked["seconds"]:
            while (sent + 1) * HAND < now:
                sent += 1
                self.mouse(QEvent.Type.MouseMove, sent * HAND)
            yield HAND
        seconds = time.perf_counter() - start
        drawn, decoded = max(len(updates), 1), len(maps)
        busy = 1000 * (time.thread_time() - main) / drawn, 1000 * (time.process_time() - threads) / drawn
        done, let_go = self.when_drawn(), time.perf_counter()
        self.mouse(QEvent.Type.MouseButtonRelease, sent * HAND)
        yield partial(bool, done)
        yield 1.0
        for end in ends:
            end()
        self.measured[f"{name}: drawn/s"] = drawn / seconds
        if self.model.learned.moving is not None:
            for threads, milliseconds in zip(("main thread", "all threads"), busy):
                self.measured[f"{name}: CPU ms each, {threads}"] = milliseconds
        else:
            self.measured[f"{name}: maps/s"] = decoded / seconds
        self.measured[f"{name}: true map ms after"] = 1000 * (done[0] - let_go)

    def play(self):
        updates: list[float] = []
        ends = self.count(updates, [])
        run(self.session, f"flexrec play seconds {self.asked['seconds']} loop true bounce true")
        start = time.perf_counter()
        yield self.asked["seconds"]
        self.measured["play, all: drawn/s"] = len(updates) / (time.perf_counter() - start)
        run(self.session, "flexrec pause")
        for end in ends:
            end()
        yield 1.5

    def pictures(self):
        """From the command to the map in the scene, and to the frame in which its contour is drawn."""
        maps: list[float] = []
        times: list[float] = []
        for _ in range(PICTURES):
            yield from self.picture(maps, times)
            yield 0.2
        self.measured["command to map, ms"] = 1000 * statistics.median(maps)
        self.measured["command to picture, ms"] = 1000 * statistics.median(times)

    def picture(self, maps: list[float], times: list[float]):
        came: list[float] = []
        z = self.random.normal(size=self.model.learned.latent_dims)
        ends, done, start = self.count([], came), self.when_drawn(), time.perf_counter()
        run(self.session, f"flexrec volume at {','.join(f'{value:.3f}' for value in z)}")
        yield partial(bool, done)
        for end in ends:
            end()
        maps.append(came[0] - start)
        times.append(done[0] - start)

    def when_drawn(self) -> list[float]:
        """Filled in with when the contour of another map has been drawn, and not the one that moves."""
        done: list[float] = []
        model, surface = self.model, self.model.map.surfaces[0]
        before = id(surface.vertices)

        def drawn():
            if id(surface.vertices) == before or model.dragging.drawn:
                return None
            done.append(time.perf_counter())
            return DEREGISTER

        self.session.triggers.add_handler("frame drawn", lambda *_: drawn())
        return done

    def count(self, updates: list[float], maps: list[float]) -> list:
        """Fill in the times of drawn updates and those of maps; returns what ends it."""
        model, new = self.model, []
        drag, mapped = model.drag, model.map.set

        def moved(z) -> None:
            drag(z)
            if model.learned.moving is not None:
                new.append(z)

        def shown(volume, *how) -> None:
            mapped(volume, *how)
            maps.append(time.perf_counter())
            new.append(volume)

        def drawn() -> None:
            if new:
                new.clear()
                updates.append(time.perf_counter())

        model.drag, model.map.set, the_map = moved, shown, model.map
        return [self.on_frame(drawn), lambda: model.__dict__.pop("drag"), lambda: the_map.__dict__.pop("set")]

    def on_frame(self, done):
        handler = self.session.triggers.add_handler("frame drawn", lambda *_: done() and None)
        return handler.remove

    # ----- what it is measured on -----

    def lay_out(self):
        """The panel beside a 3D part of the wanted size."""
        session = self.session
        run(session, "ui tool hide Log; ui tool hide Models; flexrec show")
        yield 1.0
        self.tool = FlexRecTool.shown(session)
        window, view = session.ui.main_window, session.main_view
        for _ in range(3):
            (width, height), (wide, high) = view.window_size, WINDOW
            window.resize(window.width() + wide - width, window.height() + high - height)
            yield 1.0
        self.measured["window, px"] = "x".join(str(side) for side in view.window_size)

    def open_flow(self):
        session = self.session
        self.model = model = run(session, f'flexrec open "{self.asked["folder"]}"')
        molecule = run(session, f'open "{self.asked["molecule"]}"')[0]
        run(session, f"hide #{molecule.id_string} atoms; cartoon #{molecule.id_string}; flexrec mesh color strain")
        run(session, f"flexrec flow count {ARROWS} threshold 0")
        run(session, f"flexrec follow #{molecule.id_string}")
        run(session, "flexrec path pc 1 frames 100")
        yield lambda: model.parts.arrows is not None and model.dragging.contour is not None and model.parts.followers
        yield 1.0
        self.measured["mesh edges"] = len(model.parts.mesh.triangles)
        self.measured["arrows"] = model.parts.arrows.count
        self.measured["atoms"] = molecule.num_atoms
        self.measured["contour triangles"] = len(model.map.surfaces[0].triangles)

    def mouse(self, what: QEvent.Type, seconds: float) -> None:
        """The hand goes round in circles."""
        canvas = self.tool.panel.plot.canvas
        turn = np.exp(2j * seconds) / 4
        place = QPointF((0.5 + turn.real) * canvas.width(), (0.5 + turn.imag) * canvas.height())
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        button = none if what == QEvent.Type.MouseMove else left
        held = none if what == QEvent.Type.MouseButtonRelease else left
        event = QMouseEvent(what, place, place, button, held, Qt.KeyboardModifier.NoModifier)
        QCoreApplication.postEvent(canvas, event)

    # ----- one step after the other -----

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
