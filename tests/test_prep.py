"""The prep job from end to end, on tiny analytic particles whose truth is known."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.engine.maps.fsc import fourier_shell_correlation
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.prep.prep_notes import Notes
from chimerax.flexrec.jobs.prep.prep_parameters import PREP
from chimerax.flexrec.jobs.prep.prep_read import check_headers
from chimerax.flexrec.particles import ImageStack, Optics, Particles, read_particles, write_star
from chimerax.flexrec.particles.ctf import ctf_rfft
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.particles.shells import spread
from scipy.spatial.transform import Rotation

pytestmark = pytest.mark.blank_pictures()

BOX, PIXEL, WIDTH = 40, 4.0, 9.0  # pixels, Å, Å
POINTS = np.array([[20.0, 4, -12], [-16, 12, 8], [0, -24, 20], [4, 16, 24], [-8, -8, -28], [12, -12, 4]])
WEIGHTS = np.array([1.0, 2.0, 1.5, 0.7, 1.2, 0.9])


def density(box=BOX, pixel_size=PIXEL):
    along = (np.arange(box) - box // 2) * pixel_size
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    squared = ((np.stack([x, y, z], -1)[..., None, :] - POINTS) ** 2).sum(-1)
    return (np.exp(-squared / (2 * WIDTH**2)) * WEIGHTS).sum(-1).astype(np.float32)


def project(particles, group):
    """Analytic projections, sums of voxels along the view, at a group's own box and pixel size."""
    members = np.flatnonzero(particles.group == group)
    box, pixel_size = int(particles.optics.box[group]), float(particles.optics.pixel_size[group])
    along = (np.arange(box) - box // 2) * pixel_size
    grid = np.stack(np.meshgrid(along, along), -1)
    seen = (POINTS @ particles.rotation[members].swapaxes(1, 2))[:, :, :2] - particles.shift[members][:, None]
    squared = ((grid[None, :, :, None, :] - seen[:, None, None]) ** 2).sum(-1)
    views = (np.exp(-squared / (2 * WIDTH**2)) * WEIGHTS).sum(-1) * np.sqrt(2 * np.pi) * WIDTH / pixel_size
    return members, views


def simulate(folder, count=300, noise=0.8, sign=1.0, optics=None, group=None, seed=0):
    """particles.star with a stack per optics group; returns the particles."""
    rng = np.random.default_rng(seed)
    if optics is None:
        optics = Optics(*np.array([[300.0], [2.7], [0.1], [PIXEL]]), np.array([BOX]), ("one",))
    group = np.zeros(count, np.int32) if group is None else group
    defocus = rng.uniform(8000, 20000, count)
    p = Particles(
        tuple((folder / f"images{g}.mrcs").resolve() for g in range(len(optics))),
        group, np.zeros(count, np.int64), Rotation.random(count, random_state=seed).as_matrix(),
        rng.normal(0, 3, (count, 2)), np.stack([defocus, defocus - 300, np.full(count, 20.0)], -1), np.zeros(count),
        group, (np.arange(count) % 2 + 1).astype(np.int8), optics, {"rlnClassNumber": np.arange(count)}, 1.0, Path(),
    )  # fmt: skip
    index = np.zeros(count, np.int64)
    for g in range(len(optics)):
        members, views = project(p, g)
        index[members] = np.arange(len(members))
        transfer = ctf_rfft(p, int(optics.box[g]), float(optics.pixel_size[g]), members)
        clean = np.fft.irfft2(np.fft.rfft2(views) * transfer, views.shape[1:])
        power = spread(np.linspace(1.5, 0.6, views.shape[1] // 2 + 1), views.shape[1])
        white = rng.normal(0, noise * views.std(), views.shape)
        images = clean + np.fft.irfft2(np.fft.rfft2(white) * power, views.shape[1:])
        save_stack(p.stacks[g], sign * images)
    p = replace(p, index=index)
    write_star(folder / "particles.star", p)
    return p


def save_stack(path, images):
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(images.astype(np.float32))
        file.set_image_stack()


def save_map(path, grid, pixel_size=PIXEL):
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(grid.astype(np.float32))
        file.voxel_size = pixel_size
    return path


def prep(folder, **values):
    """Run the job in folder/job; returns (its folder, prep.json)."""
    values = {"particles": folder / "particles.star", "workers": 2} | values
    target = folder / values.pop("job", "job")
    target.mkdir(exist_ok=True)
    PREP.function()(PREP.build(values), JobRun(target))
    return target, json.loads((target / "prep.json").read_text())


@pytest.fixture(scope="module")
def made(tmp_path_factory, drawn_pictures):
    """Particles, their consensus, and a plain prep of them to 32 pixels."""
    folder = tmp_path_factory.mktemp("prep")
    p = simulate(folder)
    consensus = save_map(folder / "consensus.mrc", density())
    with drawn_pictures():
        job, record = prep(folder, consensus=consensus, box=32)
    return folder, p, job, record


def test_prepared_folder_opens_with_poses_ctf_and_filter(made):
    _, p, job, record = made
    prepared = load_prepared(job)
    q = prepared.particles
    assert (prepared.box, record["count"], len(q)) == (32, 300, 300) and prepared.filter.shape == (1, 17)
    assert prepared.pixel_size == pytest.approx(PIXEL * BOX / 32)
    assert q.stacks == ((job / "particles.mrcs").resolve(),) and q.contrast == 1
    for name in ("rotation", "shift", "defocus"):
        np.testing.assert_allclose(getattr(q, name), getattr(p, name), atol=1e-6)
    np.testing.assert_array_equal(q.half, p.half)
    np.testing.assert_array_equal(q.columns["flexrecSourceRow"], np.arange(300))
    assert "000001@particles.mrcs" in (job / "particles.star").read_text()
    header = mrcfile.mmap(job / "particles.mrcs")
    assert header.data.dtype == np.float32 and header.voxel_size.x == pytest.approx(5.0)
    assert (job / "prep.png").stat().st_size > 10000


def test_prepared_images_are_the_model_the_engine_assumes(made):
    """filter · CTF · projection of the map sampled in the prepared frame, plus noise of unit variance."""
    _, p, job, _ = made
    prepared = load_prepared(job)
    images = ImageStack(prepared.particles).read(np.arange(300))
    framed = replace(p, optics=replace(p.optics, box=np.array([32]), pixel_size=np.array([prepared.pixel_size])))
    _, views = project(framed, 0)
    transfer = ctf_rfft(framed, 32, prepared.pixel_size) * spread(prepared.filter[0], 32)
    model = np.fft.irfft2(np.fft.rfft2(views) * transfer, (32, 32))
    model -= model.mean((1, 2), keepdims=True)
    images = images - images.mean((1, 2), keepdims=True)
    assert np.sum(images * model) / np.sum(model * model) == pytest.approx(1, abs=0.03)
    assert (images - model).std() == pytest.approx(1, abs=0.05)
    power = np.abs(np.fft.rfft2(images - model)) ** 2 / 32**2
    for low, high in ((3, 8), (8, 12), (12, 16)):
        shell = (spread(np.arange(17), 32) >= low) & (spread(np.arange(17), 32) < high)
        assert power[:, shell].mean() == pytest.approx(1, abs=0.1)


def test_check_finds_the_consensus_and_has_nothing_to_warn_of(made):
    _, _, job, record = made
    check = record["backprojection"]
    assert min(check["fsc_consensus"][1:7]) > 0.9 and check["count"] == 300 and record["warnings"] == []
    back = mrcfile.read(job / "backprojection.mrc")
    assert fourier_shell_correlation(back, density(32, 5.0))[1:7].min() > 0.9
    assert "agrees with the consensus to" in (job / "log.txt").read_text()


@pytest.mark.parametrize("consensus", [True, False])
def test_dark_protein_is_found_and_inverted(tmp_path, made, consensus):
    folder = made[0]
    simulate(tmp_path, sign=-1)
    given = {"consensus": folder / "consensus.mrc"} if consensus else {}
    job, record = prep(tmp_path, box=32, **given)
    assert record["contrast"] == "dark" and any("inverted" in note for note in record["warnings"])
    np.testing.assert_allclose(
        mrcfile.read(job / "particles.mrcs"), mrcfile.read(made[2] / "particles.mrcs"), atol=1e-4
    )
    _, record = prep(tmp_path, box=32, consensus=folder / "consensus.mrc", contrast="white", job="white")
    assert record["contrast"] == "white" and any("contrast looks inverted" in note for note in record["warnings"])
    _, record = prep(tmp_path, box=32, contrast="dark", job="dark")
    assert record["contrast"] == "dark" and record["warnings"] == []


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda folder: save_map(folder / "m.mrc", np.roll(density()[::-1], 1, 0)), "the hand looks wrong"),
        (lambda folder: save_map(folder / "m.mrc", density(46), PIXEL * 1.08), "pixel size looks wrong"),
        (lambda folder: save_map(folder / "m.mrc", np.random.default_rng(0).normal(size=(40,) * 3)), "same refinement"),
    ],
)
def test_what_is_wrong_with_a_consensus_is_said(made, tmp_path, change, says):
    _, record = prep(made[0], box=32, consensus=change(tmp_path), job=tmp_path.name, contrast="white")
    assert len(record["warnings"]) == 1 and says in record["warnings"][0]


