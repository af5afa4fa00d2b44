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
_STEP = 4  # pixels between the points of what is drawn by hand
_ZOOM = 1.25  # of one notch of the wheel


class Hand(QObject):
    """Turns the mouse on a canvas into what is meant. Of many moves that wait only the newest counts."""

    went = Signal(object)  # (2,) the hand is at, pressed
    rested = Signal(object)  # (2,) where it was let go
    hovered = Signal(object)  # (2,) the free cursor, or None
    outlined = Signal(object, str)  # (m, 2) drawn round particles, and "lasso" or "box"
    drawn = Signal(object)  # (m, 2) a path
    corner_moved = Signal(int, object, bool)  # which corner, (2,) where to, whether let go
    corner_added = Signal(object)
    corner_removed = Signal(int)

    def __init__(self, canvas: PlotCanvas) -> None:
        super().__init__(canvas)
        self.canvas = canvas
        self.mode = "go"
        self.corners = np.zeros((0, 2))  # of the path that can be edited
        self._doing: str | None = None
        self._start = self._grabbed = None
        self._stroke: list[np.ndarray] = []
        self._corner = -1
        self._newest = None
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._follow)
        for name, heard in (("button_press_event", self._press), ("motion_notify_event", self._move),
                            ("button_release_event", self._release), ("scroll_event", self._wheel)):  # fmt: skip
            canvas.mpl_connect(name, heard)
        canvas.left.connect(lambda: self.hovered.emit(None))

    def set_mode(self, mode: str) -> None:
        """One of `MODES`."""
        self.mode = mode
        self.stop()

    def stop(self) -> str | None:
        """Let go; returns what the hand was at, one of `MODES`, or None."""
        doing, self._doing = self._doing, None
        self._soon.stop()
        self.canvas.marks.put_outline(None)
        self.canvas.refresh_marks()
        return doing

    # ----- events -----

    def _press(self, event) -> None:
        if self.canvas.plane is None or event.inaxes is None or self._doing is not None:
            return
        self._start = np.array([event.x, event.y], float)
        self.hovered.emit(None)  # what was under the cursor says nothing of where it is dragged
        here = self._at(event)
        if event.button == 3:
            self._remove_corner()
            return
        if event.dblclick and self.mode == "edit":
            self.corner_added.emit(here)
            return
        mode = "move" if event.button == 2 or _held(event, "alt") else self.mode
        self._corner = self._corner_near(self._start) if mode == "edit" else -1
        if mode == "edit" and self._corner < 0:
            mode = "move"
        self._doing, self._stroke, self._grabbed = mode, [here], self.canvas.limits
        self._newest = event
        if mode == "go":
            self._follow()

    def _move(self, event) -> None:
        if self._doing is None:
            if self.canvas.plane is not None:
                self.hovered.emit(self._at(event) if event.inaxes else None)
            return
        if self._doing in ("lasso", "draw"):
            here = self._at(event)
            if self._pixels(here, self._stroke[-1]) >= _STEP * self.canvas.device_pixel_ratio:
                self._stroke.append(here)
        self._newest = event
        if not self._soon.isActive():
            self._soon.start()

    def _follow(self) -> None:
        """Do what the newest move asks; the ones before it are forgotten."""
        if self._doing is None:
            return
        here = self._at(self._newest)
        if self._doing == "go":
            self.went.emit(here)
        elif self._doing == "move":
            self._move_view(self._newest)
        elif self._doing == "edit":
            self.corner_moved.emit(self._corner, here, False)
        else:
            frame = _rectangle(self._stroke[0], here)
            outline = frame if self._doing in ("zoom", "box") else np.array(self._stroke)
            self.canvas.marks.put_outline(outline, closed=self._doing != "draw")
            self.canvas.refresh_marks()

    def _release(self, event) -> None:
        doing, self._doing = self._doing, None
        self._soon.stop()
        if doing is None:
            return
        here, moved = self._at(event), np.abs([event.x - self._start[0], event.y - self._start[1]]).max() > 3
        self.canvas.marks.put_outline(None)
        self.canvas.refresh_marks()
        if doing == "go":
            self.rested.emit(here)
        elif doing == "move" and moved:
            self._move_view(event)
        elif doing == "edit":
            self.corner_moved.emit(self._corner, here, True)
        elif doing == "zoom" and moved:
            frame = _rectangle(self._stroke[0], here)
            self.canvas.set_limits(np.stack([frame.min(axis=0), frame.max(axis=0)], axis=1))
        elif doing == "box" and moved:
            self.outlined.emit(_rectangle(self._stroke[0], here), "box")
        elif doing == "lasso" and len(self._stroke) > 2:
            self.outlined.emit(np.array(self._stroke), "lasso")
        elif doing == "draw" and len(self._stroke) > 1:
            self.drawn.emit(np.array(self._stroke))

    def _wheel(self, event) -> None:
        if event.inaxes is not None and self.canvas.plane is not None:
            self.canvas.zoom(_ZOOM ** -event.step, self._at(event))

    # ----- places -----

    def _at(self, event) -> np.ndarray:
        """The point ``(2,)`` of the plot under an event, also beside the plot."""
        return self.canvas.axes.transData.inverted().transform((event.x, event.y))

    def _pixels(self, first: np.ndarray, second: np.ndarray) -> float:
        one, other = self.canvas.axes.transData.transform([first, second])
        return float(np.hypot(*(one - other)))

    def _move_view(self, event) -> None:
        """The view as it was grabbed, moved as far as the hand has."""
        box = self.canvas.axes.bbox
        share = (np.array([event.x, event.y]) - self._start) / (box.width, box.height)
        span = self._grabbed[:, 1] - self._grabbed[:, 0]
        self.canvas.set_limits(self._grabbed - (share * span)[:, None])

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


def _held(event, key: str) -> bool:
    return key in (event.modifiers or ()) if hasattr(event, "modifiers") else False


def _rectangle(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Corners ``(4, 2)``."""
    (x1, y1), (x2, y2) = first, second
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
