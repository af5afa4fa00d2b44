"""Maps under motion: from images as they were recorded, beside the rigid map, against the true maps."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from chimerax.flexrec.cli.program import main as flexrec
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.reconstruct.full_images import open_full_images
from chimerax.flexrec.jobs.reconstruct.reconstruct_parameters import RECONSTRUCT
from chimerax.flexrec.jobs.reconstruct.reconstruct_run import run
from chimerax.flexrec.jobs.reports.reconstruction_report import reconstruction_page, resolutions
from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles import ImageStack
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.particles.resample import resample_box
from chimerax.flexrec.simulate import load_truth

pytestmark = pytest.mark.blank_pictures()

BOX, SMALL, PIXEL = 48, 32, 6.0


def say(project, words: str) -> None:
    assert flexrec([*shlex.split(words), "--project", str(project)]) == 0


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Particles of 48 pixels with a hinge, trained at 32."""
    folder = tmp_path_factory.mktemp("moving") / "project"
    say(folder, f"simulate --particles 700 --box {BOX} --pixel-size {PIXEL} --snr 0.3 --hinges 'fab1: ±25'")
    say(folder, f"prep --particles {folder}/001-simulate --box {SMALL}")
    say(folder, f"mesh --consensus {folder}/001-simulate/consensus.mrc")
    say(folder, "train --latent-dims 1 --epochs 4 --device cpu --poses fixed --junk keep")
    return folder


def reconstruct(project, name, **values):
    """Run the job in a folder of that name in the project; returns the folder."""
    folder = project / name
    folder.mkdir(exist_ok=True)
    given = {"particles": project / "002-prep", "model": project / "004-train", "device": "cpu"}
    run(RECONSTRUCT.build(given | values), JobRun(folder))
    return folder


@pytest.fixture(scope="module")
def full(project):
    return reconstruct(project, "full")


def likeness(truth, volume, alike, model=None):
    """Correlation with the true map of ``alike`` particles, inside what moves, of a map or what a model makes of it."""
    angles = truth.angles[alike].mean(axis=0)
    if model is not None:
        volume = model.with_map(volume, PIXEL).decode(model.latents[alike].mean(axis=0))
    inside = truth.moving.moving_mask(angles, BOX, PIXEL) > 0.5
    return np.corrcoef(volume[inside], truth.moving.map_at(angles, BOX, PIXEL)[inside])[0, 1]


def test_maps_under_motion_show_what_the_rigid_map_smears(project, full):
    model = open_model(project / "004-train")
    moved, pixel_size = read_map(full / "map.mrc")
    rigid, _ = read_map(full / "rigid_map.mrc")
    assert pixel_size == pytest.approx(PIXEL) and moved.shape == (BOX,) * 3 == rigid.shape
    truth = load_truth(project / "001-simulate")
    order = np.argsort(truth.angles[:, 0])
    for alike in (order[60:80], order[-80:-60]):
        own, other = likeness(truth, moved, alike, model), likeness(truth, rigid, alike)
        assert own > 0.85 and own > other + 0.2, (own, other)


def test_the_record_and_the_report_tell_motion_and_rest_apart(full):
    record = json.loads((full / "reconstruct.json").read_text())
    moved, rigid = (record["solved"][kind]["explained"] for kind in ("moved", "rigid"))
    assert moved > rigid + 5 and record["solved"]["moved"]["passes"] <= 9
    assert record["masked_resolution_0.143"] <= record["rigid"]["masked_resolution_0.143"]
    page = reconstruction_page(full)
    assert f"explained {moved - rigid:.1f} nats better" in page.sentence
    assert len(resolutions(record)) == 1 + len(record["part_resolution_0.143"]) > 2


def test_recorded_images_are_brought_to_what_prep_would_have_made_of_them(project, tmp_path):
    say(project, f"prep --particles {project}/001-simulate --box {BOX}")
    whole = load_prepared(max(project.glob("*-prep")))
    images = open_full_images(open_trained(project / "004-train"), load_prepared(project / "002-prep"), None,
                              JobRun(tmp_path))  # fmt: skip
    rows = np.arange(40)
    assert (images.box, images.pixel_size) == (BOX, pytest.approx(PIXEL))
    ours, theirs = images._stack.read(rows), ImageStack(whole.particles).read(rows)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999
    np.testing.assert_allclose(images.whitening[0, 1:], whole.filter[0, 1:], rtol=0.05)


def test_preps_own_box_needs_no_other_files_and_gives_the_same_map_coarser(project, full):
    small = reconstruct(project, "small", box=SMALL, twin=False)
    assert not (small / "rigid_map.mrc").exists()
    coarse, _ = read_map(small / "map.mrc")
    fine = resample_box(read_map(full / "map.mrc")[0], SMALL)
    assert np.corrcoef(coarse.ravel(), fine.ravel())[0, 1] > 0.95


def test_a_killed_job_goes_on_to_the_same_maps(project, full):
    say_project = [sys.executable, "-m", "chimerax.flexrec.cli", "reconstruct", "--project", str(project)]
    words = ["--particles", str(project / "002-prep"), "--model", str(project / "004-train"), "--device", "cpu"]
    process = subprocess.Popen([*say_project, *words], env=os.environ | {"OMP_NUM_THREADS": "1"},
                               stdout=subprocess.DEVNULL)  # fmt: skip
    until = time.monotonic() + 240
    while not (kept := list(project.glob("*-reconstruct/moved.npz"))) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    folder = kept[0].parent
    assert not (folder / "map.mrc").exists()
    assert flexrec(["resume", folder.name, "--project", str(project)]) == 0
    assert "going on after" in (folder / "log.txt").read_text()
    for name in ("half1.mrc", "rigid_half2.mrc"):
        ours, theirs = (read_map(each / name)[0] for each in (folder, full))
        np.testing.assert_allclose(ours, theirs, atol=1e-3 * np.abs(theirs).max())


def test_two_processes_come_to_the_maps_of_one(project, full, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    say(project, f"reconstruct --particles {project}/002-prep --model {project}/004-train --device cpu")
    several = max(project.glob("*-reconstruct"))
    assert json.loads((several / "status.json").read_text())["device"] == "cpu, 2 processes"
    for name in ("half1.mrc", "rigid_half2.mrc"):
        ours, theirs = (read_map(each / name)[0] for each in (several, full))
        np.testing.assert_allclose(ours, theirs, atol=1e-3 * np.abs(theirs).max())


def test_what_does_not_belong_together_is_said_in_a_sentence(project, tmp_path):
    def refused(match, **values):
        with pytest.raises(InputError, match=match):
            reconstruct(project, f"refused {match[:8]}", **values)

    refused("box 47: must be even, at least 16 and at most the 48 pixels", box=47)
    refused("box 96", box=96)
    other = project / "099-prep"
    shutil.copytree(project / "002-prep", other)
    refused("was trained on the particles of 002-prep, not on those of 099-prep; say --particles 002-prep",
            particles=other)  # fmt: skip
    shutil.rmtree(other)
    gone = project / "001-simulate" / "particles.mrcs"
    gone.rename(tmp_path / "particles.mrcs")
    try:
        refused("particles.mrcs")
    finally:
        (tmp_path / "particles.mrcs").rename(gone)