def test_images_without_noise_are_not_whitened_unasked(tmp_path):
    simulate(tmp_path, count=60, noise=0)
    assert "hardly any noise" in prep(tmp_path)[1]["warnings"][0]
    assert prep(tmp_path, whiten=False, job="plain")[1]["warnings"] == []


def test_a_cryosparc_file_gives_the_same_images(made, tmp_path):
    """The same particles as dark images in cryoSPARC's conventions."""
    _, p, job, _ = made
    save_stack(tmp_path / "dark.mrcs", -ImageStack(p).read(np.arange(300)))
    vectors = Rotation.from_matrix(p.rotation.swapaxes(1, 2)).as_rotvec()
    angle = np.radians(p.defocus[:, 2])
    fields = {
        "blob/path": np.full(300, b">dark.mrcs"), "blob/idx": p.index, "blob/shape": np.full((300, 2), BOX),
        "blob/psize_A": np.full(300, PIXEL), "blob/sign": np.full(300, -1.0), "ctf/accel_kv": np.full(300, 300.0),
        "ctf/cs_mm": np.full(300, 2.7), "ctf/amp_contrast": np.full(300, 0.1), "ctf/df1_A": p.defocus[:, 0],
        "ctf/df2_A": p.defocus[:, 1], "ctf/df_angle_rad": angle, "ctf/phase_shift_rad": np.zeros(300),
        "alignments3D/split": p.half - 1, "alignments3D/shift": p.shift / PIXEL, "alignments3D/pose": vectors,
        "alignments3D/psize_A": np.full(300, PIXEL),
    }  # fmt: skip
    data = np.zeros(300, [(name, v.dtype, v.shape[1:]) for name, v in fields.items()])
    for name, values in fields.items():
        data[name] = values
    with open(tmp_path / "p.cs", "wb") as file:
        np.save(file, data)
    found, record = prep(tmp_path, particles=tmp_path / "p.cs", consensus=made[0] / "consensus.mrc", box=32)
    assert record["contrast"] == "dark" and record["warnings"] == []
    assert (found / "particles.mrcs").read_bytes() == (job / "particles.mrcs").read_bytes()
    ours, theirs = load_prepared(found).particles, load_prepared(job).particles
    for name in ("rotation", "shift", "defocus", "half"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-5)


