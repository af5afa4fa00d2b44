"""What the tests of the panel share: a viewer over a real project, and a mouse that is pressed on its real canvas."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from chimerax.flexrec.viewer.viewer_window import Viewer
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
PATIENCE = 20_000  # milliseconds


def open_viewer(qtbot, project) -> Viewer:
    """A viewer that is seen, over a project or a job."""
    viewer = Viewer()
    qtbot.addWidget(viewer)
    viewer.resize(1000, 800)
    viewer.show()
    open_and_wait(qtbot, viewer, project)
    qtbot.waitUntil(lambda: viewer.panel.plot.canvas._background is not None or viewer.scene.trained is None,
                    timeout=PATIENCE)  # fmt: skip
    QTest.qWait(150)  # the window has its final layout
    return viewer


def open_and_wait(qtbot, viewer: Viewer, path) -> None:
    """Open a project or a job in it, and let its particles be plotted, if it has any."""
    viewer.open(path)
    wait_until_read(qtbot, viewer)


def wait_until_read(qtbot, viewer: Viewer) -> None:
    qtbot.waitUntil(lambda: not viewer.panel.reading, timeout=PATIENCE)


def pixel(viewer: Viewer, point) -> QPoint:
    """Where a point of the plot is on the canvas."""
    canvas = viewer.panel.plot.canvas
    x, y = canvas.axes.transData.transform(np.asarray(point, float)) / canvas.device_pixel_ratio
    return QPoint(round(x), round(canvas.height() - y))


def under(viewer: Viewer, place: QPoint) -> np.ndarray:
    """The point of the plot under a pixel of the canvas."""
    canvas = viewer.panel.plot.canvas
    device = np.array([place.x(), canvas.height() - place.y()]) * canvas.device_pixel_ratio
    return canvas.axes.transData.inverted().transform(device)


def click(viewer: Viewer, point, button=LEFT) -> QPoint:
    """Click a point of the plot; returns the pixel."""
    place = pixel(viewer, point)
    QTest.mouseClick(viewer.panel.plot.canvas, button, pos=place)
    return place


def drag(viewer: Viewer, points, button=LEFT, let_go: bool = True) -> list[QPoint]:
    """Press at the first point, move over the others, and let go at the last."""
    canvas, places = viewer.panel.plot.canvas, [pixel(viewer, point) for point in points]
    QTest.mousePress(canvas, button, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(canvas, place)
        QTest.qWait(2)
    if let_go:
        QTest.mouseRelease(canvas, button, pos=places[-1])
    return places
