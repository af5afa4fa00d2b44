"""The figures of a training: what they show is looked for in their pixels."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.figures.amplitude_figure import draw_amplitude
from chimerax.flexrec.figures.coloured_views import maximum_projection
from chimerax.flexrec.figures.flow_figure import _stretch, draw_flow
from chimerax.flexrec.figures.history_figure import draw_history
from chimerax.flexrec.figures.latents_figure import _bin_numbers, _counts, _frame, draw_latents
from chimerax.flexrec.figures.maps_figure import draw_maps
from chimerax.flexrec.figures.molecule_views import VIEWS
from chimerax.flexrec.jobs.train import train_figures
from chimerax.flexrec.mesh.build import build_mesh
from mesh_shapes import blurred, dumbbell

BOX, PIXEL = 24, 4.0


def pixels(path):
    """(h, w, 3) of a picture on white."""
    from matplotlib.image import imread

    image = imread(path)
    assert image.ndim == 3 and min(image.shape[:2]) > 250
    assert image[..., :3].std() > 0.02
    return image[..., :3]


def near(image, colour, within=0.06):
    """Which pixels have a colour."""
    from matplotlib.colors import to_rgb

    return np.abs(image - np.array(to_rgb(colour))).max(axis=2) < within


def coloured(image, least=0.35):
    """Which pixels are not grey."""
    return image.max(axis=2) - image.min(axis=2) > least


@pytest.fixture(scope="module")
def body():
    """Rest vertices, cells, voxel_cell and map of a dumbbell."""
    shape = dumbbell(BOX, 5, 5.5, 2)
    density = blurred(shape)
    mesh = build_mesh(shape, PIXEL, coarseness=10)
    return mesh, np.where(mesh.voxel_cell >= 0, density, 0).astype(np.float32)


def swung(vertices, degrees):
    """The half at x > 0 turned about z."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return np.where(vertices[:, :1] > 0, vertices @ turn.T, vertices)


@pytest.mark.parametrize(("dims", "count"), [(1, 10), (1, 3000), (2, 10), (2, 3000), (4, 10), (4, 3000), (10, 300)])
def test_latents_of_any_dimension_and_number(tmp_path, dims, count):
    z = np.random.default_rng(0).normal(size=(count, dims)).astype(np.float32)
    draw_latents(tmp_path / "z.png", z)
    assert near(pixels(tmp_path / "z.png"), "#0072b2").sum() > 1000
    assert [file.name for file in tmp_path.iterdir()] == ["z.png"]


