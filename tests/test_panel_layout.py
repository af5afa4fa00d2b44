"""The panel in a high window, a low one and a wide one: the plot and what is played are always in sight."""

from __future__ import annotations

import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from explored_project import make_project
from panel_window import LEFT, open_viewer
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor, QPalette
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QPushButton, QScrollArea


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("layout") / "project").parent


@pytest.fixture
def panel(qtbot, project):
    """The panel without the window around it, as a dock has it."""
    viewer = open_viewer(qtbot, project)
    viewer.panel.setParent(None)
    viewer.panel.show()
    yield viewer.panel
    viewer.panel.setParent(viewer)


def resized(panel, width, height):
    panel.resize(width, height)
    QTest.qWait(50)


def seen(panel, widget) -> bool:
    """Whether all of it is inside the panel and, where its page scrolls, in sight there."""
    area = widget.parentWidget()
    while area is not None and not isinstance(area, QScrollArea):
        area = area.parentWidget()
    frame = area.viewport() if area is not None else panel
    corner = widget.mapTo(frame, QPoint(0, 0))
    last = widget.mapTo(frame, QPoint(widget.width() - 1, widget.height() - 1))
    return widget.isVisible() and frame.rect().contains(corner) and frame.rect().contains(last)


@pytest.mark.parametrize(("page", "names"), [
    ("paths", ["make path"]), ("selections", ["select where", "typical state of selection"]),
    ("states", ["keep state"]),
])  # fmt: skip
def test_nothing_is_below_the_fold_in_an_ordinary_window(panel, page, names):
    resized(panel, 500, 780)
    panel.show_tab(getattr(panel, page))
    QTest.qWait(50)
    assert panel.plot.canvas.height() >= 260
    assert seen(panel, panel.bar.play) and seen(panel, panel.bar.record)
    for name in names:
        assert seen(panel, panel.findChild(QPushButton, name)), name


def test_the_buttons_of_a_selection_stand_in_one_row_where_there_is_room(panel):
    panel.show_tab(panel.selections)
    names = ("typical state", "reconstruct", "images", "export", "colour", "delete")
    for width, rows in ((500, 2), (700, 1), (520, 2)):
        resized(panel, width, 780)
        buttons = [panel.findChild(QPushButton, f"{name} of selection") for name in names]
        assert len({button.y() for button in buttons}) == rows
        assert panel.selections.acts.width() <= width and all(seen(panel, button) for button in buttons)


def test_tabs_fold_away_and_come_back(panel):
    resized(panel, 500, 560)
    assert panel.folding.folded and seen(panel, panel.bar.play)  # low: the plot comes first
    resized(panel, 500, 700)
    assert not panel.folding.folded
    panel.show_tab(panel.paths)
    before = panel.plot.canvas.height()
    QTest.mouseClick(panel.folding.button, LEFT)
    QTest.qWait(50)
    assert panel.plot.canvas.height() > before + 100 and not seen(panel, panel.paths.make)
    assert seen(panel, panel.bar.play)
    assert panel.look()["folded"]
    bar = panel.tabs.tabBar()
    QTest.mouseClick(bar, LEFT, pos=bar.tabRect(panel.tabs.currentIndex()).center())  # the title of a tab opens it
    QTest.qWait(50)
    assert panel.plot.canvas.height() == before and panel.paths.make.isVisible()
    panel.take_look({**panel.look(), "folded": True})
    assert panel.folding.folded


def test_a_handle_that_was_moved_stays_from_tab_to_tab(panel):
    resized(panel, 500, 800)
    panel.show_tab(panel.paths)
    handle = panel.folding.handle(1)
    QTest.mousePress(handle, LEFT, pos=QPoint(20, 2))
    QTest.mouseMove(handle, QPoint(20, -58))
    QTest.mouseRelease(handle, LEFT, pos=QPoint(20, -58))
    moved = panel.folding.sizes()
    panel.show_tab(panel.states)
    assert panel.folding.sizes() == pytest.approx(moved, abs=2)
    resized(panel, 500, 700)
    assert panel.folding.sizes()[1] == pytest.approx(moved[1] * 700 / 800, abs=4)


def test_in_a_wide_dock_the_tabs_stand_beside_the_plot(panel):
    resized(panel, 1100, 480)
    assert panel.folding.orientation() == Qt.Orientation.Horizontal
    assert panel.plot.canvas.height() > 250 and panel.tabs.height() > 400
    resized(panel, 500, 780)
    assert panel.folding.orientation() == Qt.Orientation.Vertical


def test_play_without_a_path_plays_the_first_component(qtbot, project):
    viewer = open_viewer(qtbot, project)
    assert viewer.scene.path is None
    viewer.panel.setFocus()
    QTest.keyClick(viewer.panel, Qt.Key.Key_Space)
    assert viewer.scene.playing and viewer.scene.path.name == "pc1"
    QTest.mouseClick(viewer.panel.bar.play, LEFT)
    assert not viewer.scene.playing


def test_hints_in_empty_fields_are_paler_than_text_in_every_palette(panel, qapp):
    role, usual = QPalette.ColorRole, qapp.palette()
    try:
        for text in ("#ffffff", "#101010"):
            palette = QPalette()
            for one in (role.Text, role.PlaceholderText):  # as ChimeraX's dark palette has it
                palette.setColor(one, QColor(text))
            qapp.setPalette(palette)
            QTest.qWait(20)
            hint, ink = (panel.paths.points.palette().color(one) for one in (role.PlaceholderText, role.Text))
            assert ink.name() == text and hint.alpha() < 150
    finally:
        qapp.setPalette(usual)
