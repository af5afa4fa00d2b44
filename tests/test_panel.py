"""The plot under the mouse: real mouse and keys on the real window, over a real model and the real engine process."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from chimerax.flexrec.actions import action_registry
from chimerax.flexrec.actions.action import Action
from chimerax.flexrec.explore.anchors import point_text
from chimerax.flexrec.explore.results import save_result
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.panel.panel_scene import quoted
from explored_project import make_project
from panel_window import (
    MIDDLE,
    PATIENCE,
    RIGHT,
    click,
    drag,
    open_and_wait,
    open_viewer,
    pixel,
    under,
    wait_until_read,
)
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QContextMenuEvent, QHelpEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QToolTip


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("panel") / "project").parent


@pytest.fixture
def viewer(qtbot, project):
    return open_viewer(qtbot, project)


@pytest.fixture
def maps(viewer):
    """Every map that is shown, as it comes."""
    seen = []
    viewer.scene.mapped.connect(lambda volume, size: seen.append(volume))
    return seen


def log(viewer) -> list[str]:
    return viewer.log.toPlainText().splitlines()


def axes(viewer, *names):
    for box, name in zip((viewer.panel.plot.x, viewer.panel.plot.y), names):
        box.setCurrentText(name)
        box.activated.emit(box.currentIndex())


def test_a_click_shows_the_map_at_exactly_that_point(qtbot, viewer, maps):
    axes(viewer, "z1", "z2")
    place = click(viewer, (0.7, -0.3))
    wanted = under(viewer, place)
    assert viewer.scene.z == pytest.approx(wanted, abs=1e-6)
    marker = np.ravel(viewer.panel.plot.canvas.marks.dot.get_data())
    assert marker == pytest.approx(wanted, abs=1e-6)
    true = viewer.scene.trained.model.decode(viewer.scene.z)
    qtbot.waitUntil(lambda: bool(maps) and np.allclose(maps[-1], true, atol=1e-4), timeout=PATIENCE)
    assert log(viewer)[-1] == "flexrec volume at " + point_text(viewer.scene.z)


def test_a_drag_is_followed_and_ends_at_the_true_map_of_the_last_point(qtbot, viewer, maps):
    axes(viewer, "z1", "z2")
    way = [(-1 + 0.1 * k, 0.05 * k) for k in range(20)]
    seen = []
    viewer.scene.changed.connect(lambda: seen.append(viewer.scene.z.copy()))
    places = drag(viewer, way)
    assert len(seen) > 5  # the marker moved with the mouse
    assert viewer.scene.z == pytest.approx(under(viewer, places[-1]), abs=1e-6)
    wanted = viewer.scene.trained.model.decode(viewer.scene.z)
    qtbot.waitUntil(lambda: bool(maps) and np.allclose(maps[-1], wanted, atol=1e-4), timeout=PATIENCE)
    assert [line for line in log(viewer) if line.startswith("flexrec volume")] == [log(viewer)[-1]]


def test_many_moves_leave_no_backlog(qtbot, viewer):
    """A mouse faster than the window: only the newest place counts."""
    canvas, seen = viewer.panel.plot.canvas, []
    viewer.scene.changed.connect(lambda: seen.append(viewer.scene.z.copy()))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=pixel(viewer, (0, 0)))
    before = len(seen)
    for k in range(200):
        QTest.mouseMove(canvas, pixel(viewer, (0.005 * k, 0.0)))
    last = under(viewer, pixel(viewer, (0.995, 0.0)))
    qtbot.waitUntil(lambda: viewer.panel.plot.plane.place(seen[-1]) == pytest.approx(last, abs=1e-6), timeout=PATIENCE)
    assert len(seen) - before < 20
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=pixel(viewer, (0.995, 0.0)))


def test_sliders_and_marker_follow_each_other(viewer):
    axes(viewer, "z1", "z2")
    click(viewer, (0.5, 0.25))
    slider = viewer.panel.sliders.slider("z1")
    assert slider.field.value() == pytest.approx(viewer.scene.z[0], abs=1e-3)
    before = viewer.scene.z[1]
    slider.field.setValue(-0.8)
    assert viewer.scene.z == pytest.approx([-0.8, before], abs=1e-5)
    assert np.ravel(viewer.panel.plot.canvas.marks.dot.get_data()) == pytest.approx([-0.8, before], abs=1e-5)
    # the keys of the slider itself
    slider.slider.setFocus()
    QTest.keyClick(slider.slider, Qt.Key.Key_PageUp)
    assert viewer.scene.z[0] > -0.79
    assert log(viewer)[-1].startswith("flexrec volume at")


def test_neither_field_nor_command_nor_hand_goes_far_from_all_particles(viewer):
    axes(viewer, "z1", "z2")
    latents = viewer.scene.trained.latents
    (low, high), half = (latents.min(axis=0), latents.max(axis=0)), np.ptp(latents, axis=0) / 2
    click(viewer, (0.5, 0.25))
    for name in ("z1", "pc1"):
        viewer.panel.sliders.slider(name).field.setValue(999)
        assert (viewer.scene.z <= high + half + 1e-3).all() and viewer.scene.z[0] > high[0] + 0.8 * half[0]
    before = viewer.scene.z
    assert not viewer.scene.run("flexrec volume at 999,0")
    assert "z1 = 999 is far from all particles" in viewer.panel.messages.text() and (viewer.scene.z == before).all()
    assert not viewer.scene.run("flexrec path through 0,0 999,0") and not viewer.scene.run("flexrec morph 0,0 0,-999")
    viewer.panel.plot.canvas.zoom(20.0, np.zeros(2))
    QTest.qWait(100)
    click(viewer, (-40.0, 0.0))
    assert low[0] - half[0] - 1e-3 < viewer.scene.z[0] < low[0] - 0.8 * half[0]


def test_the_status_line_says_whether_data_support_the_point(qtbot, viewer):
    axes(viewer, "z1", "z2")
    click(viewer, (0.0, 0.0))
    qtbot.waitUntil(lambda: "supported by data" in viewer.panel.status.text(), timeout=PATIENCE)
    viewer.panel.sliders.slider("z1").field.setValue(9.0)
    assert "no particles here" in viewer.panel.status.text()
    assert "0 particles within" in viewer.panel.status.text()


def test_wheel_pan_box_zoom_and_home(viewer):
    canvas = viewer.panel.plot.canvas
    home = canvas.limits
    drag(viewer, [(0, 0), (0.5, 0.5)], button=MIDDLE)
    span = home[:, 1] - home[:, 0]
    assert canvas.limits == pytest.approx(home - 0.5, abs=0.02 * span.max())
    viewer.panel.plot.set_mode("zoom")
    drag(viewer, [(-1, -1), (0.2, 0.1), (1, 1)])
    assert canvas.limits == pytest.approx(np.array([[-1, 1], [-1, 1]]), abs=0.02 * span.max())
    assert viewer.scene.z is None  # zooming goes nowhere
    QTest.mouseClick(viewer.panel.findChild(object, "home"), Qt.MouseButton.LeftButton)
    assert canvas.limits == pytest.approx(home)


def test_arrows_move_the_point(viewer):
    axes(viewer, "z1", "z2")
    click(viewer, (0.0, 0.0))
    before = viewer.scene.z.copy()
    viewer.panel.setFocus()
    QTest.keyClick(viewer.panel, Qt.Key.Key_Right)
    QTest.keyClick(viewer.panel, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    span = np.diff(viewer.panel.plot.canvas.limits)[:, 0]
    assert viewer.scene.z - before == pytest.approx(span * (0.02, 0.1), rel=1e-3)


def test_colours_by_column_and_a_legend(qtbot, viewer):
    plot = viewer.panel.plot
    for name, word in (("uncertainty", "Å"), ("defocus", "Å"), ("class", "■"), ("micrograph", "mic0")):
        assert plot.color_by(name)
        words = plot.legend.low.text() + plot.legend.high.text() + plot.legend.groups.text()
        assert name in words and word in words
    assert not plot.color_by("rlnNothing")
    assert "rlnNothing" in viewer.panel.messages.text()
    assert plot.colour.currentText() == "density"


def test_one_latent_dimension_is_a_strip_that_can_be_clicked(qtbot, tmp_path):
    latents = np.random.default_rng(0).normal(size=(300, 1))
    viewer = open_viewer(qtbot, make_project(tmp_path / "one", (2.0,), latents).parent)
    assert viewer.panel.plot.plane.dims == 1
    axes(viewer, "z1", "(histogram)")
    place = click(viewer, (0.4, 0.6))
    assert viewer.scene.z == pytest.approx(under(viewer, place)[:1], abs=1e-6)


def test_eight_dimensions_keep_the_others_where_they_are(qtbot, tmp_path):
    latents = np.random.default_rng(0).normal(size=(300, 8))
    viewer = open_viewer(qtbot, make_project(tmp_path / "eight", (3, 2, 1, 1, 1, 1, 1, 1), latents).parent)
    axes(viewer, "z3", "z7")
    start = np.linspace(-0.4, 0.4, 8)
    viewer.panel.point_control.show_point(start)
    place = click(viewer, (0.9, -0.9))
    wanted = start.copy()
    wanted[[2, 6]] = under(viewer, place)
    assert viewer.scene.z == pytest.approx(wanted, abs=1e-5)


def test_the_particle_under_the_cursor_is_named(qtbot, viewer):
    axes(viewer, "z1", "z2")
    row = int(np.abs(viewer.scene.trained.latents).sum(axis=1).argmin())
    QTest.mouseMove(viewer.panel.plot.canvas, pixel(viewer, (1.5, 1.5)))
    QTest.mouseMove(viewer.panel.plot.canvas, pixel(viewer, viewer.scene.trained.latents[row]))
    qtbot.waitUntil(lambda: f"particle {row}" in viewer.panel.messages.text(), timeout=PATIENCE)
    ring = np.ravel(viewer.panel.plot.canvas.marks.hover.get_data())
    assert ring == pytest.approx(viewer.scene.trained.latents[row])


def test_umap_snaps_to_particles_and_says_so(qtbot, tmp_path):
    rng = np.random.default_rng(0)
    train = make_project(tmp_path / "three", (3.0, 2.0, 1.0), rng.normal(size=(300, 3)))
    points = rng.normal(size=(300, 2)).astype(np.float32)
    viewer = open_viewer(qtbot, train.parent)
    assert viewer.panel.plot.x.findText("umap1") < 0
    save_result(open_trained(train), "umap", points=points)
    viewer.scene.run("flexrec volume mean")  # the panel looks around after each command
    axes(viewer, "umap1", "umap2")
    place = click(viewer, (0.3, 0.4))
    row = int(((points - under(viewer, place)) ** 2).sum(axis=1).argmin())
    assert (viewer.scene.z == viewer.scene.trained.latents[row]).all()
    assert log(viewer)[-2] == f"flexrec volume particle {row}"
    assert f"this is particle {row}" in viewer.panel.messages.text()
    assert np.ravel(viewer.panel.plot.canvas.marks.dot.get_data()) == pytest.approx(points[row])
    viewer.panel.plot.set_mode("draw")
    drag(viewer, [(-1, -1), (0, 0.5), (1, -1)])
    distances = np.abs(viewer.scene.path.z[:, None] - viewer.scene.trained.latents).sum(axis=2)
    assert distances[[0, -1]].min(axis=1) == pytest.approx([0, 0], abs=1e-5)


def test_the_context_menu_is_asked_for_once_and_not_over_a_corner(viewer):
    canvas, menus = viewer.panel.plot.canvas, []
    viewer.panel.plot_actions.fill = lambda menu: menus.append(menu)
    for mode, point in (("go", (0, 0)), ("edit", (0, 0)), ("edit", (1.0, 0.5))):
        viewer.panel.plot.set_mode(mode)
        viewer.panel.plot.mouse.corners = np.array([[0.0, 0.0], [-1.0, -1.0]]) if mode == "edit" else np.zeros((0, 2))
        place = click(viewer, point, RIGHT)
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, canvas.mapToGlobal(place))
        QApplication.sendEvent(canvas, event)
    assert len(menus) == 2


def test_the_same_direction_twice_is_refused_in_words(viewer):
    axes(viewer, "z1", "z2")
    axes(viewer, "z2", "z2")
    assert "same direction" in viewer.panel.messages.text()
    assert viewer.panel.plot.plane.names == ("z1", "z2")
    assert viewer.panel.plot.x.currentText() == "z1"


def test_particles_without_numbers_are_left_out_and_it_is_said(qtbot, tmp_path):
    latents = np.random.default_rng(0).normal(size=(300, 2))
    latents[::10] = np.nan
    viewer = open_viewer(qtbot, make_project(tmp_path / "holes", (3.0, 0.5), latents).parent)
    assert "30 of 300 particles" in viewer.panel.messages.text()
    click(viewer, (0.1, 0.1))
    qtbot.waitUntil(lambda: "supported" in viewer.panel.status.text(), timeout=PATIENCE)
    assert viewer.scene.run("flexrec cluster count 2")
    viewer.panel.plot.color_by("cluster")
    legend = viewer.panel.plot.legend.groups.text()
    assert "30 without a value" in legend and "</span> 2" in legend and "nan" not in legend


def test_a_model_without_any_latent_numbers_is_refused_and_what_was_open_stays(qtbot, tmp_path):
    empty = make_project(tmp_path / "empty", (3.0, 0.5), np.full((300, 2), np.nan))
    viewer = open_viewer(qtbot, empty)
    assert viewer.scene.trained is None and viewer.panel.welcome.isVisible()
    assert "no particle's latents are numbers" in viewer.panel.welcome.message.text()
    open_and_wait(qtbot, viewer, make_project(tmp_path / "good"))
    trained, title = viewer.scene.trained, viewer.windowTitle()
    assert not viewer.scene.run(f"flexrec open {quoted(str(empty))}")
    assert "no particle's latents are numbers" in viewer.panel.messages.text()
    assert viewer.scene.trained is trained and viewer.windowTitle() == title
    assert viewer.scene.run("flexrec cluster count 2") and viewer.panel.plot.plane.shown.all()


def test_the_window_of_jobs_goes_with_the_model_until_another_project_is_chosen(qtbot, viewer, project, tmp_path):
    make_project(tmp_path / "other")
    assert viewer.jobs.project == viewer.scene.trained.project
    viewer.open(tmp_path / "other")
    assert viewer.jobs.project == tmp_path / "other"
    viewer.jobs.set_project(tmp_path)
    viewer.open(project)
    assert viewer.jobs.project == tmp_path


def test_a_mistake_in_a_command_is_said_and_its_place_printed(viewer, monkeypatch, capfd):
    mistaken = Action("mistaken", "Do what cannot be done", lambda scene, _: scene.no_such_thing)
    monkeypatch.setattr(action_registry, "all_actions", lambda: (mistaken,))
    assert not viewer.scene.run("flexrec mistaken")
    assert "flexrec mistaken failed" in viewer.panel.messages.text()
    assert "no_such_thing" in viewer.log.toPlainText()
    assert "Traceback" in capfd.readouterr().err


def test_nothing_to_show_says_what_to_do(qtbot, tmp_path):
    viewer = open_viewer(qtbot, tmp_path)
    assert viewer.panel.welcome.isVisible()
    assert "no FlexRec project" in viewer.panel.welcome.message.text()
    training = tmp_path / "003-train"
    training.mkdir()
    (training / "job.json").write_text(json.dumps({"verb": "train", "parameters": {}, "inputs": {}, "seed": 0}))
    assert not viewer.open(training)
    assert "first epoch" in viewer.panel.welcome.message.text()


def test_the_empty_panel_opens_the_example(qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "nothing").mkdir()
    viewer = open_viewer(qtbot, tmp_path / "nothing")
    QTest.mouseClick(viewer.panel.welcome.open_demo, Qt.MouseButton.LeftButton)
    wait_until_read(qtbot, viewer)
    assert viewer.scene.trained.project == tmp_path / "data" / "FlexRec demo"
    assert not viewer.panel.welcome.isVisible() and viewer.panel.plot.plane.shown.all()


def test_dots_coloured_by_density_are_darker_where_more_are():
    from chimerax.flexrec.panel.plot.raster import dot_densities, pixel_places

    rng = np.random.default_rng(5)
    points = np.concatenate([rng.normal(0, 0.05, (900, 2)), rng.uniform(-1, 1, (300, 2))]).astype(np.float32)
    limits = np.array([[-1.0, 1.0], [-1.0, 1.0]])
    rows, pixel = pixel_places(points, limits, (400, 300))
    shade = dot_densities(pixel, (400, 300))
    away = np.hypot(*points[rows].T)
    assert shade.max() == 1 and shade.min() >= 0
    assert np.median(shade[away < 0.05]) > 5 * np.median(shade[away > 0.4])
    twice = dot_densities(2 * (pixel // 400) * 800 + 2 * (pixel % 400), (800, 600), scale=2.0)  # a finer screen
    assert twice == pytest.approx(shade, abs=0.02)


def test_bars_of_a_histogram_are_stacks_of_few_colours_and_the_mean_of_many():
    from chimerax.flexrec.panel.plot.raster import coloured_bars

    values, edges = np.array([0.5, 0.6, 1.5, 2.0, 9.0], np.float32), np.array([0.0, 1.0, 2.0])
    red, blue = (255, 0, 0, 255), (0, 0, 255, 255)
    heights, colours = coloured_bars(values, np.array([red, blue, red, red, red], np.uint8), edges)
    assert heights[0].tolist() == [2, 2]  # of the last value, one is beyond the bars, the other on their edge
    upper, lower = np.round(255 * colours[:, 0]).astype(int).tolist()
    assert sorted([tuple(upper), tuple(lower)]) == [blue, red] and heights[1, 0] == 1
    scale = np.stack([np.arange(40), *np.full((3, 40), 255)], axis=1).astype(np.uint8)
    heights, colours = coloured_bars(np.repeat([0.5, 1.5], 20), scale, edges)
    assert heights.tolist() == [[20, 20]] and 255 * colours[0, :, 0] == pytest.approx([9.5, 29.5])


def test_ends_of_a_scale_are_numbers_that_people_read(qtbot):
    from chimerax.flexrec.panel.plot.colouring import Colouring
    from chimerax.flexrec.panel.plot.legend import Legend

    legend = Legend()
    qtbot.addWidget(legend)
    legend.show_colouring(Colouring("presence3", np.zeros((2, 4), np.uint8), low=7.5e-7, high=1.0))
    assert (legend.low.text(), legend.high.text()) == ("presence3  0", "1")
    legend.show_colouring(Colouring("defocus", np.zeros((2, 4), np.uint8), "Å", low=10_231.4, high=20_000.0))
    assert (legend.low.text(), legend.high.text()) == ("defocus  10,231", "20,000 Å")


def test_messages_over_the_plot_are_seen_whole(viewer):
    notes = viewer.panel.messages
    line = notes.fontMetrics().lineSpacing()
    for sentence, lines in (("selection 1: 834 of 4,000 particles", 1), ("a", 1), ("one\ntwo words", 2)):
        viewer.panel.say(sentence)
        assert notes.heightForWidth(notes.width()) <= notes.height() < (lines + 1) * line, sentence
    viewer.panel.say("many words " * 15)
    assert notes.heightForWidth(notes.width()) <= notes.height() and notes.width() < notes.parentWidget().width()


@pytest.mark.parametrize("sentence", ["many words " * 60, f"written to /a/{'long' * 60}/name.star; and so on"])
def test_a_long_message_leaves_the_plot_to_be_seen_and_its_tooltip_says_all(viewer, sentence):
    notes, canvas = viewer.panel.messages, viewer.panel.plot.canvas
    viewer.panel.say(sentence)
    line = notes.fontMetrics().lineSpacing()
    for width in (900, 1400):
        viewer.resize(width, 800)
        QTest.qWait(50)
        assert notes.heightForWidth(notes.width()) <= notes.height() < 4 * line
        assert notes.text() == sentence or notes.text().endswith("…")
    viewer.panel.complain(sentence)
    assert notes.height() <= 0.4 * canvas.height() and len(notes.text()) > 200
    viewer.panel.say(sentence)
    place = notes.geometry().center()
    QApplication.sendEvent(canvas, QHelpEvent(QEvent.Type.ToolTip, place, canvas.mapToGlobal(place)))
    assert notes.text().endswith("…") and QToolTip.text() == sentence == notes.whole


def test_another_model_keeps_nothing_of_the_former_one_s_particles(qtbot, viewer, project, repository, tmp_path):
    larger = shutil.copytree(repository / "src" / "demo" / "project", tmp_path / "larger")
    panel = viewer.panel
    for _ in range(2):  # with fewer particles next, and with more
        open_and_wait(qtbot, viewer, larger)
        assert len(panel.plot.plane.points) == 5000 and panel.plot.colour.currentText() == "density"
        assert viewer.scene.run("flexrec cluster count 3") and panel.plot.color_by("cluster")
        assert viewer.scene.run("flexrec select name last where 'pc1 > 0'")
        open_and_wait(qtbot, viewer, project)
        assert len(panel.plot.plane.points) == 300
        assert panel.plot.colour.currentText() == "density" and not panel.plot.legend.isVisible()
        assert panel.plot.color_by("uncertainty")
        panel.plot.color_by("density")


def test_a_decimal_comma_is_a_point(viewer):
    field = viewer.panel.sliders.slider("z1").field
    for text, value in (("0,3", 0.3), ("-0.5", -0.5), ("-0,25", -0.25)):
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert field.value() == pytest.approx(value) and viewer.scene.z[0] == pytest.approx(value)
