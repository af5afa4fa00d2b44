"""The panel in a high window, a low one, a wide one and a narrow one: the plot comes first, and nothing is cut off."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from chimerax.flexrec.viewer.viewer_window import Viewer
from explored_project import make_project
from panel_window import LEFT, open_viewer
from qtpy.QtCore import QPoint, QRect, Qt
from qtpy.QtGui import QColor, QPalette
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QToolButton,
    QTreeWidget,
    QWidget,
)


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
        assert panel.selections.selection_actions.width() <= width and all(seen(panel, button) for button in buttons)


def test_tabs_fold_away_and_come_back(panel):
    resized(panel, 400, 420)
    assert panel.folding.folded and seen(panel, panel.bar.play)  # low and narrow: the plot comes first
    assert panel.plot.canvas.height() > 220
    resized(panel, 500, 700)
    assert not panel.folding.folded
    panel.show_tab(panel.paths)
    before = panel.plot.canvas.height()
    QTest.mouseClick(panel.folding.button, LEFT)
    QTest.qWait(50)
    assert panel.plot.canvas.height() > before + 100 and not seen(panel, panel.paths.make)
    assert seen(panel, panel.bar.play)
    assert panel.display_state()["folded"]
    bar = panel.tabs.tabBar()
    QTest.mouseClick(bar, LEFT, pos=bar.tabRect(panel.tabs.currentIndex()).center())  # the title of a tab opens it
    QTest.qWait(50)
    assert panel.plot.canvas.height() == before and panel.paths.make.isVisible()
    panel.restore_display({**panel.display_state(), "folded": True})
    assert panel.folding.folded


def test_a_handle_that_was_moved_stays_from_tab_to_tab(panel):
    resized(panel, 500, 800)
    panel.show_tab(panel.paths)
    handle = panel.folding.handle(1)
    QTest.mousePress(handle, LEFT, pos=QPoint(20, 2))
    QTest.mouseMove(handle, QPoint(20, -58))
    QTest.mouseRelease(handle, LEFT, pos=QPoint(20, -58))
    moved, height = panel.folding.sizes(), panel.folding.height()
    panel.show_tab(panel.states)
    assert panel.folding.sizes() == pytest.approx(moved, abs=2)
    resized(panel, 500, 700)
    assert panel.folding.sizes()[1] == pytest.approx(moved[1] * panel.folding.height() / height, abs=4)


def test_in_a_wide_dock_the_tabs_stand_beside_the_plot(panel):
    resized(panel, 1100, 480)
    assert panel.folding.orientation() == Qt.Orientation.Horizontal
    assert panel.plot.canvas.height() > 250 and panel.tabs.height() > 350
    resized(panel, 500, 780)
    assert panel.folding.orientation() == Qt.Orientation.Vertical


SIZES = [(505, 291), (505, 440), (620, 411), (620, 460), (620, 622), (620, 760), (480, 590), (560, 900), (300, 700),
         (260, 1000), (1000, 500), (1500, 2000)]  # fmt: skip


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_on_every_tab_the_plot_has_its_share_and_the_tabs_stand_still(panel, width, height):
    resized(panel, width, height)
    assert (panel.width(), panel.height()) == (width, height)  # nothing in it wants more
    places = set()
    for number in range(panel.tabs.count()):
        panel.tabs.setCurrentIndex(number)
        QTest.qWait(20)
        bar = panel.tabs.tabBar()
        places.add((bar.mapTo(panel, QPoint(0, 0)).toTuple(), bar.size().toTuple(), panel.plot.canvas.size().toTuple()))
        assert seen(panel, panel.bar.play) and panel.status.isVisible()
    assert len(places) == 1, places
    assert panel.plot.canvas.height() >= 0.4 * height
    if width >= 500 and height >= 411:
        assert panel.plot.canvas.height() >= 250


def overlapping(page) -> list:
    """Pairs of a page's controls that lie on one another, and those that lie outside it."""
    kinds = QPushButton, QLineEdit, QComboBox, QAbstractSpinBox, QCheckBox, QTreeWidget
    places = {}
    for kind in kinds:
        for widget in page.findChildren(kind):
            inside = isinstance(widget.parent(), kinds)  # a field's own line
            if widget.isVisible() and not inside and widget.objectName() != "qt_spinbox_lineedit":
                places[widget] = QRect(widget.mapTo(page, QPoint(0, 0)), widget.size())
    overlapping = [pair for pair in combinations(places, 2) if places[pair[0]].intersects(places[pair[1]])]
    return overlapping + [widget for widget, place in places.items() if not page.rect().contains(place)]


@pytest.mark.parametrize("width", [250, 300, 420, 620])
def test_in_a_narrow_dock_rows_wrap_and_nothing_overlaps(panel, width):
    resized(panel, width, 760)
    for kind in range(3):
        panel.paths.kind.setCurrentIndex(kind)
        for number in range(panel.tabs.count()):
            panel.tabs.setCurrentIndex(number)
            QTest.qWait(20)
            area = panel.tabs.widget(number)
            assert not overlapping(area.widget()), panel.tabs.tabText(number)
            assert not area.horizontalScrollBar().isVisible(), panel.tabs.tabText(number)
    assert not overlapping(panel.plot.controls)