def test_optics_groups_come_to_one_frame(tmp_path):
    optics = Optics(
        np.array([300.0, 200.0]), np.array([2.7, 2.0]), np.array([0.1, 0.07]), np.array([PIXEL, 3.1]),
        np.array([BOX, 56]), ("one", "two"),
    )  # fmt: skip
    group = (np.arange(300) % 3 == 1).astype(np.int32)
    p = simulate(tmp_path, optics=optics, group=group, noise=0.05)
    job, record = prep(tmp_path, box=30, crop=36, whiten=False)
    prepared = load_prepared(job)
    assert record["pixel_size"] == pytest.approx(PIXEL * 36 / 30) and np.all(prepared.filter == 1)
    framed = replace(p, optics=prepared.particles.optics)
    images = ImageStack(prepared.particles).read(np.arange(300))
    transfer = ctf_rfft(framed, 30, prepared.pixel_size)
    for g in (0, 1):
        members, views = project(framed, g)
        model = np.fft.irfft2(np.fft.rfft2(views) * transfer[members], (30, 30))
        centred = [x - x.mean((1, 2), keepdims=True) for x in (images[members], model)]
        assert np.corrcoef(centred[0].ravel(), centred[1].ravel())[0, 1] > 0.98
        assert np.sum(centred[0] * centred[1]) / np.sum(centred[1] ** 2) == pytest.approx(1, abs=0.03)


