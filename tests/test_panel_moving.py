"""The tab of what moves: clicks and keys become commands, and what others change is shown."""

from __future__ import annotations

import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from chimerax.flexrec.panel.tabs.moving_tab import MovingTab, OpenStructure, ShownFlow
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest


class ListedScene:
    """A scene that keeps what it is told; ``refuses`` what no command does."""

    mesh_colours, most_arrows, why_not_moving = ("part", "rigidity", "strain", "agreement", "none"), 20_000, ""

    def __init__(self) -> None:
        self.colours_missing = {"agreement": "Train with halves."}
        self.mesh_colour, self.flow, self.refuses = None, None, False
        self.follow: set[str] = set()
        self.lines: list[str] = []
        self.changed = []

    def structures(self):
        return [OpenStructure(f"#{n}", f"fab {n}", f"#{n}" in self.follow) for n in (2, 3)]

    def run(self, command: str) -> bool:
        self.lines.append(command)
        if self.refuses:
            return False
        words = command.split()[1:]
        if words[0] == "mesh":
            self.mesh_colour = words[2] if words[1] == "color" else None
        elif words[0] == "flow":
            options = dict(zip(words[1::2], words[2::2]))
            self.flow = None if "show" in options else ShownFlow(
                int(options.get("count", 500)), float(options.get("scale", 1)), float(options.get("threshold", 0.5)),
                float(options.get("width", 1)), options.get("reference", "mean"))  # fmt: skip
        else:
            (self.follow.add if words[0] == "follow" else self.follow.discard)(words[1])
        for changed in self.changed:
            changed()
        return True

    def on_change(self, changed):
        self.changed.append(changed)
        return lambda: self.changed.remove(changed)


@pytest.fixture
def scene():
    return ListedScene()


@pytest.fixture
def tab(scene, qtbot):
    tab = MovingTab(scene)
    qtbot.addWidget(tab)
    tab.resize(400, 600)
    tab.show()
    qtbot.waitExposed(tab)
    return tab


def tick(qtbot, box) -> None:
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Space)


def test_the_mesh_is_shown_coloured_and_hidden(tab, scene, qtbot):
    tick(qtbot, tab.mesh)
    tab.colour.setFocus()
    qtbot.keyClick(tab.colour, Qt.Key.Key_Down)
    tick(qtbot, tab.mesh)
    assert scene.lines == ["flexrec mesh color part", "flexrec mesh color rigidity", "flexrec mesh show false"]


def test_arrows_follow_the_numbers_once_the_hand_rests(tab, scene, qtbot):
    tick(qtbot, tab.arrows)
    assert scene.lines == ["flexrec flow count 500 scale 1 threshold 0.5 width 1 reference mean"]
    tab.scale.setFocus()
    for _ in range(5):
        qtbot.keyClick(tab.scale, Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: len(scene.lines) == 2, timeout=5000)
    qtbot.wait(200)
    assert len(scene.lines) == 2
    assert f"scale {tab.scale.value():g}" in scene.lines[1] and tab.scale.value() > 1
    tab.reference.setFocus()
    qtbot.keyClick(tab.reference, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: len(scene.lines) == 3, timeout=5000)
    assert scene.lines[2].endswith("reference rest")


def test_a_structure_that_is_ticked_follows(tab, scene, qtbot):
    row = tab.structures.visualItemRect(tab.structures.item(1))
    tab.structures.setCurrentRow(1)
    place = row.topLeft()
    place.setX(place.x() + 10)
    place.setY(row.center().y())
    qtbot.mouseClick(tab.structures.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseClick(tab.structures.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert scene.lines == ["flexrec follow #3", "flexrec unfollow #3"]


def test_what_is_typed_as_a_command_is_shown_and_runs_none(tab, scene):
    scene.run("flexrec mesh color strain")
    scene.run("flexrec flow")
    scene.run("flexrec follow #2")
    assert tab.mesh.isChecked() and tab.colour.currentData() == "strain" and tab.arrows.isChecked()
    assert tab.structures.item(0).checkState() == Qt.CheckState.Checked
    assert len(scene.lines) == 3


def test_the_numbers_of_a_typed_command_are_shown_and_a_point_that_arrows_begin_at(tab, scene):
    for reference in ("0.4,-0.2", "1,1"):
        scene.run(f"flexrec flow count 40 scale 2 threshold 0 width 3 reference {reference}")
        assert tab.arrows_command() == scene.lines[-1] and tab.reference.count() == 3
    scene.run("flexrec flow show false")
    assert not tab.arrows.isChecked() and tab.count.value() == 40
    scene.run("flexrec flow")
    assert tab.reference.currentData() == "mean" and len(scene.lines) == 4


def test_a_command_that_fails_leaves_the_tab_as_the_scene_is(tab, scene, qtbot):
    scene.refuses = True
    tick(qtbot, tab.mesh)
    qtbot.waitUntil(lambda: not tab.mesh.isChecked(), timeout=5000)
    assert scene.lines == ["flexrec mesh color part"]


def test_a_colour_that_the_model_cannot_have_is_not_offered_and_says_why(tab, scene):
    row = tab.colour.findData("agreement")
    item = tab.colour.model().item(row)
    assert not item.isEnabled() and item.toolTip() == "Train with halves."
    scene.colours_missing = {}
    tab.refresh()
    assert item.isEnabled() and "yellow" in item.toolTip()
    assert all(tab.colour.model().item(k).isEnabled() for k in range(tab.colour.count()))


def test_nothing_can_be_shown_while_no_model_is_open(scene, qtbot):
    scene.why_not_moving = "Train a flow."
    tab = MovingTab(scene)
    qtbot.addWidget(tab)
    assert not tab.mesh.isEnabled() and tab.why_not.text() == "Train a flow." and not tab.why_not.isHidden()


def test_the_words_for_the_meshs_colours_are_those_of_its_key_and_are_seen_whole(tab):
    from chimerax.flexrec.panel.tabs.moving_tab import _COLOUR_TIPS

    tab.resize(300, 600)
    QTest.qWait(20)
    for row in range(tab.colour.count()):
        name, text, tip = tab.colour.itemData(row), tab.colour.itemText(row), _COLOUR_TIPS[tab.colour.itemData(row)]
        assert tab.colour.fontMetrics().horizontalAdvance(text) <= tab.colour.width() - 36, text
        in_viridis = name in ("rigidity", "strain", "agreement")
        assert ("yellow" in text and "yellow" in tip) is in_viridis  # its end
        assert "red" not in text.split() and "red" not in tip.split()
