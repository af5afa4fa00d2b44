"""Training from a copy of the images on another disk, and from memory: the same numbers, and no half copies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.job_folder import STOP_REQUEST, JobRun
from chimerax.flexrec.jobs.progress import read_progress
from chimerax.flexrec.jobs.train.stack_cache import cached
from chimerax.flexrec.jobs.train.stack_copy import copy_of
from chimerax.flexrec.jobs.train.train_images import ready_images
from chimerax.flexrec.jobs.train.train_parameters import TRAIN
from chimerax.flexrec.jobs.train.train_run import run
from chimerax.flexrec.particles.prepared import load_prepared
from test_particles_stack import particles, write
from test_train import SMALL, flexrec, make_project

pytestmark = pytest.mark.blank_pictures()

QUICK = (*SMALL, "--epochs", 1, "--start", "modes", "--seed", 5, "--device", "cpu")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A project with a training of one pass, 004-train, that read its images where prep wrote them."""
    project = make_project(tmp_path_factory.mktemp("cache") / "project", "fab1: ±25", 120, 3, box=32)
    assert flexrec(project, "train", *QUICK) == 0
    return project


@pytest.fixture
def project(trained, tmp_path) -> Path:
    return shutil.copytree(trained, tmp_path / "project")


def outputs(job: Path) -> dict[str, bytes]:
    """What a training wrote, but for times (figures and the first 1024 bytes of maps have some)."""
    written = {path.name: path.read_bytes() for path in job.iterdir() if path.suffix in (".npz", ".mrc")}
    written = {name: data[1024:] if name.endswith(".mrc") else data for name, data in written.items()}
    del written["training.npz"]  # holds images per second
    return {**written, "model.json": (job / "model.json").read_bytes()}