def test_titles_of_tabs_stand_closer_before_any_is_out_of_sight(panel):
    resized(panel, 505, 291)  # beside the plot
    bar = panel.tabs.tabBar()
    panel.tabs.addTab(QWidget(), "Mesh && flow")
    QTest.qWait(50)
    words = bar.fontMetrics().horizontalAdvance
    for number in range(bar.count()):
        rect = bar.tabRect(number)
        assert bar.rect().contains(rect), bar.tabText(number)
        assert rect.width() >= words(bar.tabText(number).replace("&&", "&"))


def test_the_status_says_less_where_there_is_less_room_and_its_tooltip_all(panel):
    panel.scene.run("flexrec volume at 0.1,0.2")
    for width, whole in ((620, True), (250, False)):
        resized(panel, width, 700)
        assert ("z = 0.100, 0.200" in panel.status.text()) is whole
        assert "z = 0.100, 0.200" in panel.status.toolTip() and "pc1" in panel.status.text()


def test_a_window_with_nothing_open_is_no_larger(qtbot, tmp_path):
    viewer = open_viewer(qtbot, tmp_path)
    assert viewer.panel.minimumSizeHint().width() <= 260 and viewer.panel.minimumSizeHint().height() <= 280
    assert viewer.panel.welcome.open_jobs.isVisible() and not viewer.panel.plot.controls.isVisible()


def test_the_window_fits_the_screen(qtbot):
    viewer = Viewer()
    qtbot.addWidget(viewer)
    viewer.show()
    screen = viewer.screen().availableGeometry()
    assert screen.contains(viewer.frameGeometry()) and viewer.height() > 0.8 * screen.height()
    assert viewer.minimumSizeHint().width() <= 620 and viewer.minimumSizeHint().height() <= 400


def test_ten_jobs_and_a_log_can_be_read_in_a_window_of_their_own(qtbot, project):
    viewer = open_viewer(qtbot, project)
    QTest.mouseClick(viewer.panel.findChild(QToolButton, "jobs"), LEFT)
    jobs = viewer.jobs
    assert jobs.isVisible() and jobs.isWindow()
    screen = jobs.screen().availableGeometry()
    assert screen.contains(jobs.frameGeometry())
    jobs.resize(900, 592)  # on a screen of 1024 x 640
    jobs.pages.setCurrentWidget(jobs.log)
    QTest.qWait(50)
    assert jobs.table.viewport().height() >= 9 * jobs.table.verticalHeader().defaultSectionSize()
    assert jobs.log.height() >= 10 * jobs.log.fontMetrics().lineSpacing()
    jobs.resize(380, 500)
    assert jobs.width() == 380 and not overlapping(jobs)
    viewer.close()
    assert not jobs.isVisible()


def test_play_without_a_path_plays_the_first_component_through_the_shown_point(qtbot, project):
    viewer = open_viewer(qtbot, project)
    viewer.scene.run("flexrec volume at 0.3,-0.8")
    assert viewer.scene.path is None
    viewer.panel.setFocus()
    QTest.keyClick(viewer.panel, Qt.Key.Key_Space)
    path = viewer.scene.path
    assert viewer.scene.playing and path.name.startswith("pc1")
    steps = np.linalg.norm(np.diff(path.z, axis=0), axis=1)
    assert np.linalg.norm(path.z - [0.3, -0.8], axis=1).min() < 0.51 * steps.max()
    QTest.mouseClick(viewer.panel.bar.play, LEFT)
    assert not viewer.scene.playing


def test_hints_in_empty_fields_are_paler_than_text_in_every_palette(panel, qapp):
    role, usual = QPalette.ColorRole, qapp.palette()
    try:
        for text in ("#ffffff", "#101010"):
            palette = QPalette()
            for part in (role.Text, role.PlaceholderText):  # as ChimeraX's dark palette has it
                palette.setColor(part, QColor(text))
            qapp.setPalette(palette)
            QTest.qWait(20)
            hint, ink = (panel.paths.points.palette().color(part) for part in (role.PlaceholderText, role.Text))
            assert ink.name() == text and hint.alpha() < 150
    finally:
        qapp.setPalette(usual)


@pytest.mark.parametrize("width", [420, 505, 620])
def test_in_the_tab_of_selections_names_hints_and_labels_are_seen_whole(panel, width):
    tab, tree = panel.selections, panel.selections.list
    panel.scene.run("flexrec select name 'selection 1' where 'pc1 > 0.5'")
    resized(panel, width, 760)
    panel.show_tab(tab)
    QTest.qWait(50)
    measure, item = tree.fontMetrics().horizontalAdvance, tree.topLevelItem(0)
    wanted = [measure(item.text(column)) for column in range(3)]
    assert tree.columnWidth(0) >= wanted[0] + 48  # its box and its colour
    assert all(wanted[k] < tree.columnWidth(k) < wanted[k] + 60 for k in (1, 2))
    for field in (tab.where, tab.clusters):
        assert measure(field.placeholderText()) + 16 <= field.width(), field.placeholderText()
    assert tab.clusters.parent().findChild(QLabel).text() == "of them"
