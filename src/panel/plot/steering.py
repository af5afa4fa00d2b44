"""What the hand in the plot and the keys do with the shown point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtGui import QKeyEvent

from ...explore.anchors import point_text

if TYPE_CHECKING:
    from ..window import FlexPanel

_ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Down: (0, -1), Qt.Key.Key_Up: (0, 1)}
_STEP, _LONG = 0.02, 0.1  # of the view: what an arrow key moves, and with Shift
_SETTLE = 250  # milliseconds after the last arrow key when the true map is asked for


class Steering(QObject):
    """Of one panel."""

    def __init__(self, panel: FlexPanel) -> None:
        super().__init__(panel)
        self._panel, self._plot, self._scene = panel, panel.plot, panel.scene
        self._settling = QTimer(self, singleShot=True, interval=_SETTLE)
        self._settling.timeout.connect(lambda: self.show_point(panel.here()))
        self._plot.hand.went.connect(self._go)
        self._plot.hand.rested.connect(self._rest)
        panel.sliders.moved.connect(self._scene.follow)
        panel.sliders.settled.connect(self.show_point)

    def show_point(self, z: np.ndarray) -> None:
        """The true map at a latent point ``(K,)``."""
        self._scene.run(f"flexrec volume at {point_text(z)}")

    def let_go(self) -> bool:
        """Do no more with the point, whatever the hand is at; whether the true map is yet to be asked for."""
        unsettled = self._settling.isActive()
        self._settling.stop()
        return self._plot.hand.stop() == "go" or unsettled

    def key(self, event: QKeyEvent) -> bool:
        """Arrows move the point, space plays, Escape stops; False where the key means nothing here."""
        step = _ARROWS.get(event.key())
        if step is not None and self._plot.plane is not None:
            self._step(np.array(step), _LONG if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEP)
        elif event.key() == Qt.Key.Key_Space and self._scene.trained is not None:
            self._panel.bar.toggle()
        elif event.key() == Qt.Key.Key_Escape:
            doing = self._plot.hand.stop()
            if doing == "go":
                self.show_point(self._panel.here())
            elif doing is None and self._scene.playing:
                self._scene.run("flexrec pause")
            self._plot.set_mode("go")
        else:
            return False
        return True

    def _go(self, point: np.ndarray) -> None:
        """The hand is at a point of the plot."""
        z, _ = self._plot.plane.latent(point[: self._plot.plane.dims], self._panel.here())
        self._scene.follow(z)

    def _rest(self, point: np.ndarray) -> None:
        """The hand was let go at a point of the plot."""
        plane = self._plot.plane
        z, row = plane.latent(point[: plane.dims], self._panel.here())
        if row is None:
            self.show_point(z)
        else:
            self._panel.say(f"{plane.names[0]} has no way back to latent points: this is particle {row}.")
            self._scene.run(f"flexrec volume particle {row}")

    def _step(self, direction: np.ndarray, share: float) -> None:
        plane, limits = self._plot.plane, self._plot.canvas.limits
        span = (limits[:, 1] - limits[:, 0])[: plane.dims]
        if plane.view is not None and direction[: plane.dims].any():
            point = plane.place(self._panel.here()) + share * direction[: plane.dims] * span
            self._scene.drag(plane.latent(point, self._panel.here())[0])
            self._settling.start()