def copies(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.mrcs"))


def log(job: Path) -> str:
    return (job / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("asked", [("--in-memory",), ("--cache", "--in-memory")])
def test_the_numbers_are_the_same_wherever_images_are_read(project, tmp_path, asked):
    words = [word for name in asked for word in ((name, tmp_path / "fast") if name == "--cache" else (name,))]
    assert flexrec(project, "train", *QUICK, *words) == 0
    assert outputs(project / "005-train") == outputs(project / "004-train")
    said = log(project / "005-train")
    assert ("Copied 0.00 GB of images to" in said) == ("--cache" in asked)
    assert ("GB of images in memory" in said) == ("--in-memory" in asked)


def test_a_training_really_reads_the_copy_and_a_second_one_uses_it_again(project, tmp_path):
    assert flexrec(project, "train", *QUICK, "--cache", tmp_path / "fast") == 0
    (copy,) = copies(tmp_path / "fast")
    before = copy.stat()
    prepared = project / "002-prep" / "particles.mrcs"
    assert copy.read_bytes() == prepared.read_bytes()
    state = prepared.stat()
    prepared.write_bytes(bytes(state.st_size))  # what is read from here now is no stack
    os.utime(prepared, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert flexrec(project, "train", *QUICK, "--cache", tmp_path / "fast") == 0
    after = copy.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert "already" in log(project / "006-train") and "Copied" not in log(project / "006-train")
    assert outputs(project / "006-train") == outputs(project / "004-train")


def test_several_processes_read_the_copy(project, tmp_path):
    words = (*SMALL, "--epochs", 1, "--start", "modes", "--devices", "cpu,cpu", "--cache", tmp_path / "fast")
    assert flexrec(project, "train", *words, "--in-memory") == 0
    said = log(project / "005-train")
    assert said.count("Copied") == 1 and said.count("in memory") == 1 and len(copies(tmp_path / "fast")) == 1
    with np.load(project / "005-train" / "latents.npz") as file:
        assert np.isfinite(file["z"]).all() and len(file["z"]) == 120


# ----- what is taken as a copy -----


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "slow"
    folder.mkdir()
    return write(folder / "a.mrcs", np.random.default_rng(0).normal(size=(50, 8, 8)).astype(np.float32))


def check_progress(done: int, total: int) -> None:
    assert 0 <= done <= total


def put(source: Path, folder: Path, progress=check_progress) -> Path:
    """The copy of a stack, made or found."""
    made = cached(particles([source], [0] * 50, range(50)), folder, progress).stacks[0]
    assert made.parent == folder
    return made


def test_a_copy_that_was_cut_is_made_anew(source, tmp_path):
    copy = put(source, tmp_path / "fast")
    os.truncate(copy, 5000)
    assert put(source, tmp_path / "fast").read_bytes() == source.read_bytes()


def test_a_copy_without_a_word_of_its_source_is_made_anew(source, tmp_path):
    copy = put(source, tmp_path / "fast")
    for spoiled in ("", "[]", "{}", "nonsense"):
        copy.with_name(copy.name + ".json").write_text(spoiled)
        copy.write_bytes(bytes(source.stat().st_size))
        assert put(source, tmp_path / "fast").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_source_that_was_replaced_is_copied_anew(source, tmp_path, change):
    copy, state = put(source, tmp_path / "fast"), source.stat()
    source.write_bytes(source.read_bytes()[::-1] + (b"more" if change == "size" else b""))
    when = state.st_mtime_ns + (0 if change == "size" else 10**7)
    os.utime(source, ns=(when, when))
    assert put(source, tmp_path / "fast") == copy
    assert copy.read_bytes() == source.read_bytes()


def test_stacks_of_one_name_have_a_copy_each(source, tmp_path):
    (tmp_path / "other").mkdir()
    other = shutil.copy2(source, tmp_path / "other" / "a.mrcs")
    both = particles([source, other, tmp_path / "never named.mrcs"], [0, 1], [0, 0])
    first, second, unused = cached(both, tmp_path / "fast", check_progress).stacks
    assert first != second and first.exists() and second.exists() and unused == tmp_path / "never named.mrcs"


def test_who_leaves_half_way_leaves_nothing_that_is_taken_as_whole(source, tmp_path):
    class Left(Exception):
        pass

    def leave(done, total):
        assert list((tmp_path / "fast").glob(".*.part.mrcs"))
        raise Left

    with pytest.raises(Left):
        put(source, tmp_path / "fast", leave)
    assert not list((tmp_path / "fast").glob("*.mrcs")) and not list((tmp_path / "fast").glob(".*.part*"))
    assert put(source, tmp_path / "fast").read_bytes() == source.read_bytes()


def test_what_a_killed_process_left_is_swept_away_once_it_is_old(source, tmp_path):
    name = copy_of(source, tmp_path / "fast").path.stem
    (tmp_path / "fast").mkdir()
    old, growing = (tmp_path / "fast" / f".{name}.{pid}.part.mrcs" for pid in (1, 2))
    old.write_bytes(b"half")
    growing.write_bytes(b"half")
    os.utime(old, (time.time() - 1000,) * 2)
    assert put(source, tmp_path / "fast").read_bytes() == source.read_bytes()
    assert not old.exists() and growing.exists()


@pytest.mark.parametrize("devices", [(), ("cpu", "cpu")])
def test_a_training_that_is_stopped_while_it_copies_leaves_in_good_order(trained, tmp_path, devices):
    inputs = {"particles": trained / "002-prep", "mesh": trained / "003-mesh", "device": "cpu", "devices": devices}
    job = JobRun(tmp_path / "job")
    job.folder.mkdir()
    (job.folder / STOP_REQUEST).touch()
    run(TRAIN.build({**inputs, "cache": str(tmp_path / "fast")}), job)
    assert job.stop_seen and "Stopped" in log(job.folder) and not copies(tmp_path / "fast")
    assert read_progress(job.folder)[-1]["stage"] == "MB copied"


COPYING = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from chimerax.flexrec.jobs.train.stack_cache import cached
from test_particles_stack import particles
which = particles([Path(sys.argv[1])], [0], [0])
for _ in range(20):
    told = []
    copy = cached(which, Path(sys.argv[2]), lambda done, total: None, told.append).stacks[0]
    assert copy.read_bytes() == Path(sys.argv[1]).read_bytes()
    print(told[0].split()[0], flush=True)
"""


def test_processes_that_copy_at_once_do_not_harm_each_other(tmp_path):
    source, folder = tmp_path / "a.mrcs", tmp_path / "fast"
    write(source, np.random.default_rng(0).normal(size=(5000, 32, 32)).astype(np.float32))
    words = [sys.executable, "-c", COPYING, source, folder, Path(__file__).parent]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [line for process in running for line in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in running] == [0, 0, 0] and len(said) == 60
    assert said.count("Copied") == 1


# ----- what cannot be -----


def refused(project: Path, capsys, *words: object) -> str:
    assert flexrec(project, "train", *QUICK, *words) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    left = {path.name for path in (project / "005-train").iterdir()}
    assert left <= {"job.json", "status.json", "log.txt", ".lock", ".alive"}
    return said


def test_a_full_disk_is_told_before_anything_is_copied(project, tmp_path, capsys, monkeypatch):
    Usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**9, 10**9 - 10**5, 10**5))
    assert "0.00 GB free and the images need 0.00 GB" in refused(project, capsys, "--cache", tmp_path / "fast")
    assert not copies(tmp_path / "fast")


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("{tmp}/file/fast", "cannot be written (Not a directory)"),
        ("fast", "is no full path on this computer"),
        ("$FLEXREC_NO_SUCH_VARIABLE/fast", "is no full path on this computer"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="other words there")
def test_a_folder_that_cannot_be_is_refused_in_a_sentence(project, tmp_path, capsys, folder, sentence):
    (tmp_path / "file").write_text("")
    assert sentence in refused(project, capsys, "--cache", folder.format(tmp=tmp_path))


def test_variables_are_those_of_the_computer_that_runs_the_job(project, tmp_path, monkeypatch):
    monkeypatch.setenv("FLEXREC_FAST", str(tmp_path))
    assert flexrec(project, "train", *QUICK, "--cache", "$FLEXREC_FAST/disk") == 0
    assert copies(tmp_path / "disk")
    asked = json.loads((project / "005-train" / "job.json").read_text())
    assert asked["parameters"]["cache"] == "$FLEXREC_FAST/disk"


def test_images_that_do_not_fit_into_memory_are_refused(trained):
    held = load_prepared(trained / "002-prep").particles
    parameters = TRAIN.build({"in_memory": True})
    assert ready_images(parameters, held, 1) is held
    with pytest.raises(InputError, match=r"need 100000000 times 0.00 GB and \d+\.\d\d GB of memory are to be had"):
        ready_images(parameters, held, 10**8)
