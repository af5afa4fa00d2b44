"""A model that is opened in the panel: what takes long of it is found in a thread, and meanwhile the window goes on."""

from __future__ import annotations

import threading

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore import trained_model
from chimerax.flexrec.explore.trained_model import Trained
from explored_project import make_project
from panel_window import PATIENCE, click, open_and_wait, open_viewer, wait_until_read


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("opening") / "project").parent


@pytest.fixture
def held(monkeypatch):
    """Components are found when this is set, not before."""
    go_on, find = threading.Event(), trained_model.components_of

    def wait(model):
        assert go_on.wait(PATIENCE / 1000)
        return find(model)

    monkeypatch.setattr(trained_model, "components_of", wait)
    yield go_on
    go_on.set()


def test_components_and_neighbours_are_found_in_a_thread(qtbot, project, monkeypatch):
    threads = {}

    def noted(name, work):
        def note(*given):
            threads[name] = threading.current_thread()
            return work(*given)

        return note

    support = trained_model.Support
    monkeypatch.setattr(trained_model, "components_of", noted("components", trained_model.components_of))
    monkeypatch.setattr(support, "of", noted("tree", support.of))
    viewer = open_viewer(qtbot, project)
    assert viewer.panel.plot.plane.names == ("pc1", "pc2")
    click(viewer, (0, 0))
    qtbot.waitUntil(lambda: "supported by data" in viewer.panel.status.text(), timeout=PATIENCE)
    assert set(threads) == {"components", "tree"} and threading.main_thread() not in threads.values()


def test_until_then_the_plot_is_empty_and_says_what_is_read(qtbot, project, tmp_path, held):
    viewer = open_viewer(qtbot, tmp_path)
    panel = viewer.panel
    assert viewer.open(project) and panel.reading and panel.plot.plane is None
    assert panel.messages.text() == "Reading 003-train …" and panel.messages.isVisible()
    assert not panel.plot.isEnabled() and not panel.plot.controls.isVisible() and not panel.welcome.isVisible()
    assert viewer.scene.run("flexrec volume at 0.1,0.2")  # another point, of which the empty plot has no mark
    panel.refresh_files()
    held.set()
    wait_until_read(qtbot, viewer)
    assert panel.plot.isEnabled() and panel.plot.controls.isVisible() and panel.messages.text() == ""
    assert "z = 0.100, 0.200" in panel.status.toolTip()


def test_of_two_models_that_are_opened_the_last_is_plotted(qtbot, project, tmp_path, held):
    viewer = open_viewer(qtbot, tmp_path)
    other = make_project(tmp_path / "other", latents=np.random.default_rng(3).normal(size=(300, 2))).parent
    assert viewer.open(project) and viewer.open(other)
    held.set()
    wait_until_read(qtbot, viewer)
    assert viewer.panel.plot.plane.trained is viewer.scene.trained
    assert viewer.scene.trained.project == other


def test_the_chosen_axes_stay_and_selections_are_those_of_the_new_model(qtbot, project, tmp_path):
    viewer = open_viewer(qtbot, project)
    panel = viewer.panel
    assert panel.plot.show_axes(("z2", "z1")) and viewer.scene.run("flexrec select name right where 'pc1 > 0'")
    open_and_wait(qtbot, viewer, make_project(tmp_path / "other").parent)
    assert panel.plot.plane.names == ("z2", "z1") and not panel.plot.canvas._highlights
    open_and_wait(qtbot, viewer, project)
    assert panel.plot.plane.names == ("z2", "z1") and len(panel.plot.canvas._highlights) == 1


def test_a_newer_checkpoint_leaves_the_former_plot_until_it_is_read(qtbot, project, held):
    held.set()
    viewer = open_viewer(qtbot, project)
    panel, before = viewer.panel, viewer.scene.trained
    held.clear()
    viewer.scene.renew(before.folder)
    assert viewer.scene.trained is not before and panel.reading
    assert panel.plot.plane.trained is before and panel.plot.isEnabled()
    click(viewer, (0.2, 0.1))
    held.set()
    wait_until_read(qtbot, viewer)
    assert panel.plot.plane.trained is viewer.scene.trained is not before


def test_the_look_of_a_session_is_kept_until_the_model_is_read(qtbot, project, tmp_path, held):
    viewer = open_viewer(qtbot, tmp_path)
    look = {"axes": ["z2", "z1"], "colour": "density", "style": "points", "tab": "States", "folded": False,
            "limits": np.array([[-2.0, 2.0], [-1.0, 1.0]]), "hidden": []}  # fmt: skip
    panel = viewer.panel
    assert viewer.open(project)
    panel.restore_display(look)
    assert panel.display_state() is look
    held.set()
    wait_until_read(qtbot, viewer)
    now = panel.display_state()
    assert {**now, "limits": None} == {**look, "limits": None}
    assert now["limits"] == pytest.approx(look["limits"])


def test_what_prevents_it_is_said_and_of_a_mistake_of_ours_its_place(qtbot, project, tmp_path, monkeypatch, capfd):
    def refuse(_):
        raise InputError("the mesh of this model has no cells; train again.")

    monkeypatch.setattr(trained_model, "components_of", refuse)
    viewer = open_viewer(qtbot, project)
    assert viewer.panel.welcome.isVisible() and "has no cells" in viewer.panel.welcome.message.text()
    viewer.panel.refresh()
    assert not viewer.panel.reading
    monkeypatch.setattr(trained_model, "components_of", lambda _: 1 / 0)
    open_and_wait(qtbot, viewer, make_project(tmp_path / "other").parent)
    assert viewer.panel.welcome.isVisible()
    assert "003-train cannot be plotted, by a mistake in FlexRec" in viewer.panel.welcome.message.text()
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_model_whose_axes_are_known_is_plotted_at_once(qtbot, project, held):
    held.set()
    viewer = open_viewer(qtbot, project)
    trained = viewer.scene.trained
    held.clear()
    viewer.scene.trained = None
    viewer.panel.refresh()
    assert viewer.panel.welcome.isVisible()
    viewer.scene.trained = trained
    viewer.panel.refresh()
    assert not viewer.panel.reading and viewer.panel.plot.plane.trained is trained
    assert not Trained(trained.folder, trained.model).has_axes


def test_a_panel_that_is_closed_waits_for_nothing(qtbot, project, tmp_path, held):
    viewer = open_viewer(qtbot, tmp_path)
    assert viewer.open(project) and viewer.panel.reading
    viewer.close()
    held.set()
    assert not viewer.panel.reading
    qtbot.wait(50)
    assert viewer.panel.plot.plane is None
