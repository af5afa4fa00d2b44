"""Maps at points from the images alone, on simulated particles whose motion and true maps are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.engine.maps.backproject import BackProjector
from chimerax.flexrec.engine.maps.fsc import fourier_shell_correlation
from chimerax.flexrec.engine.maps.kernel_shells import NARROWEST, OUTSIDE, kernel_shells
from chimerax.flexrec.engine.maps.reconstruction import reconstruct
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.metric import Motion
from chimerax.flexrec.explore.state_distance import StateDistance
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.prep.prep_parameters import PREP
from chimerax.flexrec.jobs.reconstruct import state_run
from chimerax.flexrec.jobs.reconstruct.reconstruct_parameters import RECONSTRUCT, first_map
from chimerax.flexrec.jobs.reconstruct.reconstruct_run import run
from chimerax.flexrec.jobs.reconstruct.state_latents import state_latents
from chimerax.flexrec.jobs.simulate.simulate_parameters import SIMULATE
from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles.observe import observe
from chimerax.flexrec.particles.prepared import load_prepared, particles_identity
from chimerax.flexrec.particles.selection import make_selection, save_selection
from chimerax.flexrec.particles.shells import spread_by_group
from chimerax.flexrec.particles.stack import ImageStack
from chimerax.flexrec.simulate import load_truth
from trained_models import make_sliding

pytestmark = pytest.mark.blank_pictures()

BOX, PIXEL, COUNT, SWING = 32, 8.0, 2000, 40.0


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """2,000 particles of an antibody with an arm that swings by ±40°, and latents.npz: the angle over 20°, noisy."""
    folder = tmp_path_factory.mktemp("states")
    given = {"box": BOX, "pixel_size": PIXEL, "resolution": 12.0, "snr": 0.2, "particles": COUNT, "threads": 1}
    for job, name, options in (
        (SIMULATE, "001-simulate", given | {"hinges": f"fab1: ±{SWING:g}"}),
        (PREP, "002-prep", {"particles": folder / "001-simulate", "workers": 1}),
    ):
        (folder / name).mkdir()
        job.function()(job.build(options), JobRun(folder / name))
    noise = np.random.default_rng(3).normal(scale=0.1, size=COUNT)
    np.savez(folder / "latents.npz", z=(true_angles(folder) / 20 + noise)[:, None])
    return folder


def true_angles(project):
    prepared = load_prepared(project / "002-prep")
    return load_truth(project / "001-simulate").angles[prepared.particles.columns["flexrecSourceRow"].astype(int), 0]


def latents(project):
    with np.load(project / "latents.npz") as file:
        return file["z"]


def states(project, name, job=None, **values):
    """Run the job in a folder of that name in the project; returns the folder."""
    folder = project / name
    folder.mkdir(exist_ok=True)
    values = {"latents": project / "latents.npz", **values}
    run(RECONSTRUCT.build({"particles": project / "002-prep", **values}), job or JobRun(folder))
    return folder


def true_map(project, z):
    truth, angles = load_truth(project / "001-simulate"), np.array([20 * z])
    return truth.moving.map_at(angles, BOX, PIXEL), truth.moving.moving_mask(angles, BOX, PIXEL)


def likeness(volume, true, mask):
    """Mean FSC with the true map inside a soft mask."""
    return fourier_shell_correlation(volume * mask, true * mask)[1:].mean()


def hard_selections(project, z):
    """Maps of the particles nearest to ``z``, of any number of them, as the rigid job makes them."""
    prepared = load_prepared(project / "002-prep")
    particles, order = prepared.particles, np.argsort(abs(latents(project)[:, 0] - z))
    images = np.fft.rfft2(ImageStack(particles).read(np.arange(COUNT)))
    spectra, transfer = observe(particles, images, PIXEL, np.arange(COUNT))
    transfer = transfer * spread_by_group(prepared.filter, particles.group, BOX)
    sums, before = (BackProjector(BOX), BackProjector(BOX)), 0
    for count in np.geomspace(40, COUNT, 16).astype(int):
        for half in (0, 1):
            rows = order[before:count][particles.half[order[before:count]] == half + 1]
            sums[half].insert(spectra[rows], transfer[rows], particles.views(rows), particles.shift[rows] / PIXEL)
        before = count
        yield reconstruct(sums, PIXEL).mean


@pytest.fixture(scope="module")
def two(project, drawn_pictures):
    """Maps of two states in one job."""
    with drawn_pictures():
        return states(project, "two", at=(-1.2, 0.9))


def test_the_map_of_a_state_is_better_than_any_hard_selection_of_the_same_particles(project, two):
    for number, z in enumerate((-1.2, 0.9)):
        volume, pixel_size = read_map(two / f"map_{number:03d}.mrc")
        true, mask = true_map(project, z)
        hard = list(hard_selections(project, z))
        best = max(likeness(each, true, mask) for each in hard)
        assert pixel_size == PIXEL
        assert likeness(volume, true, mask) > best + 0.001
        whole = load_truth(project / "001-simulate").moving.mask(np.array([20 * z]), BOX, PIXEL)
        assert likeness(volume, true, whole) > max(likeness(each, true, whole) for each in hard) + 0.01
        other, _ = true_map(project, -z)
        assert likeness(volume, other, mask) < best - 0.15


def test_still_parts_are_made_of_more_particles_than_the_moving_one(project, two):
    record = json.loads((two / "reconstruct.json").read_text())
    point = record["points"][0]
    low, middle, high = point["width"]
    assert record["unit"] == "standard deviations" and record["latents"] == "latents.npz"
    assert low < 0.7 < high and low <= middle <= high
    assert sum(point["share_of_density"]) == pytest.approx(1, abs=1e-3)
    effective = point["effective_particles_of_widths"]
    assert effective == sorted(effective) and effective[0] > 50 and effective[-1] > 0.9 * COUNT
    assert point["resolution_0.143"] < 30 and "Point (-1.2)" in (two / "log.txt").read_text()
    for name in ("reconstruct_000.png", "series.png"):
        assert (two / name).read_bytes()[:4] == b"\x89PNG"
    assert not (two / "sums.npz").exists()


def test_maps_have_the_grey_scale_of_the_images(project, two):
    halves = (read_map(two / "half1_000.mrc")[0] + read_map(two / "half2_000.mrc")[0]) / 2
    true, _ = true_map(project, -1.2)
    whole = load_truth(project / "001-simulate").moving.mask(np.array([-24.0]), BOX, PIXEL) > 0.5
    assert halves[whole].mean() / true[whole].mean() == pytest.approx(1, abs=0.1)


def test_latents_that_say_nothing_give_the_map_of_all_particles(project, tmp_path):
    np.savez(tmp_path / "random.npz", z=np.random.default_rng(0).normal(size=(COUNT, 2)))
    folder = states(project, "random", latents=tmp_path / "random.npz", at=(0.1, 0.1))
    volume, _ = read_map(folder / "map.mrc")
    everything = list(hard_selections(project, 0))[-1]
    assert fourier_shell_correlation(volume, everything)[1:10].min() > 0.95
    point = json.loads((folder / "reconstruct.json").read_text())["points"][0]
    assert sum(point["share_of_density"][-3:]) > 0.7


def test_a_path_is_a_series_in_order_and_each_map_that_of_its_point_alone(project, tmp_path, monkeypatch):
    np.savetxt(tmp_path / "path.csv", [[-1.0], [0.0], [1.0]], delimiter=",")
    together = states(project, "path", path=tmp_path / "path.csv")
    monkeypatch.setattr(state_run, "states_at_once", lambda box: 1)
    apart = states(project, "path apart", path=tmp_path / "path.csv")
    monkeypatch.undo()
    alone = states(project, "alone", at=(0.0,))
    assert sorted(path.name for path in together.glob("map*")) == ["map_000.mrc", "map_001.mrc", "map_002.mrc"]
    for name in ("map_000.mrc", "half1_001.mrc", "map_002.mrc"):
        np.testing.assert_array_equal(read_map(together / name)[0], read_map(apart / name)[0])
    np.testing.assert_array_equal(read_map(together / "map_001.mrc")[0], read_map(alone / "map.mrc")[0])
    assert (first_map(together), first_map(alone)) == (together / "map_000.mrc", alone / "map.mrc")
    with np.load(together / "z.npz") as file:
        assert file["z"][:, 0].tolist() == [-1, 0, 1]


@pytest.fixture(scope="module")
def model(project):
    """A flow that slides by 5 Å for each latent unit, of the same latents, each as sure as the other."""
    return make_sliding(project / "003-train", (5.0,), latents(project), prepared="../002-prep")


def test_with_a_model_distances_are_angstroms_of_its_motion(project, model, two):
    folder = states(project, "modelled", latents=None, model=model, at=(-1.2, 0.9))
    record, plain = (json.loads((each / "reconstruct.json").read_text()) for each in (folder, two))
    assert record["unit"] == "Å" and record["latents"] == "003-train"
    ratio = np.divide(record["points"][0]["widths"], plain["points"][0]["widths"])
    assert ratio == pytest.approx(np.full(len(ratio), 5.0 * latents(project).std()), rel=0.01)
    likeness = fourier_shell_correlation(*(read_map(each / "map_000.mrc")[0] for each in (folder, two)))
    assert likeness[1:12].min() > 0.999


def test_an_image_that_shows_the_motion_well_is_farther_from_other_states(model):
    model = open_model(model)
    z, precision = model.latents[:4], np.array([[[1.0]], [[1.0]], [[4.0]], [[2.0]]], np.float32)
    plain = StateDistance(z, None, Motion.of(model))
    np.testing.assert_allclose(plain.squared([0.3]), 25 * (z[:, 0] - 0.3) ** 2, rtol=1e-3, atol=1e-4)
    sure = StateDistance(z, precision, Motion.of(model))
    np.testing.assert_allclose(sure.squared([0.3]), plain.squared([0.3]) * np.array([1, 1, 4, 2]) / 2, rtol=1e-4)
    flat = StateDistance(np.array([[0.0, 0], [2, 0], [0, 6], [2, 6]], np.float32), None, None)
    np.testing.assert_allclose(flat.squared([0.0, 0.0]), [0, 4, 4, 8], rtol=1e-5)
    assert flat.unit == "standard deviations"


def test_poses_and_probabilities_of_a_training_count(project, model):
    prepared = load_prepared(project / "002-prep")
    asked = RECONSTRUCT.build({"particles": prepared.folder, "model": model, "at": (0.0,)})
    before = (model / "latents.npz").read_bytes()
    try:
        with np.load(model / "latents.npz") as file:
            arrays = dict(file)
        correction = np.zeros((COUNT, 5), np.float32)
        correction[:, 3:] = 2, -1
        probability = np.linspace(0, 1, COUNT)
        np.savez(model / "latents.npz", **arrays, probability=probability, pose_correction=correction,
                 pose_centre=np.zeros(3, np.float32), pose_radius=np.array(40.0))  # fmt: skip
        found = state_latents(asked, prepared)
    finally:
        (model / "latents.npz").write_bytes(before)
    np.testing.assert_allclose(found.particles.shift, prepared.particles.shift - [2, -1], atol=1e-6)
    np.testing.assert_allclose(found.weight, probability)
    assert state_latents(asked, prepared).particles is prepared.particles


def test_improbable_particles_and_those_without_a_place_leave_no_trace(project, tmp_path):
    z, junk = latents(project), np.arange(COUNT) % 5 == 0
    gone = np.where(junk[:, None], np.nan, z)
    np.savez(tmp_path / "gone.npz", z=gone)
    np.savez(tmp_path / "junk.npz", z=z, probability=(~junk).astype(float))
    maps = [states(project, name, latents=tmp_path / f"{name}.npz", at=(0.5,)) for name in ("gone", "junk")]
    likeness = fourier_shell_correlation(*(read_map(folder / "map.mrc")[0] for folder in maps))
    assert likeness[1:12].min() > 0.999  # the latents' spread, which is the unit, is that of all that have a place
    assert f"{junk.sum()} particles whose latents are no numbers are left out." in (maps[0] / "log.txt").read_text()
    counts = [json.loads((folder / "reconstruct.json").read_text())["halves"] for folder in maps]
    assert counts[0] == counts[1] and sum(counts[0]) == COUNT - junk.sum()


def test_latents_of_all_particles_that_prep_was_given_are_taken_by_their_rows(project, tmp_path):
    prepared = load_prepared(project / "002-prep")
    asked = {"particles": prepared.folder, "at": (0.0,)}
    part = tmp_path / "002-prep"
    part.mkdir()
    for path in prepared.folder.iterdir():
        if path.is_file() and path.name != "particles.star":
            (part / path.name).write_bytes(path.read_bytes())
    record = json.loads((part / "prep.json").read_text())
    record["source"] = str(project / "001-simulate" / "particles.star")
    (part / "prep.json").write_text(json.dumps(record))
    from chimerax.flexrec.particles import write_star

    write_star(part / "particles.star", prepared.particles.take(np.arange(100, 1700)))
    found = state_latents(RECONSTRUCT.build({**asked, "latents": project / "latents.npz"}), load_prepared(part))
    np.testing.assert_array_equal(found.z, latents(project)[100:1700].astype(np.float32))


def test_stopped_it_goes_on_to_the_same_maps(project, two, monkeypatch):
    import chimerax.flexrec.jobs.reconstruct.reconstruct_sums as reconstruct_sums

    monkeypatch.setattr(reconstruct_sums, "_BATCH_PIXELS", 300 * BOX**2)
    folder = project / "stopped"
    folder.mkdir()
    job = JobRun(folder)
    monkeypatch.setattr(job, "stop_requested", lambda: True)
    states(project, "stopped", job, at=(-1.2, 0.9))
    assert (folder / "sums.npz").exists() and not (folder / "map_000.mrc").exists()
    asked = iter([False] * 6 + [True])
    job = JobRun(folder)
    monkeypatch.setattr(job, "stop_requested", lambda: next(asked))
    states(project, "stopped", job, at=(-1.2, 0.9))
    assert (folder / "map_000.mrc").exists() and not (folder / "map_001.mrc").exists()
    states(project, "stopped", at=(-1.2, 0.9))
    told = (folder / "log.txt").read_text()
    assert [f"Going on after batch {done}." in told for done in (1, 2, 7)] == [True, False, True]
    assert told.count("Point (-1.2)") == told.count("Point (0.9)") == 1
    for name in ("map_000.mrc", "half2_001.mrc"):
        theirs = read_map(two / name)[0]
        assert abs(read_map(folder / name)[0] - theirs).max() < 1e-4 * abs(theirs).max()


def test_changed_latents_begin_anew(project, tmp_path):
    path = tmp_path / "z.npz"
    np.savez(path, z=latents(project))
    folder = states(project, "changed", latents=path, at=(0.5,))
    first = read_map(folder / "map.mrc")[0]
    np.savez(path, z=-latents(project))
    states(project, "changed", latents=path, at=(0.5,))
    assert "it begins anew" in (folder / "log.txt").read_text()
    assert abs(read_map(folder / "map.mrc")[0] - first).max() > 0.05 * first.max()


def test_shells_and_kernels():
    square, weight = np.arange(1000.0), np.ones(1000)
    weight[:100] = 0
    shells = kernel_shells(square, weight)
    assert (shells.shell[:100] == OUTSIDE).all() and (np.diff(shells.shell[100:]) >= 0).all()
    counts = np.bincount(shells.shell[100:])
    assert counts[0] == NARROWEST and counts.sum() == 900 and (shells.power[:, 0] == counts).all()
    width = shells.widths[3]
    expected = np.maximum(1 - shells.square / width**2, 0)
    assert shells.weights(width) == pytest.approx(expected) and np.count_nonzero(expected) == 6
    assert shells.effective(1e9) == pytest.approx(900) and shells.effective(width) < counts[:6].sum()


@pytest.mark.parametrize("others", (4.0, 0.0))
def test_particles_that_have_one_and_the_same_place_are_a_kernel(others):
    """Those of a class: 600 at the point itself, and 400 elsewhere, or there as well."""
    shells = kernel_shells(np.repeat([0.0, others], (600, 400)), np.ones(1000))
    assert (shells.widths > 0).all() and (np.diff(shells.widths) >= 0).all()
    effective = [shells.effective(width) for width in shells.widths]
    assert effective[-1] == pytest.approx(1000, rel=0.1)
    assert effective[0] == pytest.approx(1000 if others == 0 else 590, rel=0.1)


def prior_latents(project: Path, path: Path, kind: str) -> None:
    z = latents(project)
    gap = np.where(z > 0, z + 3, z - 3)
    other = {"odds": {"probability": np.full(len(z), 255.0)}, "short": {"probability": np.ones(7)},
             "words": {"precision": np.full((len(z), 1, 1), "high")},
             "below": {"precision": np.full((len(z), 1, 1), -4.0)}}.get(kind, {})  # fmt: skip
    arrays = {"few": z[:50], "none": np.full_like(z, np.nan), "gap": gap, "flat": z[None], "good": z}
    np.savez(path, z=arrays.get(kind, z), **other)


@pytest.mark.parametrize("kind, values, complaint", [
    ("good", {"at": (9.0,)}, "z1 = 9 is far from all particles"),
    ("gap", {"at": (0.0,)}, r"Point 1 \(0\) lies where there are no particles"),
    ("good", {"at": (0.0, float("inf"))}, "at is 'inf', but must be a comma list, each a number"),
    ("few", {"at": (0.0,)}, "has latents of 50 particles, but 002-prep is of 2000, and the particle file of 2000"),
    ("none", {"at": (0.0,)}, "no particle's latents are numbers"),
    ("odds", {"at": (0.0,)}, "array probability must be a number from 0 to 1 for each of its 2000 particles"),
    ("short", {"at": (0.0,)}, "array probability must be"),
    ("words", {"at": (0.0,)}, "array precision holds no numbers"),
    ("below", {"at": (0.0,)}, "array precision has negative eigenvalues"),
    ("flat", {"at": (0.0,)}, "array z must be particles x dimensions"),
    ("good", {"latents": None, "at": (0.0,)}, "neither --model nor --latents says whose"),
    ("good", {}, "latents: says whose latents points are, and no point is given"),
    ("good", {"at": (0.0,), "selection": "fifty"}, "a map at a point needs 240"),
])  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(project, tmp_path, kind, values, complaint):
    prior_latents(project, tmp_path / "z.npz", kind)
    identity = particles_identity(project / "002-prep")
    save_selection(project, make_selection("fifty", np.arange(50), COUNT, identity))
    folder = project / f"wrong {complaint[:5]}"
    with pytest.raises(InputError, match=complaint):
        states(project, folder.name, **{"latents": tmp_path / "z.npz", **values})
    assert not list(folder.glob("*.mrc")) and not (folder / "reconstruct.json").exists()


def test_points_of_the_wrong_length_and_models_of_other_particles_are_refused(project, tmp_path, model):
    np.savez(tmp_path / "plane.npz", z=np.random.default_rng(0).normal(size=(COUNT, 2)))
    with pytest.raises(InputError, match="3 numbers make no whole points, since there are 2 latent dimensions"):
        states(project, "wrong length", latents=tmp_path / "plane.npz", at=(0.0, 1.0, 2.0))
    (project / "004-prep").mkdir()
    (project / "004-prep" / "prep.json").write_text("{}")
    (project / "004-prep" / "particles.star").write_text("")
    other = make_sliding(project / "005-train", (5.0,), latents(project), prepared="../004-prep")
    with pytest.raises(InputError, match="005-train is of other particles than 002-prep"):
        states(project, "wrong model", latents=None, model=other, at=(0.0,))
    with pytest.raises(InputError, match="both --model and --latents say"):
        states(project, "wrong both", model=model, at=(0.0,))