def test_crop_is_about_the_centre_and_a_subset_is_drawn_by_seed(made):
    folder = made[0]
    job, record = prep(folder, crop=32, subset=50, whiten=False, job="subset")
    assert (record["box"], record["pixel_size"], record["count"]) == (32, PIXEL, 50)
    rows = load_prepared(job).particles.columns["flexrecSourceRow"]
    assert len(set(rows.tolist())) == 50 and not np.array_equal(rows, np.arange(50))
    source = ImageStack(read_particles(folder / "particles.star")).read(rows)[:, 4:36, 4:36]
    found = mrcfile.read(job / "particles.mrcs")
    difference = found - source
    np.testing.assert_allclose(difference - difference.mean((1, 2), keepdims=True), 0, atol=1e-3 * source.std())


@pytest.mark.parametrize(
    "values, says",
    [
        ({"box": 33}, "even"),
        ({"box": 64}, "at most the 40"),
        ({"crop": 48}, "only 40 pixels"),
        ({"radius": 90.0}, "no background"),
    ],
)
def test_sizes_that_cannot_be_are_refused(made, tmp_path, values, says):
    with pytest.raises(InputError, match=says):
        prep(made[0], job=tmp_path.name, **values)


def test_consensus_of_another_pixel_size_or_extent_is_refused(made, tmp_path):
    for size, grid, says in ((4.2, density(), "has the particles' box"), (1.0, density(24), "24 Å wide")):
        with pytest.raises(InputError, match=says):
            prep(made[0], job=tmp_path.name, consensus=save_map(tmp_path / "m.mrc", grid, size))


def test_damaged_images_are_counted(tmp_path):
    p = simulate(tmp_path, count=60)
    images = ImageStack(p).read(np.arange(60))
    images[[9, 41, 42], 3, 3] = np.nan, np.inf, np.nan
    save_stack(p.stacks[0], images)
    with pytest.raises(InputError, match=r"3 images hold values that are not numbers .* is image 10 of"):
        prep(tmp_path)
    assert not (tmp_path / "job" / "prep.json").exists()


def test_wrong_box_and_poses_that_are_no_numbers_are_refused(tmp_path):
    p = simulate(tmp_path, count=40)
    write_star(tmp_path / "box.star", replace(p, optics=replace(p.optics, box=np.array([64]))))
    with pytest.raises(InputError, match="40 pixels wide, but .* says 64"):
        prep(tmp_path, particles=tmp_path / "box.star")
    rotation = p.rotation.copy()
    rotation[5] = np.nan
    write_star(tmp_path / "pose.star", replace(p, rotation=rotation))
    with pytest.raises(InputError, match=r"1 particles have a pose .* particle 6"):
        prep(tmp_path, particles=tmp_path / "pose.star")
    write_star(tmp_path / "kv.star", replace(p, optics=replace(p.optics, voltage=np.array([0.0]))))
    with pytest.raises(InputError, match="rlnVoltage .* of 0 kV"):
        prep(tmp_path, particles=tmp_path / "kv.star")
    save_stack(p.stacks[0], np.ones((40, BOX, BOX)))
    with pytest.raises(InputError, match="images are empty"):
        prep(tmp_path)


def test_not_a_prep_folder(tmp_path, made):
    with pytest.raises(InputError, match="not a folder of prepared particles"):
        load_prepared(tmp_path)
    assert len(load_prepared(made[2] / "particles.star").particles) == 300


def test_a_prep_job_without_its_images(tmp_path):
    for name in ("prep.json", "particles.star"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"images are not there \(particles.mrcs and noise.npz are missing\)"):
        load_prepared(tmp_path)
    (tmp_path / "noise.npz").touch()
    with pytest.raises(InputError, match=r"images are not there \(particles.mrcs is missing\).* run prep"):
        load_prepared(tmp_path)


SLOW = """
import sys, time
from pathlib import Path
import chimerax.flexrec.jobs.prep.prep_run as prep_run
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.prep.prep_notes import Notes
from chimerax.flexrec.jobs.prep.prep_parameters import PREP
from chimerax.flexrec.jobs.prep.prep_read import check_headers
from chimerax.flexrec.particles.convert import Converter
import chimerax.flexrec.particles.stream as stream
prep_run._CHUNK_PIXELS, stream._SYNC_SECONDS, convert = 16 * 40 * 40, 0, Converter.images
def images(self, rows, whitening=None):
    time.sleep(float(sys.argv[3]) if whitening is not None and len(rows) == 16 else 0)
    return convert(self, rows, whitening)
Converter.images = images
PREP.function()(PREP.build({"particles": Path(sys.argv[1]), "box": 32, "workers": 1}), JobRun(sys.argv[2]))
"""


