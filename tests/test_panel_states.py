"""States that are kept and compared, all pairs, the saved plot, the help button."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.compare_states import LESS, MORE
from chimerax.flexrec.explore.named_states import FILE, keep_state, kept_states
from chimerax.flexrec.panel.plot.component_pairs import ComponentPairs
from chimerax.flexrec.viewer.slice_view import Slices
from explored_project import make_project
from panel_window import LEFT, PATIENCE, click, open_viewer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDialog, QFileDialog, QMenu, QPushButton


@pytest.fixture
def viewer(qtbot, tmp_path):
    latents = np.random.default_rng(0).normal(size=(300, 3))
    viewer = open_viewer(qtbot, make_project(tmp_path / "project", (3, 1, 0.5), latents).parent)
    viewer.panel.plot.show_axes(("z1", "z2"))
    viewer.panel.show_tab(viewer.panel.states)
    return viewer


def press(viewer, name):
    QTest.mouseClick(viewer.panel.findChild(QPushButton, name), LEFT)


def keep_two(viewer):
    points = []
    for name, point in (("closed", (-1, 0)), ("", (1, 0.5))):
        click(viewer, point)
        viewer.panel.states.name.setText(name)
        press(viewer, "keep state")
        points.append(viewer.scene.z.copy())
    return points


def test_a_state_is_kept_exactly_shown_again_and_deleted(viewer):
    first, second = keep_two(viewer)
    tab = viewer.panel.states
    assert [state.name for state in tab.listed] == ["closed", "state 1"]
    assert (tab.listed[0].z == first).all()
    tab.list.setCurrentItem(tab.list.topLevelItem(0))
    press(viewer, "show of states")
    assert (viewer.scene.z == first).all()
    press(viewer, "delete of states")
    assert [state.name for state in kept_states(viewer.scene.trained)] == ["state 1"]
    assert (tab.listed[0].z == second).all()


def test_a_state_that_replaces_another_says_so(viewer):
    keep_two(viewer)
    assert "in place" not in viewer.panel.messages.text()
    click(viewer, (0.5, 0.5))
    viewer.panel.states.name.setText("closed")
    press(viewer, "keep state")
    assert "closed: kept in place of the former state" in viewer.panel.messages.text()
    stored = {state.name: state.z for state in kept_states(viewer.scene.trained)}
    assert len(stored) == 2 and (stored["closed"] == viewer.scene.z).all()


def compared(viewer):
    return [window for window in viewer.findChildren(QDialog) if window.isVisible()]


def test_two_states_are_compared_until_that_is_ended(qtbot, viewer):
    keep_two(viewer)
    tab, ending = viewer.panel.states, viewer.panel.findChild(QPushButton, "end comparison of states")
    press(viewer, "difference of states")
    assert "Mark two states" in viewer.panel.messages.text()
    assert not ending.isEnabled() and not tab.legend.isVisible()
    tab.list.selectAll()
    press(viewer, "difference of states")
    qtbot.waitUntil(lambda: len(compared(viewer)) == 1, timeout=PATIENCE)
    assert compared(viewer)[0].windowTitle() == "state 1 minus closed"
    assert f'color:{LESS}">■</span> more in closed' in tab.legend.text() and tab.legend.isVisible()
    assert f'color:{MORE}">■</span> more in state 1' in tab.legend.text() and "±" in tab.legend.text()
    press(viewer, "side by side of states")
    qtbot.waitUntil(lambda: "closed (left)" in tab.legend.text(), timeout=PATIENCE)
    assert [len(window.findChildren(Slices)) for window in compared(viewer)] == [2]
    assert "Å r.m.s. from closed" in viewer.log.toPlainText()
    press(viewer, "end comparison of states")
    assert viewer.log.toPlainText().splitlines()[-1] == "flexrec state clear"
    assert not compared(viewer) and not ending.isEnabled() and not tab.legend.isVisible()
    press(viewer, "difference of states")
    qtbot.waitUntil(ending.isEnabled, timeout=PATIENCE)
    compared(viewer)[0].close()  # by the user
    qtbot.waitUntil(lambda: not ending.isEnabled(), timeout=PATIENCE)
    for wrong in ("closed closed", 'closed "state 1" how other'):
        assert not viewer.scene.run(f"flexrec state compare {wrong}")
    press(viewer, "morph of states")
    assert viewer.scene.playing
    assert viewer.scene.path.z[0] == pytest.approx(viewer.panel.states.listed[0].z, abs=1e-5)


def test_a_damaged_list_of_states_is_said(viewer, tmp_path):
    project = viewer.scene.trained.project
    for text in ("{", json.dumps({"format": "flexrec-states", "version": 1, "states": [{"name": "x"}]})):
        (project / FILE).write_text(text)
        with pytest.raises(InputError, match="not a list of states"):
            kept_states(viewer.scene.trained)
    (project / FILE).unlink()
    with pytest.raises(InputError, match="cannot be a state's name"):
        keep_state(viewer.scene.trained, "../x", np.zeros(3))


def test_all_pairs_and_a_click_on_one(viewer):
    QTest.mouseClick(viewer.panel.findChild(object, "pairs"), LEFT)
    window = viewer.panel.findChild(ComponentPairs)
    assert len(window.grid.pictures) == 3
    QTest.mouseClick(window.grid, LEFT, pos=window.grid.cell(1, 2).center().toPoint())
    assert viewer.panel.plot.plane.names == ("pc2", "pc3")


@pytest.mark.parametrize("suffix, start", [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_the_plot_is_saved_with_its_marker(viewer, tmp_path, capsys, suffix, start):
    click(viewer, (0.5, 0.5))
    viewer.panel.plot_actions.save(str(tmp_path / f"plot{suffix}"))
    with_marker = (tmp_path / f"plot{suffix}").read_bytes()
    assert with_marker.startswith(start)
    viewer.scene.run("flexrec volume rest")
    viewer.panel.plot_actions.save(str(tmp_path / f"rest{suffix}"))
    assert len((tmp_path / f"rest{suffix}").read_bytes()) < len(with_marker)
    viewer.panel.plot_actions.save(str(tmp_path / "nowhere" / f"plot{suffix}"))
    assert "choose another place" in viewer.panel.messages.whole
    assert "Traceback" not in capsys.readouterr().err


def test_the_help_button_asks_for_help(qtbot, viewer):
    with qtbot.waitSignal(viewer.panel.help_asked):
        QTest.mouseClick(viewer.panel.findChild(object, "?"), LEFT)


def test_another_model_is_opened_from_the_menu_and_from_its_job(qtbot, viewer, tmp_path, monkeypatch):
    other = make_project(tmp_path / "another project")
    menu = QMenu()
    viewer.panel.plot_actions.fill(menu)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(other.parent))
    next(act for act in menu.actions() if act.text() == "Open a project …").trigger()
    assert viewer.scene.trained.folder == other
    jobs, first = viewer.jobs, tmp_path / "project" / other.name
    assert jobs.project == other.parent  # as long as nobody chooses another there
    jobs.set_project(first.parent)
    qtbot.waitUntil(lambda: any(state.folder == first for state in jobs.table.rows.states), timeout=PATIENCE)
    jobs.table.choose(first)
    qtbot.waitUntil(jobs.buttons["Open model"].isEnabled, timeout=PATIENCE)
    viewer.panel.show_tab(jobs)
    QTest.mouseClick(jobs.buttons["Open model"], LEFT)
    assert viewer.scene.trained.folder == first
    assert viewer.log.toPlainText().splitlines()[-1] == f"flexrec open {first}"


def test_a_button_tells_what_its_command_does(viewer):
    """Its tool tip is the synopsis of the declared action."""
    from chimerax.flexrec.actions.action_registry import find_action

    for name, words in (("keep state", "state keep"), ("morph of states", "morph"), ("make clusters", "cluster")):
        button = viewer.panel.findChild(QPushButton, name)
        assert button.toolTip() == f"{find_action(words).synopsis}: flexrec {words}"
