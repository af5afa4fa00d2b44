"""Selections with the mouse: lasso, box, condition, cluster; joined, exported, looked at."""

from __future__ import annotations

import json

import mrcfile
import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from chimerax.flexrec.jobs.demo_project import unpack
from chimerax.flexrec.panel.tabs.montage import Montage
from chimerax.flexrec.particles.ctf import ctf_of
from chimerax.flexrec.particles.selection import load_selection
from explored_project import make_project
from matplotlib.path import Path as Outline
from panel_window import LEFT, PATIENCE, click, drag, open_viewer, pixel, under
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QPushButton


@pytest.fixture
def viewer(qtbot, tmp_path):
    viewer = open_viewer(qtbot, make_project(tmp_path / "project").parent)
    viewer.panel.plot.show_axes(("z1", "z2"))
    viewer.panel.show_tab(viewer.panel.selections)
    return viewer


def press(viewer, name):
    press_button(viewer.panel.findChild(QPushButton, name))


def press_button(button):
    QTest.mouseClick(button, LEFT)


def lasso(viewer, points):
    viewer.panel.plot.set_mode("lasso")
    places = drag(viewer, points)
    return np.array([under(viewer, place) for place in places])


def test_a_lasso_selects_the_particles_inside_it(viewer):
    way = [(np.cos(t), np.sin(t)) for t in np.linspace(0, 6, 60)]
    drawn = lasso(viewer, way)
    made = viewer.panel.selections.chosen
    latents = viewer.scene.trained.latents
    inside = Outline(drawn).contains_points(latents)
    surely = np.hypot(*latents.T) < 0.9
    assert set(np.flatnonzero(surely)) <= set(made.rows)
    assert len(np.setxor1d(made.rows, np.flatnonzero(inside))) <= 3  # the drawn line is thinned to every fourth pixel
    assert load_selection(viewer.scene.trained.project, "selection 1").rows.tolist() == made.rows.tolist()
    assert f"{len(made)} of 300" in viewer.panel.messages.text()
    assert "flexrec select name" in viewer.log.toPlainText()


def test_a_box_added_to_kept_of_and_taken_from_a_selection(viewer):
    tab, plot, latents = viewer.panel.selections, viewer.panel.plot, viewer.scene.trained.latents

    def box(corners):
        plot.set_mode("box")
        first, last = [under(viewer, place) for place in drag(viewer, corners)]
        low, high = np.minimum(first, last), np.maximum(first, last)
        return set(np.flatnonzero(((latents >= low) & (latents <= high)).all(axis=1)))

    tab.name.setText("mine")
    wanted = box([(-1, -1), (0, 1)])
    assert set(tab.chosen.rows) == wanted and tab.chosen.name == "mine"
    for join, combine in ((1, set.union), (2, set.intersection), (3, set.difference)):
        tab.join.setCurrentIndex(join)
        wanted = combine(wanted, box([(-0.5 + 0.1 * join, -0.8), (1, 0.5)]))
        assert set(tab.chosen.rows) == wanted, join
    assert len(tab.listed) == 1


def test_a_selection_that_replaces_another_says_so_and_takes_its_outline_with_it(viewer):
    tab, folder = viewer.panel.selections, viewer.scene.trained.project / "selections"
    for k in range(2):
        tab.name.setText("mine")
        lasso(viewer, [(np.cos(t), np.sin(t)) for t in np.linspace(0, 6, 60)])
        assert ("in place of the former" in viewer.panel.messages.text()) == (k == 1)
    assert len(tab.listed) == 1 and (folder / "mine.lasso.csv").is_file()
    press(viewer, "delete of selection")
    assert list(folder.iterdir()) == []


def test_conditions_and_clusters(viewer):
    tab = viewer.panel.selections
    tab.where.setText("class == 2 and z1 > 0")
    press(viewer, "select where")
    particles = viewer.scene.trained.particles
    wanted = (particles.columns["rlnClassNumber"] == 2) & (viewer.scene.trained.latents[:, 0] > 0)
    assert tab.chosen.rows.tolist() == np.flatnonzero(wanted).tolist()
    tab.where.setText("nothing > 2")
    press(viewer, "select where")
    assert "no column 'nothing'" in viewer.panel.messages.text()
    tab.count.setValue(3)
    press(viewer, "make clusters")
    assert viewer.panel.plot.colour.currentText() == "cluster"
    tab.clusters.setText("1,3")
    press(viewer, "select clusters")
    assert len(tab.listed) == 2 and 0 < len(tab.chosen) < 300


def test_export_typical_state_and_delete(viewer, tmp_path):
    tab = viewer.panel.selections
    tab.where.setText("z1 > 1")
    press(viewer, "select where")
    made = tab.chosen
    assert tab.selection_actions.export_to(made, str(tmp_path / "with blanks" / "x.star")) is False
    assert tab.selection_actions.export_to(made, str(tmp_path / "out with blanks.txt"))
    rows = np.loadtxt(tmp_path / "out with blanks.txt", dtype=int)
    assert rows.tolist() == viewer.scene.trained.source_rows(made.rows).tolist()
    press(viewer, "typical state of selection")
    assert viewer.scene.z[0] > 1 and "no reconstruction" in viewer.panel.messages.text()
    press(viewer, "delete of selection")
    assert tab.listed == [] and viewer.panel.plot.canvas._highlights == []


