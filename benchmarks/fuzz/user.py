"""A user of ChimeraX whose project may vanish: commands, and real mouse events and controls of the panel."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from chimerax.core.commands import run
from chimerax.core.errors import UserError
from chimerax.flexrec.jobs.demo_project import unpack
from chimerax.flexrec.panel.tabs.moving_tab import MovingTab
from chimerax.flexrec.panel_in_chimerax.tool import FlexRecTool
from chimerax.flexrec.scene.decoding import decoding
from chimerax.flexrec.scene.scene_model import FlexRecModel
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

LEFT = Qt.MouseButton.LeftButton
MOST_OPEN = 3  # models
PATIENCE = 20.0  # seconds in which all that was asked for must have come
PAUSE = 0.02


def close_dialogs() -> None:
    """Nobody answers them."""
    for window in (QApplication.activeModalWidget(), QApplication.activePopupWidget()):
        if window is not None:
            window.close()


class User:
    """In one session, with a folder of its own."""

    def __init__(self, session, folder: Path) -> None:
        self.session, self.folder = session, folder
        self.refused: list[str] = []  # what commands answered that could not be done
        self.saved: list[Path] = []  # session files
        folder.mkdir(parents=True)

        self._refusing = QTimer(interval=100)
        self._refusing.timeout.connect(close_dialogs)
        self._refusing.start()

    def end(self) -> None:
        """Do no more."""
        self._refusing.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ----- what is open -----

    @property
    def models(self) -> list[FlexRecModel]:
        return self.session.models.list(type=FlexRecModel)

    @property
    def tool(self) -> FlexRecTool | None:
        return next((one for one in self.session.tools.list() if isinstance(one, FlexRecTool)), None)

    @property
    def panel(self):
        tool = self.tool
        return None if tool is None else tool.panel

    @property
    def model(self) -> FlexRecModel | None:
        """That the panel is about."""
        return None if self.tool is None else self.tool.scene.model

    @property
    def moving(self) -> MovingTab:
        return self.panel.findChild(MovingTab)

    def project(self, number: int = 0) -> Path:
        """A project, put where it was if it was deleted."""
        folder = self.folder / f"project {number}"
        unpack(folder)
        return folder

    # ----- what it does -----

    def command(self, text: str) -> object:
        """Run a command; None where it is refused in a sentence, which a user may deserve."""
        try:
            return run(self.session, text, log=False)
        except UserError as error:
            self.refused.append(str(error))
            return None

    def about(self, random: np.random.Generator) -> str:
        """Which model a command is about: needed where several are open."""
        models = self.models
        return f" model #{models[random.integers(len(models))].id_string}" if len(models) > 1 else ""

    def press(self, button) -> None:
        """As far as it can be pressed."""
        if button.isEnabled():
            button.click()

    def named(self, name: str):
        """The button of that name."""
        from qtpy.QtWidgets import QAbstractButton

        return self.panel.findChild(QAbstractButton, name)

    def pixel(self, random: np.random.Generator) -> QPoint:
        """Somewhere in the plot, where the particles are more often than not."""
        canvas = self.panel.plot.canvas
        place = canvas.limits.mean(axis=1) + random.normal(0, 0.2, 2) * np.diff(canvas.limits)[:, 0]
        across, up = canvas.axes.transData.transform(place) / canvas.device_pixel_ratio
        return QPoint(round(across), round(canvas.height() - up))

    def stroke(self, random: np.random.Generator, between=lambda: None) -> Iterator[float]:
        """Press in the plot, move and let go; ``between`` happens in the midst."""
        panel = self.panel
        if panel is None or not panel.plot.canvas.isVisible():
            return
        canvas, places = panel.plot.canvas, [self.pixel(random) for _ in range(6)]
        QTest.mousePress(canvas, LEFT, pos=places[0])
        for number, place in enumerate(places[1:]):
            if number == 2:
                between()
            if self.panel is not panel:  # it was closed
                return
            QTest.mouseMove(canvas, place)
            yield PAUSE
        QTest.mouseRelease(canvas, LEFT, pos=places[-1])

    def kill_engine(self) -> None:
        for child in psutil.Process().children():
            if child.status() != psutil.STATUS_ZOMBIE and any("boot.py" in word for word in child.cmdline()):
                child.kill()

    def delete_project(self, number: int) -> None:
        shutil.rmtree(self.folder / f"project {number}", ignore_errors=True)

    def wait_until_idle(self) -> Iterator[float]:
        """Until all answers have come and the panel's timers have run; raises where that takes too long."""
        yield PAUSE
        waited = 0.0
        while (what := self._busy(waited)) is not None:
            if waited > PATIENCE:
                raise TimeoutError(f"still {what} after {PATIENCE:g} s")
            yield PAUSE
            waited += PAUSE
        yield PAUSE

    def _busy(self, waited: float) -> str | None:
        moves = any(one.player.playing or one.recorder is not None for one in self.models)
        if decoding(self.session).engine.waiting and not (moves and waited > 0.1):
            return "waiting for the engine"
        panel = self.panel
        if panel is None:
            return None
        for name, timer in (("keys", panel.point_control._map_timer), ("the flow's numbers", self.moving._arrows_timer),
                            ("the hand", panel.plot.mouse._move_timer)):  # fmt: skip
            if timer.isActive():
                return f"waiting for {name}"
        return None
