"""How mouse, sliders and keys move the shown point."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtGui import QKeyEvent

from ...explore.anchors import point_text
from ..panel_services import PanelServices

_ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Down: (0, -1), Qt.Key.Key_Up: (0, 1)}
_STEP, _LONG_STEP = 0.02, 0.1  # of the view: what an arrow key moves, and with Shift
_MAP_DELAY = 250  # milliseconds after the last arrow key when the true map is asked for


class PointControl(QObject):
    """Moves the shown point of one panel."""

    def __init__(self, panel: PanelServices) -> None:
        super().__init__(panel)
        self._panel, self._plot, self._scene = panel, panel.plot, panel.scene
        self._map_timer = QTimer(self, singleShot=True, interval=_MAP_DELAY)
        self._map_timer.timeout.connect(lambda: self.show_point(panel.shown_point()))
        self._plot.mouse.dragged.connect(self._follow)
        self._plot.mouse.released.connect(self._show_plot_point)
        panel.sliders.moved.connect(self._scene.follow)
        panel.sliders.released.connect(self.show_point)

    def show_point(self, z: np.ndarray) -> None:
        """The true map at a latent point ``(K,)``."""
        self._scene.run(f"flexrec volume at {point_text(z)}")

    def stop(self) -> bool:
        """End a drag without a map; returns whether the true map of the shown point was still to be asked for."""
        pending = self._map_timer.isActive()
        self._map_timer.stop()
        return self._plot.mouse.stop() == "go" or pending

    def key(self, event: QKeyEvent) -> bool:
        """Arrows move the point, space plays, Escape stops; False where the key means nothing here."""
        step = _ARROWS.get(event.key())
        if step is not None and self._plot.plane is not None:
            shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self._step(np.array(step), _LONG_STEP if shift else _STEP)
        elif event.key() == Qt.Key.Key_Space and self._plot.plane is not None:
            self._panel.bar.toggle()
        elif event.key() == Qt.Key.Key_Escape:
            self._escape()
        else:
            return False
        return True

    def _escape(self) -> None:
        mode = self._plot.mouse.stop()
        if mode == "go":
            self.show_point(self._panel.shown_point())
        elif mode is None and self._scene.playing:
            self._scene.run("flexrec pause")
        self._plot.set_mode("go")

    def _follow(self, point: np.ndarray) -> None:
        """The mouse, pressed, is at a point of the plot."""
        z, _ = self._plot.plane.latent(point[: self._plot.plane.dims], self._panel.shown_point())
        self._scene.follow(z)

    def _show_plot_point(self, point: np.ndarray) -> None:
        """The mouse was released at a point of the plot."""
        plane = self._plot.plane
        z, row = plane.latent(point[: plane.dims], self._panel.shown_point())
        if row is None:
            self.show_point(z)
        else:
            self._panel.say(f"{plane.names[0]} has no way back to latent points: this is particle {row}.")
            self._scene.run(f"flexrec volume particle {row}")

    def _step(self, direction: np.ndarray, share: float) -> None:
        plane, limits = self._plot.plane, self._plot.canvas.limits
        span = (limits[:, 1] - limits[:, 0])[: plane.dims]
        if plane.view is not None and direction[: plane.dims].any():
            point = plane.place(self._panel.shown_point()) + share * direction[: plane.dims] * span
            self._scene.drag(plane.latent(point, self._panel.shown_point())[0])
            self._map_timer.start()
