"""The reconstruct job, on simulated particles of two states whose true maps are known."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from chimerax.flexrec.cli import program
from chimerax.flexrec.engine.maps.fsc import fourier_shell_correlation, signal_share
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.prep.prep_parameters import PREP
from chimerax.flexrec.jobs.reconstruct.reconstruct_halves import halves_of
from chimerax.flexrec.jobs.reconstruct.reconstruct_parameters import RECONSTRUCT
from chimerax.flexrec.jobs.reconstruct.reconstruct_run import run
from chimerax.flexrec.jobs.simulate.simulate_parameters import SIMULATE
from chimerax.flexrec.mesh.build import build_mesh
from chimerax.flexrec.mesh.map_files import read_map, write_map
from chimerax.flexrec.mesh.storage import save_mesh
from chimerax.flexrec.particles.prepared import load_prepared, particles_identity
from chimerax.flexrec.particles.selection import load_selection, make_selection, save_selection
from chimerax.flexrec.simulate import load_truth
from mesh_shapes import ball, voxel_grid

pytestmark = pytest.mark.blank_pictures()

BOX, PIXEL, COUNT = 32, 8.0, 1200


def simulated(project, **values):
    """001-simulate and 002-prep of a project."""
    given = {"box": BOX, "pixel_size": PIXEL, "resolution": 12.0, "snr": 0.3, "noise_ratio": 10.0, "threads": 1}
    for job, name, options in (
        (SIMULATE, "001-simulate", given | values),
        (PREP, "002-prep", {"particles": project / "001-simulate", "workers": 1}),
    ):
        (project / name).mkdir()
        job.function()(job.build(options), JobRun(project / name))
    return load_truth(project / "001-simulate")


def select(project, name, chosen):
    prep = project / "002-prep"
    count = len(load_prepared(prep).particles)
    save_selection(project, make_selection(name, chosen, count, particles_identity(prep)))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Particles of two states of an antibody, selected as ``first`` and ``second``, and 60 of the first, ``few``."""
    folder = tmp_path_factory.mktemp("reconstruct")
    truth = simulated(folder, particles=COUNT, states=2, hinges="fab1: 60")
    first = np.flatnonzero(truth.state == 0)
    select(folder, "first", first)
    select(folder, "second", truth.state == 1)
    select(folder, "few", first[:60])
    return folder


@pytest.fixture(scope="module")
def truth(project):
    return load_truth(project / "001-simulate")


def reconstruct(project, name, seed=0, **values):
    """Run the job in a folder of that name in the project; returns the folder."""
    folder = project / name
    folder.mkdir(exist_ok=True)
    run(RECONSTRUCT.build({"particles": project / "002-prep", **values}), JobRun(folder, seed))
    return folder


def true_map(truth, state):
    angles = truth.angles[np.flatnonzero(truth.state == state)[0]]
    return truth.moving.map_at(angles, BOX, PIXEL), truth.moving.moving_mask(angles, BOX, PIXEL)


def alike(volume, other, mask):
    """Correlation of two maps inside a soft mask."""
    inside = mask > 0.5
    return np.corrcoef(volume[inside], other[inside])[0, 1]


def test_a_selection_gives_the_map_of_its_own_state(project, truth):
    names = ("first", "second")
    maps = {name: read_map(reconstruct(project, f"of {name}", selection=name) / "map.mrc") for name in names}
    assert {pixel_size for _, pixel_size in maps.values()} == {PIXEL}
    everything, _ = read_map(reconstruct(project, "of all") / "map.mrc")
    for own, (name, (volume, _)) in enumerate(maps.items()):
        true, mask = true_map(truth, own)
        other, _ = true_map(truth, 1 - own)
        assert alike(volume, true, mask) > 0.9 > 0.6 > alike(volume, other, mask), name
        assert alike(volume, true, mask) > alike(everything, true, mask) + 0.05
        assert fourier_shell_correlation(volume, true)[1:8].min() > fourier_shell_correlation(volume, other)[1:8].min()


