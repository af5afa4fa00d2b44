"""Paths with the mouse: made, drawn, edited, played."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from explored_project import make_project
from panel_window import LEFT, PATIENCE, RIGHT, click, drag, open_and_wait, open_viewer, pixel, under
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QPushButton


@pytest.fixture
def viewer(qtbot, tmp_path):
    viewer = open_viewer(qtbot, make_project(tmp_path / "project").parent)
    viewer.panel.plot.show_axes(("z1", "z2"))
    return viewer


def last(viewer, verb):
    return [line for line in viewer.log.toPlainText().splitlines() if line.startswith(f"flexrec {verb}")][-1]


def press(viewer, name):
    QTest.mouseClick(viewer.panel.findChild(QPushButton, name), LEFT)


def draw(viewer, points):
    viewer.panel.plot.set_mode("draw")
    return drag(viewer, points)


def test_a_path_along_an_axis_goes_through_the_shown_point(viewer):
    click(viewer, (0.2, 0.6))
    viewer.panel.show_tab(viewer.panel.paths)
    viewer.panel.paths.axis.setCurrentText("z1")
    viewer.panel.paths.frames.setValue(12)
    press(viewer, "make path")
    path = viewer.scene.path
    assert len(path) == 12 and path.z[:, 1] == pytest.approx(viewer.scene.z[1], abs=1e-5)
    line = np.transpose(viewer.panel.plot.canvas.marks.path.get_data())
    assert line == pytest.approx(path.z, abs=1e-5)
    assert last(viewer, "path").startswith("flexrec path z1 frames 12 at ")


def test_a_path_through_typed_points_and_one_that_is_wrong(viewer):
    tab = viewer.panel.paths
    viewer.panel.show_tab(tab)
    tab.kind.setCurrentIndex(1)
    tab.points.setText("p3 0.5,-1 p7")
    press(viewer, "make path")
    latents = viewer.scene.trained.latents
    assert viewer.scene.path.z[[0, -1]] == pytest.approx(latents[[3, 7]], abs=1e-5)
    before = viewer.scene.path
    tab.points.setText("p3 p999")
    press(viewer, "make path")
    assert viewer.scene.path is before and "no particle 999" in viewer.panel.messages.text()


def test_a_path_drawn_by_hand_begins_and_ends_where_the_hand_did(viewer):
    way = [(-1 + 0.04 * k, np.sin(0.15 * k)) for k in range(50)]
    places = draw(viewer, way)
    z = viewer.scene.path.z
    assert z[0] == pytest.approx(under(viewer, places[0]), abs=0.02)
    assert z[-1] == pytest.approx(under(viewer, places[-1]), abs=0.05)
    drawn = np.array([under(viewer, place) for place in places])
    away = np.hypot(*(z[:, None] - drawn[None]).transpose(2, 0, 1)).min(axis=1)
    assert away.max() < 0.1
    assert viewer.panel.plot.mouse.mode == "go"


def test_corners_are_moved_added_and_taken_away(viewer):
    draw(viewer, [(-1, -1), (-0.5, 0), (0, 1), (0.5, 0), (1, -1)])
    tab, plot = viewer.panel.paths, viewer.panel.plot
    viewer.panel.plot.set_mode("edit")
    tab.draw()
    assert len(tab.corners) == 3
    middle = tab.corners[1].copy()
    places = drag(viewer, [middle, (0.3, 1.2), (0.4, 1.5)])
    assert tab.corners[1] == pytest.approx(under(viewer, places[-1]), abs=1e-4)
    assert np.abs(viewer.scene.path.z - tab.corners[1]).sum(axis=1).min() < 0.2
    QTest.mouseDClick(plot.canvas, LEFT, pos=pixel(viewer, (-0.8, -0.4)))
    assert len(tab.corners) == 4
    click(viewer, tab.corners[1], RIGHT)
    assert len(tab.corners) == 3
    assert last(viewer, "path").startswith("flexrec path through ")


def test_playing_moves_marker_and_map_and_pauses_at_the_true_map(qtbot, viewer):
    draw(viewer, [(-1, 0), (0, 0.2), (1, 0)])
    maps, places = [], []
    viewer.scene.mapped.connect(lambda volume, size: maps.append(volume))
    viewer.scene.changed.connect(lambda: places.append(viewer.scene.place))
    viewer.panel.bar.speed.setValue(3)
    viewer.panel.setFocus()
    QTest.keyClick(viewer.panel, Qt.Key.Key_Space)
    assert viewer.scene.playing and viewer.panel.bar.play.text() == "Pause"
    qtbot.waitUntil(lambda: viewer.scene.place > 0.1 and len(set(places)) > 3, timeout=PATIENCE)
    QTest.keyClick(viewer.panel, Qt.Key.Key_Escape)
    assert not viewer.scene.playing
    assert viewer.scene.z == pytest.approx(viewer.scene.path.point(viewer.scene.place), abs=1e-5)
    true = viewer.scene.trained.model.decode(viewer.scene.z)
    qtbot.waitUntil(lambda: bool(maps) and np.allclose(maps[-1], true, atol=1e-4), timeout=PATIENCE)
    assert len(set(places)) > 3
    assert np.ravel(viewer.panel.plot.canvas.marks.dot.get_data()) == pytest.approx(viewer.scene.z, abs=1e-5)


def test_scrubbing_shows_the_state_at_that_place(qtbot, viewer):
    draw(viewer, [(-1, 0), (0, 0.2), (1, 0)])
    viewer.panel.show_tab(viewer.panel.paths)
    bar = viewer.panel.bar.scrub
    handle = int(bar.width() * bar.value() / 1000) + 4
    QTest.mousePress(bar, LEFT, pos=QPoint(handle, bar.height() // 2))
    QTest.mouseMove(bar, QPoint(bar.width() // 2, bar.height() // 2))
    QTest.mouseRelease(bar, LEFT, pos=QPoint(bar.width() // 2, bar.height() // 2))
    assert 0.4 < viewer.scene.place < 0.6
    assert viewer.scene.z == pytest.approx(viewer.scene.path.point(viewer.scene.place), abs=1e-5)



def test_a_hand_or_a_command_ends_playing(qtbot, viewer):
    draw(viewer, [(-1, 0), (0, 0.2), (1, 0)])
    play = viewer.panel.bar
    play.loop.setChecked(True)
    for act, point in (
        (lambda: drag(viewer, [(0.1, 0.8), (0.3, 0.9)]), (0.3, 0.9)),
        (lambda: click(viewer, (-0.5, -0.6)), (-0.5, -0.6)),
        (lambda: viewer.scene.run("flexrec volume at 0.25,0.5"), (0.25, 0.5)),
    ):
        play.toggle()
        qtbot.waitUntil(lambda: viewer.scene.place > 0.1 and viewer.scene.z[1] < 0.3, timeout=PATIENCE)
        assert viewer.scene.playing
        act()
        qtbot.waitUntil(lambda point=point: viewer.scene.z == pytest.approx(point, abs=0.03), timeout=PATIENCE)
        assert not viewer.scene.playing


def test_each_word_is_a_point_of_its_own(viewer):
    assert not viewer.scene.run("flexrec path through 0,0,0 1,1,1")
    assert "2 numbers" in viewer.panel.messages.text()
    assert viewer.scene.run("flexrec path through 0,0 1,1 frames 5") and len(viewer.scene.path) == 5


def test_no_path_is_made_where_nothing_is_open(qtbot, tmp_path):
    viewer = open_viewer(qtbot, tmp_path)
    assert viewer.scene.trained is None and not viewer.panel.paths.make.isEnabled()
    open_and_wait(qtbot, viewer, make_project(tmp_path / "project").parent)
    assert viewer.panel.paths.make.isEnabled()