def test_killed_half_way_it_continues_to_the_same_bytes(made, tmp_path):
    star = str(made[0] / "particles.star")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    subprocess.run([sys.executable, "-c", SLOW, star, str(whole), "0"], check=True)
    victim = subprocess.Popen([sys.executable, "-c", SLOW, star, str(broken), "0.1"])
    journal = broken / "particles.unfinished.json"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and victim.poll() is None:
        if journal.exists() and json.loads(journal.read_text())["chunks"] >= 4:
            break
        time.sleep(0.02)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert not (broken / "particles.mrcs").exists()
    done = json.loads(journal.read_text())["chunks"]
    written = (broken / "particles.unfinished").stat().st_size
    subprocess.run([sys.executable, "-c", SLOW, star, str(broken), "0"], check=True)
    assert 4 <= done < 19 and written < (whole / "particles.mrcs").stat().st_size
    for name in ("particles.mrcs", "noise.npz", "particles.star", "prep.json"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name
    assert f"continuing after chunk {done} of 19" in (broken / "log.txt").read_text()
    assert not list(broken.glob("*unfinished*"))


def test_asked_to_stop_it_stops_and_continues(made, tmp_path, monkeypatch):
    import chimerax.flexrec.jobs.prep.prep_run as prep_run

    monkeypatch.setattr(prep_run, "_CHUNK_PIXELS", 16 * BOX * BOX)
    parameters = PREP.build({"particles": made[0] / "particles.star", "box": 32, "workers": 2})
    job = JobRun(tmp_path)
    monkeypatch.setattr(job, "stop_requested", lambda: True)
    prep_run.run(parameters, job)
    assert not (tmp_path / "particles.mrcs").exists() and (tmp_path / "particles.unfinished").exists()
    prep_run.run(parameters, JobRun(tmp_path))
    assert (tmp_path / "particles.mrcs").read_bytes() == (made[2] / "particles.mrcs").read_bytes()


def test_full_disk_is_said_before_anything_is_written(made, tmp_path, monkeypatch):
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(InputError, match="GB left"):
        prep(made[0], box=32, job=tmp_path.name)


def test_the_number_of_threads_does_not_change_the_images(made, tmp_path):
    job, _ = prep(made[0], box=32, workers=5, job=tmp_path.name)
    assert (job / "particles.mrcs").read_bytes() == (made[2] / "particles.mrcs").read_bytes()


@pytest.mark.parametrize("centre", ["here", [1.0, 2.0], [0.0, 1.0, float("nan")]])
def test_a_place_of_the_consensus_that_is_none_is_refused(made, tmp_path, centre):
    folder = shutil.copytree(made[2], tmp_path / "job")
    record = json.loads((folder / "prep.json").read_text())
    assert load_prepared(folder).centre.tolist() == record["centre"]
    (folder / "prep.json").write_text(json.dumps({**record, "centre": centre}))
    with pytest.raises(InputError, match="damaged"):
        load_prepared(folder)
    del record["centre"]
    (folder / "prep.json").write_text(json.dumps(record))
    assert load_prepared(folder).centre is None


@pytest.mark.parametrize("header, said", [(0.4, True), (8.0, True), (4.1, False), (1.0, False), (0.0, False)])
def test_a_header_of_another_pixel_size_is_said(tmp_path, header, said):
    """4 Å in the file: in nm, or of images that were binned since; not a calibration, or an unknown size."""
    simulate(tmp_path, count=4)
    stack = next(tmp_path.glob("*.mrcs"))
    raw = bytearray(stack.read_bytes())
    raw[40:52] = np.full(3, header * BOX, np.float32).tobytes()
    raw[28:40] = np.full(3, BOX, np.int32).tobytes()
    stack.write_bytes(raw)
    (tmp_path / "001-prep").mkdir()
    notes = Notes(JobRun(tmp_path / "001-prep"))
    check_headers(read_particles(tmp_path / "particles.star"), notes)
    assert [f"{stack.name} says {header:g} Å" in text for text in notes.texts] == [True] * said
