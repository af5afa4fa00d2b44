"""The window of a second model: its plot is linked with the panel's, selections and the shown point alike."""

from __future__ import annotations

import numpy as np
import pytest
from panel_window import LEFT, open_viewer
from qtpy.QtCore import QPoint
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QPushButton
from test_compare_programs import job, linear, maps_of_some  # noqa: F401 - fixtures


@pytest.fixture
def viewer(qtbot, linear, job, tmp_path):  # noqa: F811
    maps_of_some(tmp_path / "maps", job, linear, "uid")
    viewer = open_viewer(qtbot, job)
    viewer.resize(1280, 800)
    yield viewer
    viewer.close()


def pixel(tab, point):
    canvas = tab.plot.canvas
    x, y = canvas.axes.transData.transform(np.asarray(point, float)) / canvas.device_pixel_ratio
    return QPoint(round(x), round(canvas.height() - y))


def test_a_lasso_in_the_other_plot_selects_in_both(viewer, tmp_path):
    panel, tab = viewer.panel, viewer.panel.compared
    panel.selections.findChild(QPushButton, "another model").click()
    QTest.qWait(50)
    assert tab.plot.isHidden() and "any program's model" in tab.about.text()
    tab.other.setText(str(tmp_path / "maps"))
    tab.findChild(QPushButton, "compare models").click()
    QTest.qWait(200)
    assert tab.plot.isVisible() and tab.plot.plane.names == ("other_pc1", "other_pc2")
    assert tab.plot.plane.shown.sum() == 250 and "250 of 400" in tab.about.text()
    tab._group.button(1).click()
    corners = [(0, -4), (4, -4), (4, 4), (0, 4), (0, -4)]
    limits = tab.plot.canvas.limits
    spare = 0.02 * (limits[:, 1] - limits[:, 0])
    places = [pixel(tab, np.clip(corner, limits[:, 0] + spare, limits[:, 1] - spare)) for corner in corners]
    QTest.mousePress(tab.plot.canvas, LEFT, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(tab.plot.canvas, place)
        QTest.qWait(2)
    QTest.mouseRelease(tab.plot.canvas, LEFT, pos=places[-1])
    QTest.qWait(50)
    made = panel.selections.listed[0]
    right = np.flatnonzero(tab.plot.plane.points[:, 0] > 0)
    assert 0.9 * len(right) < len(made.rows) <= len(right) and set(made.rows) <= set(right)
    for canvas in (panel.plot.canvas, tab.plot.canvas):
        np.testing.assert_array_equal(canvas._highlights[0][0], made.rows)


def test_a_click_in_the_other_plot_shows_that_particle(viewer, tmp_path):
    panel, tab = viewer.panel, viewer.panel.compared
    panel.show_compared()
    assert viewer.scene.run(f"flexrec compare {tmp_path / 'maps'} maps 0")
    tab.refresh_files()
    QTest.qWait(200)
    row = int(np.flatnonzero(tab.plot.plane.shown)[7])
    QTest.mouseClick(tab.plot.canvas, LEFT, pos=pixel(tab, tab.plot.plane.points[row]))
    QTest.qWait(50)
    nearest = tab.plot.plane.points[np.argmin(((viewer.scene.trained.latents - viewer.scene.z) ** 2).sum(axis=1))]
    assert np.abs(nearest - tab.plot.plane.points[row]).max() < 0.1


def test_colours_follow_the_panels_plot(viewer, tmp_path):
    panel, tab = viewer.panel, viewer.panel.compared
    panel.show_compared()
    assert viewer.scene.run(f"flexrec compare {tmp_path / 'maps'} maps 0")
    tab.refresh_files()
    assert panel.plot.color_by("alike")
    assert tab.plot.colour.currentText() == "alike"