def test_a_selection_fills_the_form_of_its_reconstruction_which_can_be_started(qtbot, tmp_path):
    project = make_project(tmp_path / "project").parent
    prep, noise = project / "001-prep", np.random.default_rng(0).normal(size=(400, 32, 32)).astype(np.float32)
    record = json.loads((prep / "prep.json").read_text()) | {"box": 32, "pixel_size": 3.0}
    (prep / "prep.json").write_text(json.dumps(record))
    np.savez(prep / "noise.npz", filter=np.ones(17, np.float32))
    with mrcfile.new(project / "stack.mrcs", overwrite=True) as file:
        file.set_data(noise)
    viewer = open_viewer(qtbot, project)
    viewer.panel.selections.where.setText("z1 > 0")
    press(viewer, "select where")
    press(viewer, "reconstruct of selection")
    assert "particles.mrcs is missing" in viewer.panel.messages.whole
    (prep / "particles.mrcs").write_bytes((project / "stack.mrcs").read_bytes())
    press(viewer, "reconstruct of selection")
    assert viewer.jobs.isVisible() and viewer.jobs.start.form.job.verb == "reconstruct"
    line = viewer.jobs.start.line.text()
    assert "reconstruct --particles 001-prep --selection 'selection 1'" in line
    count = len(viewer.panel.selections.chosen)
    press_button(viewer.jobs.start.button)
    qtbot.waitUntil(lambda: (project / "004-reconstruct" / "reconstruct.json").is_file(), timeout=60_000)
    written = json.loads((project / "004-reconstruct" / "reconstruct.json").read_text())
    assert sum(written["halves"]) == count and (project / "004-reconstruct" / "map.mrc").is_file()
    qtbot.waitUntil(lambda: json.loads((project / "004-reconstruct" / "status.json").read_text())["status"] == "done",
                    timeout=60_000)  # fmt: skip


def images(viewer, condition="z1 > 1"):
    """The window with the images of a selection."""
    viewer.panel.selections.where.setText(condition)
    press(viewer, "select where")
    press(viewer, "images of selection")
    return viewer.panel.findChild(Montage)


def test_images_that_are_not_there_are_missed_in_words_and_found_elsewhere(viewer, tmp_path):
    project = viewer.scene.trained.project
    (project / "stack.mrcs").unlink()
    window = images(viewer)
    assert window.isVisible() and window.elsewhere.isVisible() and not window.more.isVisible()
    assert f"there is no {project / 'stack.mrcs'}" in window.words.text() and "--" not in window.words.text()
    away = tmp_path / "with blanks"
    away.mkdir()
    window.move_to(str(away))
    assert "has none of the image stacks" in window.words.text() and window.picture.pixmap().isNull()
    noise = np.random.default_rng(0).normal(size=(400, 32, 32)).astype(np.float32)
    with mrcfile.new(away / "stack.mrcs") as file:
        file.set_data(noise)
    window.move_to(str(away))
    count = len(viewer.panel.selections.chosen)
    assert window.words.text() == f"raw images 1 to 40 of {count}; protein is white"
    assert not window.picture.pixmap().isNull() and not window.elsewhere.isVisible() and window.more.isEnabled()
    assert "flexrec images" in viewer.log.toPlainText()


def test_images_of_which_some_are_there(viewer):
    project = viewer.scene.trained.project
    star = project / "particles.star"
    star.write_text(star.read_text().replace("@stack.mrcs 1 1", "@gone.mrcs 1 1"))
    with mrcfile.new(project / "stack.mrcs", overwrite=True) as file:
        file.set_data(np.zeros((400, 32, 32), np.float32))
    window = images(viewer)
    here = len(window.images.rows)
    selected = len(viewer.panel.selections.chosen)
    assert 0 < here < selected
    assert f"{here} of {selected} selected particles have their images here" in window.words.text()
    assert window.elsewhere.isVisible()


def test_images_of_the_shipped_example_are_made_again(qtbot, tmp_path):
    unpack(tmp_path / "example")
    viewer = open_viewer(qtbot, tmp_path / "example")
    window = images(viewer, "z1 > 1.5")
    count = len(viewer.panel.selections.chosen)
    assert window.words.text().startswith(f"simulated images 1 to 40 of {count}; made again as 001-simulate made them")
    assert not window.picture.pixmap().isNull()
    rows = window.images.rows[:40]
    made = window.images.read(rows)
    assert made.shape == (40, 64, 64) and made.var() == pytest.approx(1.1, abs=0.05)  # noise, and a tenth of signal
    # it is the particle that was aligned so: their projections look alike, and less so the others'
    model, particles = viewer.scene.trained.model, viewer.scene.trained.particles
    seen = np.array([project(model.decode(model.latents[row]), particles, row) for row in rows[:10]])
    alike = np.corrcoef(made[:10].reshape(10, -1), seen.reshape(10, -1))[:10, 10:]
    assert (alike.argmax(axis=1) == np.arange(10)).mean() >= 0.8 and np.diag(alike).mean() > 0.15


