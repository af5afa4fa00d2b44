"""The generate job: which points are asked for, what is written, what goes on and what is refused."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.generate.generate_parameters import GENERATE
from chimerax.flexrec.jobs.generate.generate_points import requested_series
from chimerax.flexrec.jobs.generate.generate_run import run
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.mesh.map_files import read_map, write_map
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.interface import DecodeOptions
from chimerax.flexrec.models.motion import principal_motions
from chimerax.flexrec.models.reach import Reach
from chimerax.flexrec.models.support import Support
from trained_models import PIXEL, make_trained, random_flow, save_trained, two_blobs, two_part_mesh, white

pytestmark = pytest.mark.blank_pictures()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return make_trained(tmp_path_factory.mktemp("project") / "003-train", motion=0.2)[0]


@pytest.fixture
def job(tmp_path):
    folder = tmp_path / "004-generate"
    folder.mkdir()
    return JobRun(folder)


def ask(trained, **values):
    return GENERATE.build({"model": trained, **values})


def log_of(job) -> str:
    return (job.folder / "log.txt").read_text(encoding="utf-8")


def test_points_become_maps_with_their_pixel_size(trained, job, drawn_pictures):
    with drawn_pictures():
        run(ask(trained, at=(0.5, -1.0, 0.0, 0.25)), job)
    model = open_model(trained)
    for i, z in enumerate(([0.5, -1.0], [0.0, 0.25])):
        volume, pixel_size = read_map(job.folder / f"map_{i:03d}.mrc")
        wanted = model.decode(z, DecodeOptions(oversampling=2))
        assert np.abs(volume - wanted).max() < 1e-5
        assert np.abs(volume - model.decode(z)).max() < 0.05 * wanted.max()
        assert pixel_size == pytest.approx(PIXEL)
    with np.load(job.folder / "z.npz", allow_pickle=False) as file:
        points = file["z"]
    assert np.allclose(points, [[0.5, -1.0], [0.0, 0.25]])
    with open(job.folder / "z.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["map"] for row in rows] == ["map_000.mrc", "map_001.mrc"]
    assert [[np.float32(row["z1"]), np.float32(row["z2"])] for row in rows] == points.tolist()
    assert {row["outside"] for row in rows} == {"no"}
    assert (job.folder / "series.png").read_bytes()[:4] == b"\x89PNG"
    assert "Warning" not in log_of(job)


def test_asked_for_nothing_it_follows_the_strongest_motions(trained):
    model = open_model(trained)
    series = requested_series(ask(trained, frames=5), model)
    assert [one.name for one in series] == ["pc1", "pc2"]
    middle = np.median(model.latents, axis=0)
    mass = model.moving.mass

    def reach(one) -> float:
        ends = model.vertices(one.z[[0, -1]])
        return float(np.sqrt(mass @ ((ends[1] - ends[0]) ** 2).sum(axis=1)))

    for one in series:
        assert one.z.shape == (5, 2)
        assert np.allclose(one.z[2], middle, atol=1e-6)
    assert reach(series[0]) > reach(series[1])


def test_the_first_principal_motion_is_the_axis_that_moves_the_molecule(tmp_path):
    volume = two_blobs()
    mesh = two_part_mesh(volume)
    flow = random_flow(mesh, 3, motion=0.0)
    flow.linear.weight.data[6:12] = 0.05 * torch.tensor([1.0, 6.0, 2.0])  # along (1, 6, 2) in the latents
    model = open_model(save_trained(tmp_path / "train", mesh, flow, volume, white(500, 3)))
    step = principal_motions(model)[0]
    assert np.abs(step / np.linalg.norm(step) @ np.array([1.0, 6.0, 2.0]) / np.sqrt(41)) > 0.999


def test_series_run_from_percentile_to_percentile_with_the_others_at_their_median(trained):
    model = open_model(trained)
    (one,) = requested_series(ask(trained, along=("z2",), frames=7, range=(10.0, 90.0)), model)
    assert np.allclose(one.z[:, 0], np.median(model.latents[:, 0]))
    assert np.allclose(one.z[[0, -1], 1], np.percentile(model.latents[:, 1], (10, 90)), atol=1e-5)
    assert (np.diff(one.z[:, 1]) > 0).all()


def test_a_grid_covers_all_axes(trained):
    (one,) = requested_series(ask(trained, grid=3), open_model(trained))
    assert one.z.shape == (9, 2)
    assert len(np.unique(one.z[:, 0])) == len(np.unique(one.z[:, 1])) == 3
    assert one.z[0, 0] == one.z[1, 0] and one.z[0, 1] < one.z[1, 1]


@pytest.mark.parametrize("text", [
    "z1,z2\n0.1,0.2\n0.3,-4e-1\n",
    "# a path\n0.1 0.2\n0.3\t-0.4\n",
    "0.1; 0.2\n\n0.3; -0.4",
])  # fmt: skip
def test_points_are_read_from_tables(trained, tmp_path, text):
    (tmp_path / "points.csv").write_text(text)
    (one,) = requested_series(ask(trained, path=tmp_path / "points.csv"), open_model(trained))
    assert np.allclose(one.z, [[0.1, 0.2], [0.3, -0.4]]) and one.name == "points.csv"


def test_a_job_reads_the_points_of_another_job(trained, tmp_path):
    points = np.random.default_rng(0).normal(size=(4, 2))
    np.savez(tmp_path / "z.npz", z=points)
    (one,) = requested_series(ask(trained, path=tmp_path / "z.npz"), open_model(trained))
    assert np.allclose(one.z, points, atol=1e-6)


def test_a_saved_path_gives_its_points_and_other_json_is_refused(trained, tmp_path):
    (tmp_path / "path.json").write_text('{"format": "flexrec-path", "version": 1, "z": [[0.5, 1.0], [0.25, -1.0]]}')
    (one,) = requested_series(ask(trained, path=tmp_path / "path.json"), open_model(trained))
    assert one.z.tolist() == [[0.5, 1.0], [0.25, -1.0]]
    for text in ('{"z": [[0.5, 1.0]]}', "[1, 2]", '{"format": "flexrec-path", "version": 9, "z": [[1, 2]]}', "{"):
        (tmp_path / "path.json").write_text(text)
        with pytest.raises(InputError, match="cannot be read as points"):
            requested_series(ask(trained, path=tmp_path / "path.json"), open_model(trained))


def test_points_without_particles_are_marked(trained, job):
    run(ask(trained, at=(0.0, 0.0, 5.0, -5.0)), job)
    assert "1 of 2 points lie where there are no particles (map_001.mrc)" in log_of(job)
    with np.load(job.folder / "z.npz", allow_pickle=False) as file:
        assert file["outside"].tolist() == [False, True]


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e5])
def test_the_reach_ends_half_a_range_beyond_the_particles_on_any_scale(scale):
    latents = scale * np.random.default_rng(0).uniform(-1, 1, (5000, 2))
    latents[0] = np.nan
    latents[1] = 4 * scale, 0  # astray, and still to be seen
    reach = Reach.of(latents)
    assert reach.low / scale == pytest.approx([-2, -2], abs=0.02)
    assert reach.high / scale == pytest.approx([4, 2], abs=0.02)
    assert (reach.within(latents[1:].astype(np.float32)) == latents[1:].astype(np.float32)).all()
    with pytest.raises(InputError, match="z2 = .* is far from all particles"):
        reach.within([[0.0, 0.0], [0.0, 2.1 * scale]])
    assert reach.nearest(np.array([9.0, -9.0]) * scale) / scale == pytest.approx([4, -2], abs=0.02)


def test_points_far_from_all_particles_are_refused(trained, tmp_path):
    (tmp_path / "far.json").write_text('{"format": "flexrec-path", "version": 1, "z": [[0.5, 1.0], [0.25, 99]]}')
    for asked in ({"at": (0.0, 99.0)}, {"path": tmp_path / "far.json"}):
        with pytest.raises(InputError, match="z2 = 99 is far from all particles"):
            requested_series(ask(trained, **asked), open_model(trained))


def test_particles_support_themselves_and_a_hole_has_none():
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 3000)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    support = Support.of(ring)
    assert support.outside(ring).mean() < 0.02
    assert support.outside(np.array([[0.0, 0.0], [1.0, 0.0]])).tolist() == [True, False]
    assert Support.of(ring[:2]).outside(np.array([[50.0, 0.0]])).tolist() == [True]


def test_a_stopped_job_goes_on_and_makes_only_what_is_missing(trained, job, monkeypatch):
    parameters = ask(trained, along=("z1",), frames=4)
    answers = iter([False, False, True])
    monkeypatch.setattr(job, "stop_requested", lambda: next(answers))
    run(parameters, job)
    assert sorted(path.name for path in job.folder.glob("map_*.mrc")) == ["map_000.mrc", "map_001.mrc"]
    assert not (job.folder / "series.png").exists()
    first = (job.folder / "map_000.mrc").stat().st_mtime_ns
    again = JobRun(job.folder)
    run(parameters, again)
    assert len(list(job.folder.glob("map_*.mrc"))) == 4
    assert (job.folder / "map_000.mrc").stat().st_mtime_ns == first
    assert (job.folder / "series.png").exists()


def test_a_job_that_goes_on_with_a_newer_epoch_makes_every_map_again(trained, job, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "train")
    run(ask(folder, at=(1.0, 1.0)), job)
    before = (job.folder / "map_000.mrc").read_bytes()
    volume, pixel_size = read_map(folder / "map.mrc")
    write_map(folder / "map.mrc", 2 * volume, pixel_size)
    run(ask(folder, at=(1.0, 1.0)), job)
    assert (job.folder / "map_000.mrc").read_bytes() == before  # the same epoch: kept
    about = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**about, "epoch": 4}))
    run(ask(folder, at=(1.0, 1.0)), job)
    assert read_map(job.folder / "map_000.mrc")[0].sum() == pytest.approx(2 * volume.sum(), rel=1e-3)


def test_a_sharper_map_is_moved_in_place_of_the_models_own(trained, job, tmp_path):
    from chimerax.flexrec.engine.training.stage import resample_mass

    model = open_model(trained)
    sharp = resample_mass(model.volume, 64)
    write_map(tmp_path / "sharp.mrc", sharp, PIXEL / 2)
    run(ask(trained, map=tmp_path / "sharp.mrc", at=(1.0, -1.0)), job)
    volume, pixel_size = read_map(job.folder / "map_000.mrc")
    assert volume.shape == (64,) * 3 and pixel_size == pytest.approx(PIXEL / 2)
    assert np.corrcoef(resample_mass(volume, 32).ravel(), model.decode([1.0, -1.0]).ravel())[0, 1] > 0.99
    assert "correlates" not in log_of(job)


def test_maps_of_another_place_are_refused_or_doubted(trained, job, tmp_path):
    volume = open_model(trained).volume
    write_map(tmp_path / "wide.mrc", volume, 2 * PIXEL)
    with pytest.raises(InputError, match="192.0 Å wide and the model's 96.0 Å"):
        run(ask(trained, map=tmp_path / "wide.mrc"), job)
    run(ask(trained, map=tmp_path / "wide.mrc", map_pixel_size=PIXEL, at=(0.0, 0.0)), job)
    assert "correlates" not in log_of(job)
    write_map(tmp_path / "turned.mrc", volume.transpose(2, 1, 0), PIXEL)
    run(ask(trained, map=tmp_path / "turned.mrc", at=(0.0, 0.0)), job)
    assert "turned.mrc correlates by" in log_of(job)


def test_particles_without_latents_are_passed_over(trained, job, tmp_path):
    shutil.copytree(trained, half := tmp_path / "half1")
    with np.load(half / "latents.npz") as file:
        arrays = dict(file)
    arrays["z"][::3] = np.nan
    np.savez(half / "latents.npz", **arrays)
    run(ask(half, along=("z1",), grid=2, frames=3), job)
    with np.load(job.folder / "z.npz", allow_pickle=False) as file:
        assert np.isfinite(file["z"]).all() and np.isfinite(file["distance"]).all()
    assert np.isfinite(read_map(job.folder / "map_006.mrc")[0]).all()


@pytest.mark.parametrize("values, complaint", [
    ({"at": (0.0, 0.0), "frames": 5}, "frames: means nothing without --along; leave it out."),
    ({"at": (0.0, 0.0), "range": (5.0, 95.0)}, "range: means nothing without --along or --grid; leave it out."),
    ({"grid": 3, "frames": 5}, "frames: means nothing without --along; leave it out."),
    ({"keep_outside": True}, "keep_outside: means nothing without --map; leave it out."),
    ({"map_pixel_size": 2.0}, "map_pixel_size: means nothing without --map; leave it out."),
    ({"at": (1.0, 2.0, 3.0)}, "3 numbers make no whole points"),
    ({"along": ("z3",)}, "must be one of z1 to z2 or pc1 to pc2"),
    ({"along": ("x",)}, "'x' must be one of"),
    ({"range": (90.0, 10.0)}, "two percentiles"),
    ({"grid": 100}, "make 10000 maps"),
])  # fmt: skip
def test_what_cannot_be_made_is_refused(trained, job, values, complaint):
    with pytest.raises(InputError, match=complaint):
        run(ask(trained, **values), job)
    assert not list(job.folder.glob("map_*"))


@pytest.mark.parametrize("name, content, complaint", [
    ("p.csv", b"0.1,0.2,0.3\n", r"\(points, 2\) is needed"),
    ("p.csv", b"0.1,nan\n", "not a number"),
    ("p.csv", b"0.1,0.2\n0.3\n", "cannot be read as points"),
    ("p.npz", b"PK nonsense", "cannot be read as points"),
    ("p.csv", b"", r"\(points, 2\) is needed"),
])  # fmt: skip
def test_files_that_hold_no_points_are_refused(trained, job, tmp_path, name, content, complaint):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        run(ask(trained, path=tmp_path / name), job)