def test_the_whitening_filter_leaves_no_trace_in_the_maps(project, truth):
    """Shell by shell the halves' mean has the true map's grey scale, though whitening changes it by half."""
    (whitening,) = load_prepared(project / "002-prep").filter
    assert whitening[10] / whitening[2] > 1.5
    folder = reconstruct(project, "grey", selection="first")
    found = (read_map(folder / "half1.mrc")[0] + read_map(folder / "half2.mrc")[0]) / 2
    ratio = amplitude_ratio(found, true_map(truth, 0)[0])
    assert ratio[2:11] == pytest.approx(np.ones(9), abs=0.12)


def amplitude_ratio(found, true):
    """(N//2+1,) by shell: what a true map is to be multiplied by to fit the other best."""
    k = np.fft.fftfreq(len(true), 1 / len(true))
    shell = np.rint(np.sqrt(k[:, None, None] ** 2 + k[:, None] ** 2 + k**2)).astype(int).ravel()
    a, b = np.fft.fftn(found).ravel(), np.fft.fftn(true).ravel()
    sums = [np.bincount(shell, values)[: len(true) // 2 + 1] for values in ((a * b.conj()).real, np.abs(b) ** 2)]
    return sums[0] / sums[1]


def test_more_particles_give_a_better_map_and_the_job_tells_how_good(project, truth, drawn_pictures):
    with drawn_pictures():
        few, many = reconstruct(project, "few", selection="few"), reconstruct(project, "many", selection="first")
    true, _ = true_map(truth, 0)
    curves = [fourier_shell_correlation(read_map(folder / "map.mrc")[0], true)[2:12] for folder in (few, many)]
    assert (curves[1] > curves[0] - 0.02).all() and curves[1].mean() > curves[0].mean() + 0.05
    records = [json.loads((folder / "reconstruct.json").read_text()) for folder in (few, many)]
    assert records[0]["resolution_0.143"] > records[1]["resolution_0.143"]
    assert records[0]["halves"] == [len(np.flatnonzero(rows_of(few)[1] == side)) for side in (1, 2)]
    assert f"agree to {records[1]['resolution_0.143']:.1f} Å" in (many / "log.txt").read_text()
    table = [line.split(",") for line in (many / "fsc.csv").read_text().splitlines()[1:]]
    halves = [read_map(many / f"half{number}.mrc")[0] for number in (1, 2)]
    assert [int(row[0]) for row in table] == list(range(1, BOX // 2 + 1))
    np.testing.assert_allclose([float(row[3]) for row in table], fourier_shell_correlation(*halves)[1:], atol=1e-4)
    assert float(table[3][2]) == pytest.approx(BOX * PIXEL / 4)
    assert (many / "reconstruct.png").read_bytes()[:4] == b"\x89PNG" and not (many / "sums.npz").exists()


def rows_of(folder):
    """(rows of both halves, sorted; the half of each)."""
    with np.load(folder / "halves.npz") as file:
        rows = np.concatenate([file["half1"], file["half2"]])
        side = np.repeat([1, 2], [len(file["half1"]), len(file["half2"])])
    return np.sort(rows), side[np.argsort(rows)]


def test_the_map_is_weighted_as_its_halves_agree(project):
    folder = reconstruct(project, "weights")
    halves = [read_map(folder / f"half{number}.mrc")[0] for number in (1, 2)]
    fsc = fourier_shell_correlation(*halves)
    fsc[0] = 1
    ratio = amplitude_ratio(read_map(folder / "map.mrc")[0], (halves[0] + halves[1]) / 2)
    assert ratio[1:14] == pytest.approx(np.sqrt(signal_share(fsc))[1:14], abs=0.03)
    assert signal_share(np.array([1, 0.9, 0.5, 0.1, -0.3, -0.2, 0.4, 0.4]))[4:].tolist() == [0] * 4


def test_halves_are_the_files_or_drawn_evenly_by_the_seed(project, tmp_path):
    prepared = load_prepared(project / "002-prep")
    chosen = load_selection(project, "first").rows
    rows, side = rows_of(reconstruct(project, "halves", selection="first"))
    assert (rows == chosen).all() and (side == prepared.particles.half[chosen]).all()
    unknown = replace(prepared, particles=replace(prepared.particles, half=np.zeros(COUNT, np.int8)))
    drawn = {}
    for seed in (0, 1):
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        drawn[seed] = halves_of(RECONSTRUCT.build({"particles": prepared.folder}), unknown, JobRun(folder, seed))
    assert [len(half) for half in drawn[0]] == [COUNT // 2] * 2
    assert "drawn at random" in (folder / "log.txt").read_text()
    assert (np.sort(np.concatenate(drawn[0])) == np.arange(COUNT)).all()
    assert not np.array_equal(drawn[0][0], drawn[1][0])


def test_selections_that_cannot_be_are_refused_in_a_sentence(project, truth):
    with pytest.raises(InputError, match=r"no selection 'nobody' in .*; it has few, first, "):
        reconstruct(project, "wrong 1", selection="nobody")
    save_selection(project, make_selection("strange", np.arange(9), COUNT, "f" * 64))
    with pytest.raises(InputError, match="'strange' is of other particles than 002-prep; name the prep job"):
        reconstruct(project, "wrong 2", selection="strange")
    select(project, "one", np.flatnonzero(load_prepared(project / "002-prep").particles.half == 1)[:4])
    select(project, "none", np.arange(0))
    for name, counts in (("one", "4 and 0"), ("none", "0 and 0")):
        with pytest.raises(InputError, match=f"'{name}': its halves, .*, have {counts} particles"):
            reconstruct(project, "wrong 3", selection=name)
    assert not (project / "wrong 3" / "halves.npz").exists()


def test_particles_without_images_are_refused(project, tmp_path):
    shutil.copytree(project / "002-prep", tmp_path / "002-prep")
    (tmp_path / "002-prep" / "particles.mrcs").unlink()
    with pytest.raises(InputError, match="particles.mrcs is missing"):
        reconstruct(tmp_path, "003-reconstruct")


def test_the_mesh_and_a_mask_say_where_the_halves_are_compared(project, tmp_path, drawn_pictures):
    """Parts of the mesh have resolutions of their own; what is no mask is refused before an image is read."""
    x, _, _ = voxel_grid(BOX)
    save_mesh(tmp_path / "mesh.npz", build_mesh(ball(BOX, 10), PIXEL, 10, np.where(x < 0, 0, 1), ((0, 1),)))
    write_map(tmp_path / "mask.mrc", ball(BOX, 9).astype(np.float32), PIXEL)
    given = {"mesh": tmp_path / "mesh.npz", "selection": "first"}
    with drawn_pictures():
        folder = reconstruct(project, "with mesh", b_factor=-200.0, **given)
    record = json.loads((folder / "reconstruct.json").read_text())
    assert record["mask"].startswith("of the mesh") and set(record["part_resolution_0.143"]) == {"1", "2"}
    assert record["b_factor"] == -200 and (folder / "sharpened.mrc").is_file() and record["orientation"]["scf"] > 0.9
    assert "part 2 corrected" in (folder / "fsc.csv").read_text()
    assert (folder / "deposit" / "deposit.txt").is_file() and (folder / "resolution.png").read_bytes()[:4] == b"\x89PNG"
    folder = reconstruct(project, "with mask", mask=tmp_path / "mask.mrc", **given)
    masked = json.loads((folder / "reconstruct.json").read_text())
    assert masked["mask"] == "given, mask.mrc" and masked["b_factor"] is None
    write_map(tmp_path / "mask.mrc", np.zeros((BOX,) * 3), PIXEL)
    with pytest.raises(InputError, match="mask is empty"):
        reconstruct(project, "no mask", mask=tmp_path / "mask.mrc", **given)
    save_mesh(tmp_path / "mesh.npz", build_mesh(ball(BOX, 4, (11, 0, 0)), 10 * PIXEL, 8))
    with pytest.raises(InputError, match="The mesh carries no voxel"):
        reconstruct(project, "no mesh", **given)
    assert [*(project / "no mask").iterdir()] == [*(project / "no mesh").iterdir()] == []


SLOW = """
import sys, time
from pathlib import Path
import chimerax.flexrec.jobs.reconstruct.reconstruct_sums as sums
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.reconstruct.reconstruct_parameters import RECONSTRUCT
from chimerax.flexrec.jobs.reconstruct.reconstruct_run import run
sums._BATCH_PIXELS, sums._KEEP_SECONDS, sums._KEEP_SHARE, insert = 40 * 32 * 32, 0, 1e9, sums._insert
def slowly(*words):
    time.sleep(float(sys.argv[3]))
    insert(*words)
sums._insert = slowly
run(RECONSTRUCT.build({"particles": Path(sys.argv[1]), "selection": "moving"}), JobRun(sys.argv[2]))
"""


def test_killed_half_way_it_goes_on_to_the_same_maps(project, truth):
    """Whatever has become of the selection meanwhile."""
    prep, whole, broken = str(project / "002-prep"), project / "whole", project / "broken"
    select(project, "moving", truth.state == 0)
    whole.mkdir()
    broken.mkdir()
    subprocess.run([sys.executable, "-c", SLOW, prep, str(whole), "0"], check=True)
    victim = subprocess.Popen([sys.executable, "-c", SLOW, prep, str(broken), "0.2"])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and victim.poll() is None and not (broken / "sums.npz").exists():
        time.sleep(0.02)
    time.sleep(0.3)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert (broken / "sums.npz").exists() and not (broken / "map.mrc").exists()
    select(project, "moving", truth.state == 1)
    subprocess.run([sys.executable, "-c", SLOW, prep, str(broken), "0"], check=True)
    assert "Going on after batch" in (broken / "log.txt").read_text()
    for name in ("half1.mrc", "half2.mrc", "map.mrc"):  # headers have the time of day
        assert (broken / name).read_bytes()[1024:] == (whole / name).read_bytes()[1024:], name
    for name in ("fsc.csv", "reconstruct.json", "halves.npz"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name


def test_asked_to_stop_it_stops_and_goes_on(project, monkeypatch):
    import chimerax.flexrec.jobs.reconstruct.reconstruct_sums as sums

    monkeypatch.setattr(sums, "_BATCH_PIXELS", 100 * BOX**2)
    folder = project / "stopped"
    folder.mkdir()
    job, asked = JobRun(folder), RECONSTRUCT.build({"particles": project / "002-prep"})
    monkeypatch.setattr(job, "stop_requested", lambda: True)
    run(asked, job)
    assert (folder / "sums.npz").exists() and not (folder / "map.mrc").exists()
    run(asked, JobRun(folder))
    whole = reconstruct(project, "not stopped")
    assert (folder / "map.mrc").read_bytes()[1024:] == (whole / "map.mrc").read_bytes()[1024:]


def test_in_the_terminal_it_takes_the_newest_particles_and_says_what_is_wrong(project, monkeypatch, capfd):
    record = {"verb": "prep", "parameters": {}, "inputs": {}, "seed": 0}
    (project / "002-prep" / "job.json").write_text(json.dumps(record))
    (project / "002-prep" / "status.json").write_text(json.dumps({"status": "done"}))
    monkeypatch.chdir(project)
    assert program.main(("reconstruct", "--selection", "few")) == 0
    folder = project / "003-reconstruct"
    assert capfd.readouterr().out.strip() == str(folder)
    inputs = json.loads((folder / "job.json").read_text())["inputs"]
    names = ("mesh", "mask", "path", "model", "latents")
    assert inputs == {"particles": "002-prep"} | dict.fromkeys(names)
    assert (folder / "map.mrc").is_file()
    assert program.main(("reconstruct", "--selection", "nobody")) == 2
    assert "There is no selection 'nobody'" in capfd.readouterr().err