def test_two_states_are_two_clumps(tmp_path):
    random = np.random.default_rng(1)
    z = np.c_[np.repeat([-1.0, 1.0], 4000) + 0.1 * random.normal(size=8000), 0.1 * random.normal(size=8000)]
    draw_latents(tmp_path / "z.png", z)
    image = pixels(tmp_path / "z.png")
    bars = near(image, "#0072b2")[: image.shape[0] // 4].any(axis=0)  # the marginal on top
    assert np.count_nonzero(np.diff(bars.astype(int)) == 1) >= 2


def test_counts_lose_no_particle_inside_the_frame():
    z = np.random.default_rng(2).normal(size=(5000, 2)) * (1, 3)
    low, width = _frame(z)
    right, up = (_bin_numbers(z[:, k], low[k], width, 30) for k in (0, 1))
    counts = _counts(right, up, 30)
    expected, _, _ = np.histogram2d(z[:, 1], z[:, 0], 30, [(low[k], low[k] + width) for k in (1, 0)])
    assert counts.sum() >= 4990
    assert np.array_equal(counts, expected)


def test_far_outliers_and_holes_do_not_shrink_the_cloud():
    z = np.random.default_rng(3).normal(size=(5000, 2))
    z[0], z[1] = 1e6, np.nan
    low, width = _frame(z)
    assert 5 < width < 12
    assert (_bin_numbers(z[:2, 0], low[0], width, 30) == -1).all()


def test_identical_latents_are_drawn(tmp_path):
    draw_latents(tmp_path / "z.png", np.zeros((50, 2)), np.zeros(5))
    pixels(tmp_path / "z.png")


def test_information_adds_bars_of_which_those_in_use_are_dark(tmp_path):
    z = np.random.default_rng(4).normal(size=(500, 1))
    information = np.array([4.0, 2.0, 0.1, 0.05, -1e-9])
    draw_latents(tmp_path / "with.png", z, information)
    draw_latents(tmp_path / "without.png", z)
    image, bare = pixels(tmp_path / "with.png"), pixels(tmp_path / "without.png")
    assert image.shape[1] > bare.shape[1]
    assert near(image, "#b8cfe0", 0.01).sum() > 500 and near(bare, "#b8cfe0", 0.01).sum() < 50
    assert near(image, "#d55e00", 0.25).sum() > 50 and not near(bare, "#d55e00", 0.25).any()


def history(count):
    epoch = np.arange(count) / 2
    box = np.where(epoch < 2, 32, np.where(epoch < 4, 48, 64))
    return {
        "epoch": epoch, "box": box, "misfit": 900.0 - epoch, "rigid_misfit": np.full(count, 900.0),
        "energy": 0.001 * epoch, "weight": 10.0 * 0.5**epoch, "amplitude": epoch,
    }  # fmt: skip


def test_history_marks_where_the_box_changes(tmp_path):
    draw_history(tmp_path / "h.png", history(12))
    draw_history(tmp_path / "one.png", history(3))
    changed, same = (pixels(tmp_path / name) for name in ("h.png", "one.png"))

    def dashes(image):  # tall orange columns; the boxes' names are only a few pixels tall
        tall = near(image[: image.shape[0] // 2], "#d55e00", 0.3).sum(axis=0) > 60
        return np.count_nonzero(np.diff(tall.astype(int)) == 1)

    assert dashes(changed) == 4  # two changes in each of two columns
    assert dashes(same) == 0


@pytest.mark.parametrize("count", [1, 2])
def test_history_of_a_training_that_has_only_begun(tmp_path, count):
    draw_history(tmp_path / "h.png", history(count))
    assert near(pixels(tmp_path / "h.png"), "#0072b2").any()


def test_arrows_stand_where_the_molecule_moves(tmp_path, body):
    mesh, density = body
    moved = np.stack([swung(mesh.vertices, degrees) for degrees in (-20, 20)])
    args = (density, mesh.voxel_cell, mesh.cells, mesh.pixel_size, ["−1σ", "+1σ"])
    draw_flow(tmp_path / "flow.png", mesh.vertices, moved, *args)
    image = pixels(tmp_path / "flow.png")
    top = coloured(image[: image.shape[0] // 4, : int(0.46 * image.shape[1])])  # the xy section at the first point
    columns = np.flatnonzero(image[: image.shape[0] // 4, : int(0.46 * image.shape[1])].min(axis=(0, 2)) < 0.9)
    middle = (columns[0] + columns[-1]) // 2
    assert top[:, middle:].sum() > 10 * max(top[:, :middle].sum(), 1)


def test_a_molecule_at_rest_has_no_arrows(tmp_path, body):
    mesh, density = body
    draw_flow(tmp_path / "flow.png", mesh.vertices, mesh.vertices[None], density, mesh.voxel_cell, mesh.cells,
              mesh.pixel_size, ["rest"])  # fmt: skip
    image = pixels(tmp_path / "flow.png")
    assert coloured(image[:, : image.shape[1] * 2 // 3]).sum() < 200


def test_arrows_are_stretched_only_when_too_short_to_see():
    assert _stretch(top=30, extent=200) == 1
    assert _stretch(top=1, extent=200) == 20
    assert _stretch(top=1e-6, extent=200) == 100


def test_amplitude_colours_the_half_that_moves(tmp_path, body):
    mesh, density = body
    rms = np.where(mesh.vertices[:, 0] > 0, 10.0, 0.0)
    amplitude = np.random.default_rng(5).gamma(3, 2, 400)
    draw_amplitude(tmp_path / "a.png", amplitude, rms, mesh.vertices, density, mesh.pixel_size)
    image = pixels(tmp_path / "a.png")
    assert near(image, "#0072b2").sum() > 1000  # the histogram
    assert near(image, (0.99, 0.67, 0.2), 0.12).sum() > 500 and near(image, (0.05, 0.03, 0.53), 0.12).sum() > 500
    for view in VIEWS[:2]:
        bright, local = maximum_projection(density, mesh.vertices, rms, mesh.pixel_size, view)
        assert local[:, BOX // 2 + 4 :][bright[:, BOX // 2 + 4 :] > 0.3].min() > 9
        assert local[:, : BOX // 2 - 4][bright[:, : BOX // 2 - 4] > 0.3].max() < 1


def test_amplitude_of_particles_that_do_not_move(tmp_path, body):
    mesh, density = body
    draw_amplitude(tmp_path / "a.png", np.zeros(10), np.zeros(len(mesh.vertices)), mesh.vertices, density, PIXEL)
    pixels(tmp_path / "a.png")


def test_maps_show_what_is_more_and_what_is_less(tmp_path, body):
    _, density = body
    volumes = np.stack([np.roll(density, shift, axis=1) for shift in (-3, 0, 3)])
    draw_maps(tmp_path / "m.png", volumes, ["−1σ", "0", "+1σ"])
    draw_maps(tmp_path / "same.png", np.stack([density] * 3), ["a", "b", "c"])
    moving, same = (pixels(tmp_path / name) for name in ("m.png", "same.png"))
    maps = slice(0, int(0.85 * moving.shape[1]))  # without the colour bar
    for image, seen in ((moving, True), (same, False)):
        red, blue = image[:, maps, 0], image[:, maps, 2]
        assert ((red - blue > 0.4).sum() > 500) == seen
        assert ((blue - red > 0.15).sum() > 500) == seen


def test_one_map_has_no_difference(tmp_path, body):
    draw_maps(tmp_path / "m.png", body[1][None], ["mean"])
    assert not coloured(pixels(tmp_path / "m.png"), 0.1).any()


def test_a_figure_that_fails_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyError):
        draw_history(tmp_path / "h.png", {"epoch": np.zeros(1)})
    assert list(tmp_path.iterdir()) == []


def test_passes_shorter_than_their_figures_are_drawn_at_the_end_or_when_stopped(monkeypatch):
    clock, drawn = [0.0], []

    def draw(job):
        drawn.append(clock[0])
        clock[0] += 4

    monkeypatch.setattr(train_figures, "draw_training", draw)
    monkeypatch.setattr(train_figures.time, "monotonic", lambda: clock[0])
    short, stopped = (train_figures.PassFigures(job=None) for _ in range(2))
    for number in range(5):
        clock[0] += 1
        short.after_pass(number == 4)
        stopped.after_pass(False)
    assert drawn == [5]
    stopped.draw_if_behind()
    stopped.draw_if_behind()
    assert drawn == [5, 9]
    for _ in range(4):
        clock[0] += 48
        stopped.after_pass(False)
    assert drawn == [5, 9, 109, 209]  # those took a twentieth of the time at most