def project(volume, particles, row):
    """The projection of a map ``(N, N, N)`` at a particle's pose, with its CTF."""
    particle = particles.take(np.array([row]))
    box, pixel_size = len(volume), particle.optics.pixel_size[0]
    z, y, x = np.meshgrid(*[np.arange(box) - box // 2] * 3, indexing="ij")
    seen = np.stack([x, y, z], axis=-1) @ particle.rotation[0].T
    away = particle.shift[0] / pixel_size
    places = np.stack([seen[..., 1] - away[1], seen[..., 0] - away[0]], axis=-1).reshape(-1, 2) + box // 2
    image, _, _ = np.histogram2d(*places.T, bins=box, range=[[-0.5, box - 0.5]] * 2, weights=volume.ravel())
    optics = particle.optics
    ctf = ctf_of(particle.defocus, particle.phase_shift, optics.voltage, optics.spherical_aberration,
                 optics.amplitude_contrast, box, pixel_size)  # fmt: skip
    return np.fft.irfft2(np.fft.rfft2(image) * ctf[0], s=(box, box))


def test_a_click_goes_there_again_after_a_lasso(viewer):
    lasso(viewer, [(-1, -1), (1, -1), (1, 1), (-1, 1)])
    place = click(viewer, (0.3, 0.3))
    assert viewer.scene.z == pytest.approx(under(viewer, place), abs=1e-6)
    assert pixel(viewer, viewer.scene.z) == place


def test_a_selection_in_a_histogram(viewer):
    axes = viewer.panel.plot.canvas.axes
    assert viewer.panel.plot.show_axes(("z1",))
    viewer.panel.plot.set_mode("box")
    first, last = [under(viewer, place)[0] for place in drag(viewer, [(-0.5, 0.2), (0.7, 0.8)])]
    z1 = viewer.scene.trained.latents[:, 0]
    assert set(viewer.panel.selections.chosen.rows) == set(np.flatnonzero((z1 >= first) & (z1 <= last)))
    bars, chosen = (np.array([path.vertices[1, 1] for path in drawn.get_paths()]) for drawn in axes.collections)
    assert len(bars) == len(chosen) and (chosen <= bars + 1e-9).all() and 0 < chosen.sum() < bars.sum()


def test_a_long_message_in_the_window_of_images_is_seen_whole(qtbot, viewer, tmp_path):
    (viewer.scene.trained.project / "stack.mrcs").unlink()
    window = images(viewer)
    before = window.words.height()
    away = tmp_path / ("a folder of images " * 12).strip() / ("and others in it " * 12).strip()
    away.mkdir(parents=True)
    window.move_to(str(away))
    words = window.words
    qtbot.waitUntil(lambda: words.height() > before, timeout=PATIENCE)
    assert str(away) in words.text() and words.height() > before + 2 * words.fontMetrics().lineSpacing()
    assert words.height() >= words.heightForWidth(words.width())
    qtbot.waitUntil(lambda: window.rect().contains(words.geometry()), timeout=PATIENCE)  # once Qt has laid it out
    assert not words.geometry().intersects(window.elsewhere.geometry())


def test_an_empty_selection_keeps_its_mark(viewer):
    tab = viewer.panel.selections
    for condition in ("z1 > 1", "z1 > 1000", "z1 > 1"):
        tab.where.setText(condition)
        press(viewer, "select where")
    tab.list.setCurrentItem(tab.list.topLevelItem(1))
    assert len(tab.chosen) == 0
    tab._fill()
    assert tab.chosen.name == "selection 2"


def test_the_chosen_selection_lies_above_the_others_and_ticks_are_part_of_the_look(viewer):
    run, tab, panel = viewer.scene.run, viewer.panel.selections, viewer.panel
    assert run("flexrec select name few where 'z1 > 1'") and run("flexrec select name many where 'z1 > -1'")
    for row in (0, 1):
        tab.list.setCurrentItem(tab.list.topLevelItem(row))
        rows, colour = panel.plot.canvas._highlights[-1]
        assert colour == tab.listed[row].colour and np.array_equal(rows, tab.listed[row].rows)
    tab.list.topLevelItem(0).setCheckState(0, Qt.CheckState.Unchecked)
    look = panel.display_state()
    assert look["hidden"] == [tab.listed[0].name] and len(panel.plot.canvas._highlights) == 1
    tab.list.topLevelItem(0).setCheckState(0, Qt.CheckState.Checked)
    panel.show_tab(panel.states)
    panel.restore_display(look)
    assert len(panel.plot.canvas._highlights) == 1 and panel.display_state() == look
