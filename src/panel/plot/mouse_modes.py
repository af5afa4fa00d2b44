"""What the mouse does in the plot: go there, move the view, zoom, draw round particles, draw and edit a path."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from .canvas import PlotCanvas

MODES = {
    "go": "Click: the map at that point. Drag: the map follows the hand.",
    "move": "Drag to move the plot; the wheel zooms in every mode.",
    "zoom": "Drag a rectangle to see it large.",
    "lasso": "Draw round particles to select them.",
    "box": "Drag a rectangle to select the particles in it.",
    "draw": "Draw a path by hand.",
    "edit": "Drag a corner of the path; double-click adds one, right-click on one takes it away.",
}
_NEAR = 12  # pixels within which a corner is meant
_STEP = 4  # pixels between the points of a drawn line
_ZOOM = 1.25  # of one notch of the wheel


class MouseModes(QObject):
    """Turns mouse events on a canvas into signals, by the mode that is chosen. Of many moves that wait only the newest
    counts.
    """

    dragged = Signal(object)  # (2,) where the pressed mouse is, in mode go
    released = Signal(object)  # (2,) where it was released, in mode go
    hovered = Signal(object)  # (2,) the cursor while no button is pressed, or None
    outlined = Signal(object, str)  # (m, 2) drawn round particles, and "lasso" or "box"
    drawn = Signal(object)  # (m, 2) a path
    corner_moved = Signal(int, object, bool)  # which corner, (2,) where to, whether the mouse was released
    corner_added = Signal(object)
    corner_removed = Signal(int)

    def __init__(self, canvas: PlotCanvas) -> None:
        super().__init__(canvas)
        self.canvas = canvas
        self.mode = "go"
        self.corners = np.zeros((0, 2))  # of the path that can be edited
        self._active: str | None = None
        self._start = self._start_limits = None
        self._stroke: list[np.ndarray] = []
        self._corner = -1
        self._newest_event = None
        self._move_timer = QTimer(self, singleShot=True, interval=0)
        self._move_timer.timeout.connect(self._handle_move)
        for name, handler in (("button_press_event", self._press), ("motion_notify_event", self._move),
                            ("button_release_event", self._release), ("scroll_event", self._wheel)):  # fmt: skip
            canvas.mpl_connect(name, handler)
        canvas.left.connect(lambda: self.hovered.emit(None))

    def set_mode(self, mode: str) -> None:
        """One of `MODES`."""
        self.mode = mode
        self.stop()

    def stop(self) -> str | None:
        """End what the mouse does now; returns its mode, one of `MODES`, or None."""
        active, self._active = self._active, None
        self._move_timer.stop()
        self.canvas.marks.put_outline(None)
        self.canvas.refresh_marks()
        return active

    # ----- events -----

    def _press(self, event) -> None:
        if self.canvas.plane is None or event.inaxes is None or self._active is not None:
            return
        self._start = np.array([event.x, event.y], float)
        self.hovered.emit(None)  # what was under the cursor says nothing of where it is dragged
        point = self._at(event)
        if event.button == 3:
            self._remove_corner()
            return
        if event.dblclick and self.mode == "edit":
            self.corner_added.emit(point)
            return
        mode = "move" if event.button == 2 or _with_modifier(event, "alt") else self.mode
        self._corner = self._corner_near(self._start) if mode == "edit" else -1
        if mode == "edit" and self._corner < 0:
            mode = "move"
        self._active, self._stroke, self._start_limits = mode, [point], self.canvas.limits
        self._newest_event = event
        if mode == "go":
            self._handle_move()

    def _move(self, event) -> None:
        if self._active is None:
            if self.canvas.plane is not None:
                self.hovered.emit(self._at(event) if event.inaxes else None)
            return
        if self._active in ("lasso", "draw"):
            point = self._at(event)
            if self._pixels(point, self._stroke[-1]) >= _STEP * self.canvas.device_pixel_ratio:
                self._stroke.append(point)
        self._newest_event = event
        if not self._move_timer.isActive():
            self._move_timer.start()

    def _handle_move(self) -> None:
        """Do what the newest move means; moves before it are dropped."""
        if self._active is None:
            return
        point = self._at(self._newest_event)
        if self._active == "go":
            self.dragged.emit(point)
        elif self._active == "move":
            self._move_view(self._newest_event)
        elif self._active == "edit":
            self.corner_moved.emit(self._corner, point, False)
        else:
            frame = _rectangle(self._stroke[0], point)
            outline = frame if self._active in ("zoom", "box") else np.array(self._stroke)
            self.canvas.marks.put_outline(outline, closed=self._active != "draw")
            self.canvas.refresh_marks()

    def _release(self, event) -> None:
        active, self._active = self._active, None
        self._move_timer.stop()
        if active is None:
            return
        point, moved = self._at(event), np.abs([event.x - self._start[0], event.y - self._start[1]]).max() > 3
        self.canvas.marks.put_outline(None)
        self.canvas.refresh_marks()
        if active == "go":
            self.released.emit(point)
        elif active == "move" and moved:
            self._move_view(event)
        elif active == "edit":
            self.corner_moved.emit(self._corner, point, True)
        elif active == "zoom" and moved:
            frame = _rectangle(self._stroke[0], point)
            self.canvas.set_limits(np.stack([frame.min(axis=0), frame.max(axis=0)], axis=1))
        elif active == "box" and moved:
            self.outlined.emit(_rectangle(self._stroke[0], point), "box")
        elif active == "lasso" and len(self._stroke) > 2:
            self.outlined.emit(np.array(self._stroke), "lasso")
        elif active == "draw" and len(self._stroke) > 1:
            self.drawn.emit(np.array(self._stroke))

    def _wheel(self, event) -> None:
        if event.inaxes is not None and self.canvas.plane is not None:
            self.canvas.zoom(_ZOOM ** -event.step, self._at(event))

    # ----- places -----

    def _at(self, event) -> np.ndarray:
        """The point ``(2,)`` of the plot under an event, also beside the plot."""
        return self.canvas.axes.transData.inverted().transform((event.x, event.y))

    def _pixels(self, first: np.ndarray, second: np.ndarray) -> float:
        start, end = self.canvas.axes.transData.transform([first, second])
        return float(np.hypot(*(start - end)))

    def _move_view(self, event) -> None:
        """The view as it was when the mouse was pressed, moved as far as the mouse has."""
        box = self.canvas.axes.bbox
        share = (np.array([event.x, event.y]) - self._start) / (box.width, box.height)
        span = self._start_limits[:, 1] - self._start_limits[:, 0]
        self.canvas.set_limits(self._start_limits - (share * span)[:, None])

    def _corner_near(self, pixel: np.ndarray) -> int:
        if not len(self.corners):
            return -1
        away = np.hypot(*(self.canvas.axes.transData.transform(self.corners) - pixel).T)
        return int(away.argmin()) if away.min() <= _NEAR * self.canvas.device_pixel_ratio else -1

    def _remove_corner(self) -> None:
        """The corner that was right-clicked; elsewhere the context menu follows."""
        corner = self._corner_near(self._start) if self.mode == "edit" else -1
        self.canvas.menu_wanted = corner < 0
        if corner >= 0:
            self.corner_removed.emit(corner)


def _with_modifier(event, key: str) -> bool:
    return key in (event.modifiers or ()) if hasattr(event, "modifiers") else False


def _rectangle(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Corners ``(4, 2)``."""
    (x1, y1), (x2, y2) = first, second
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
