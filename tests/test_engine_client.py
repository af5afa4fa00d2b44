"""The engine process as ChimeraX uses it: answers by callback, and nothing lost when the process dies."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from chimerax.flexrec.decoder_process import Engine, EngineError
from chimerax.flexrec.decoder_process import client as client
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.interface import DecodeOptions
from chimerax.flexrec.models.support import Support
from chimerax.flexrec.particles.resample import resample_box
from trained_models import BOX, PIXEL, make_trained
from waiting_for import wait_until

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
Z = (0.5, -0.25)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A train job's folder, its model as read here, and the torch flow behind it."""
    folder, flow = make_trained(tmp_path_factory.mktemp("project") / "003-train")
    return folder, open_model(folder), flow


@pytest.fixture(scope="module")
def shared(trained):
    """An engine that no test harms."""
    with Engine(backend="numpy") as engine:
        engine.call("open", {"model": "m", "path": trained[0]})
        yield engine


@pytest.fixture
def engine(trained):
    with Engine(backend="numpy") as engine:
        engine.call("open", {"model": "m", "path": trained[0]})
        yield engine


def decode(engine: Engine, z=Z) -> np.ndarray:
    return engine.call("decode", {"model": "m", "z": z}).array


def end(engine: Engine, how: int = signal.SIGKILL) -> None:
    os.kill(engine.hello["pid"], how)


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# ----- what is answered -----


def test_opening_tells_what_a_program_must_know(shared, trained):
    folder, model, _ = trained
    facts = shared.call("open", {"model": "again", "path": folder / "model.json"}).fields
    del facts["id"]
    assert facts == {
        "path": str(folder / "model.json"), "kind": "flow", "latent_dims": 2, "box": BOX, "pixel_size": PIXEL,
        "centre": [BOX // 2 * PIXEL] * 3, "epoch": 3, "epochs": 10, "particles": 300,
        "vertices": len(model.mesh.vertices), "cells": len(model.mesh.cells), "parts": 2, "anchors": [],
    }  # fmt: skip
    assert shared.hello["package"] == str(Path(client.__file__).resolve().parents[1])


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_answers_are_the_models_own_numbers(trained, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    folder, model, flow = trained
    points = np.random.default_rng(0).normal(scale=15, size=(500, 3)).astype(np.float32)
    with Engine(backend=backend) as engine:
        engine.call("open", {"model": "m", "path": folder})
        assert engine.hello["backend"] == backend
        here = model.decode(Z, DecodeOptions(backend))
        assert np.array_equal(decode(engine), here)
        with torch.no_grad():
            by_torch = model.decoder.map(flow(torch.tensor([Z])).numpy()[0], DecodeOptions(backend))
        assert np.abs(here - by_torch).max() < 1e-4 * by_torch.max()
        assert np.array_equal(engine.call("vertices", {"model": "m", "z": Z}).array, model.vertices(Z))
        many = model.latents[:7]
        for said in (engine.call("vertices", {"model": "m", "z": many}), engine.call("vertices", {"model": "m"}, many)):
            assert np.array_equal(said.array, model.vertices(many))
        wanted = model.displace(Z, points)
        assert np.array_equal(engine.call("displace", {"model": "m", "z": Z}, points).array, wanted)
        engine.call("anchor", {"model": "m", "anchor": "atoms"}, points)
        assert np.array_equal(engine.call("displace", {"model": "m", "anchor": "atoms", "z": Z}).array, wanted)


def test_both_backends_give_the_same_map(trained):
    pytest.importorskip("numba")
    maps = []
    for backend in ("numba", "numpy"):
        with Engine(backend=backend) as engine:
            engine.call("open", {"model": "m", "path": trained[0]})
            maps.append(decode(engine))
    assert np.abs(maps[0] - maps[1]).max() < 1e-4 * maps[1].max()


def test_a_coarse_map_is_the_map_at_fewer_voxels(shared):
    coarse = shared.call("decode", {"model": "m", "z": Z, "box": 16})
    assert coarse.fields["pixel_size"] == 2 * PIXEL
    wanted = resample_box(decode(shared), 16)
    assert np.corrcoef(coarse.array.ravel(), wanted.ravel())[0, 1] > 0.98
    assert coarse.array.max() == pytest.approx(wanted.max(), rel=0.1)  # a contour's level stays


def test_support_is_that_of_the_particles(shared, trained):
    z = [[0.0, 0.0], [8.0, 8.0]]
    said = shared.call("support", {"model": "m", "z": z}).fields
    support = Support.of(trained[1].latents)
    assert said["outside"] == [False, True]
    assert np.allclose(said["distance"], support.distance(np.array(z))) and said["limit"] == support.limit
    assert shared.call("support", {"model": "m", "z": z[1]}).fields["outside"] == [True]


def test_opening_again_reads_the_newer_checkpoint(tmp_path):
    folder, _ = make_trained(tmp_path / "003-train")
    with Engine(backend="numpy") as engine:
        assert engine.call("open", {"model": "m", "path": folder}).fields["epoch"] == 3
        engine.call("anchor", {"model": "m", "anchor": "atoms"}, np.ones((4, 3)))
        old = decode(engine)
        make_trained(folder, motion=0.1, epoch=4)
        assert np.array_equal(decode(engine), old)
        newer = engine.call("open", {"model": "m", "path": folder}).fields
        assert newer["epoch"] == 4 and newer["anchors"] == ["atoms"]
        assert np.array_equal(decode(engine), open_model(folder).decode(Z, DecodeOptions("numpy")))


def test_what_is_closed_is_gone(engine):
    engine.call("anchor", {"model": "m", "anchor": "atoms"}, np.ones((4, 3)))
    engine.call("close", {"model": "m", "anchor": "atoms"})
    with pytest.raises(InputError, match="no points are anchored under the name 'atoms'"):
        engine.call("displace", {"model": "m", "anchor": "atoms", "z": Z})
    engine.call("close", {"model": "m"})
    with pytest.raises(InputError, match="no model is open under the name 'm'"):
        decode(engine)
    end(engine)
    with pytest.raises(InputError, match="no model is open"):  # nor is it opened again in a new process
        decode(engine)


@pytest.mark.parametrize(
    "ask, fields, points, words",
    [
        ("guess", {}, None, "nothing called 'guess'"),
        ("open", {"model": "n", "path": "/no/such/folder"}, None, "/no/such/folder: there is no such folder"),
        ("open", {"path": "x"}, None, "model is None"),
        ("decode", {"model": "n", "z": Z}, None, "no model is open under the name 'n'"),
        ("decode", {"model": "m", "z": [1]}, None, "z has 1 numbers"),
        ("decode", {"model": "m", "z": [1, float("nan")]}, None, "not a number"),
        ("decode", {"model": "m", "z": [[1], [2, 3]]}, None, "z is no list of numbers"),
        ("decode", {"model": "m"}, None, "z has 1 numbers"),
        ("decode", {"model": "m", "z": [Z, Z]}, None, "give one"),
        ("decode", {"model": "m", "z": Z, "box": 15}, None, "box is 15"),
        ("decode", {"model": "m", "z": Z, "box": 4096}, None, "from 8 to 32"),
        ("vertices", {"model": "m", "z": [0.0] * 400_000}, None, "too many numbers for one line"),
        ("displace", {"model": "m", "z": Z}, np.zeros((2, 4)), "three numbers"),
        ("displace", {"model": "m", "z": Z, "anchor": "x"}, None, "no points are anchored under the name 'x'"),
        ("anchor", {"model": "m", "anchor": "x"}, np.full((1, 3), np.inf), "not finite"),
        ("anchor", {"model": "m", "anchor": "x"}, None, "there are no points"),
        ("anchor", {"model": "m"}, np.zeros((1, 3)), "anchor is None"),
        ("close", {"model": "m", "anchor": "x"}, None, "no points are anchored"),
    ],
)
def test_a_wrong_request_is_told_in_a_sentence(shared, ask, fields, points, words):
    pid = shared.hello["pid"]
    with pytest.raises(InputError) as error:
        shared.call(ask, fields, points)
    assert words in str(error.value) and str(error.value).endswith(".")
    assert decode(shared).shape == (BOX,) * 3 and shared.hello["pid"] == pid


# ----- when it is answered -----


def test_callbacks_run_in_deliver_and_nowhere_else(shared):
    ran = []
    number = shared.ask("ping", done=lambda answer: ran.append(threading.current_thread()))
    time.sleep(0.2)
    assert ran == [] and shared.waiting == 1
    wait_until(lambda: shared.deliver() or ran, "a ping is not answered")
    assert ran == [threading.main_thread()] and shared.waiting == 0
    assert shared.wait(number)  # which has its outcome


def test_the_last_of_a_drag_is_shown_and_stale_ones_are_not(shared, trained):
    shown, still = [], []
    for i in range(200):
        keep = lambda answer, i=i: shown.append((i, answer.array))  # noqa: E731
        shared.ask("decode", {"model": "m", "z": (i / 100, 0)}, channel="drag", done=keep)
        if i % 20 == 0:
            shared.ask("ping", done=still.append)
            shared.deliver()
    wait_until(lambda: shared.deliver() or shared.waiting == 0, "the drag does not end")
    numbers = [i for i, _ in shown]
    assert numbers == sorted(numbers) and numbers[-1] == 199 and len(numbers) < 100
    assert len(still) == 10
    model = trained[1]
    assert np.array_equal(shown[-1][1], model.decode((1.99, 0), DecodeOptions("numpy")))
    shown.clear()
    for came in (1, 2):
        shared.ask("ping", channel="drag", done=shown.append)
        wait_until(lambda came=came: shared._child._events.qsize() == came, "a ping is not answered")
    shared.deliver()
    assert len(shown) == 1 and shared.waiting == 0  # both had come before anybody looked


def test_a_cancelled_request_runs_no_callback(shared):
    ran = []
    numbers = [shared.ask("decode", {"model": "m", "z": Z}, done=ran.append, failed=ran.append) for _ in range(5)]
    for number in numbers:
        shared.cancel(number)
    assert decode(shared).shape == (BOX,) * 3
    wait_until(lambda: shared.deliver() or shared.waiting == 0, "the cancelled have no outcome")
    assert ran == []


def test_an_error_that_nobody_takes_is_raised_where_answers_are_delivered(shared):
    number = shared.ask("guess")
    with pytest.raises(InputError, match="guess"):
        shared.wait(number)
    assert shared.waiting == 0


# ----- when the process ends -----


def test_killed_at_random_moments_the_next_request_works(engine, trained):
    points = np.ones((4, 3), np.float32)
    engine.call("anchor", {"model": "m", "anchor": "atoms"}, points)
    wanted = trained[1].displace(Z, points)
    chance = random.Random(5)
    for _ in range(12):
        failures, answers = [], []
        for _ in range(50):
            engine.ask("decode", {"model": "m", "z": Z}, done=answers.append, failed=failures.append)
        time.sleep(chance.uniform(0, 0.1))
        engine.deliver()
        end(engine)
        wait_until(lambda: engine.deliver() or engine.waiting == 0, "what was under way is neither answered nor failed")
        assert len(failures) + len(answers) == 50  # what was asked a moment before the end is asked again
        assert {type(error) for error in failures} <= {EngineError}
        moved = engine.call("displace", {"model": "m", "anchor": "atoms", "z": Z}).array
        assert np.array_equal(moved, wanted)
    assert decode(engine).shape == (BOX,) * 3


def test_a_crash_is_told_with_the_process_last_words(engine):
    failures = []
    for _ in range(5):  # while one thread of the process dies, another may still answer
        engine.call("ping")
        end(engine, signal.SIGSTOP)
        number = engine.ask("ping", failed=failures.append)
        time.sleep(1.2)
        end(engine, signal.SIGSEGV)
        end(engine, signal.SIGCONT)
        engine.wait(number)
        if failures:
            break
    assert "Fatal Python error: Segmentation fault" in str(failures[0]) and failures[0].kind == "ended"


def test_what_was_long_under_way_fails_when_the_process_is_killed(engine):
    failures = []
    end(engine, signal.SIGSTOP)
    number = engine.ask("ping", failed=failures.append)
    time.sleep(1.2)
    end(engine)
    engine.wait(number)
    assert "was killed (SIGKILL" in str(failures[0]) and str(failures[0]).endswith("with the next request.")
    assert decode(engine).shape == (BOX,) * 3


def test_what_is_asked_of_a_process_just_killed_is_asked_again(engine):
    for _ in range(5):
        end(engine)
        assert decode(engine).shape == (BOX,) * 3


@pytest.mark.skipif(os.name == "nt", reason="stops a process by a signal")
def test_a_request_that_takes_too_long_ends_the_process(engine):
    pid = engine.hello["pid"]
    end(engine, signal.SIGSTOP)
    failures = []
    first = engine.ask("decode", {"model": "m", "z": Z}, failed=failures.append, limit=0.3)
    second = engine.ask("ping", failed=failures.append, limit=20)
    assert not engine.wait(first, 0.1)
    assert engine.wait(first) and engine.wait(second)
    assert [error.kind for error in failures] == ["late", "late"]
    assert "did not answer decode within 0.3 s and was ended" in str(failures[0])
    assert "asked before this" in str(failures[1])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert decode(engine).shape == (BOX,) * 3


@linux
def test_too_little_memory_is_told_and_survived(engine):
    import resource

    pid = engine.hello["pid"]
    decode(engine)
    held = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.prlimit(pid, resource.RLIMIT_AS, (held + 300_000_000,) * 2)
    with pytest.raises(EngineError, match="not enough memory for vertices") as error:
        engine.call("vertices", {"model": "m"}, np.zeros((300_000, 2)))
    assert error.value.kind == "memory"
    assert decode(engine).shape == (BOX,) * 3 and engine.hello["pid"] == pid


def test_a_model_that_has_vanished_is_named_after_a_restart(tmp_path):
    folder, _ = make_trained(tmp_path / "003-train")
    with Engine(backend="numpy") as engine:
        engine.call("open", {"model": "m", "path": folder})
        shutil.rmtree(folder)
        assert decode(engine).shape == (BOX,) * 3
        end(engine)
        with pytest.raises(InputError, match="there is no such folder"):
            decode(engine)


@linux
def test_memory_stays_flat(shared):
    pid = shared.hello["pid"]
    for _ in range(30):
        decode(shared)
    before = resident(pid), resident(os.getpid())
    for i in range(300):
        decode(shared, (i / 300, 0))
    grown = resident(pid) - before[0], resident(os.getpid()) - before[1]
    assert max(grown) < 10_000_000  # 300 maps are 39 MB


@linux
def test_closing_leaves_neither_process_nor_thread(trained):
    threads = threading.active_count()
    engine = Engine(backend="numpy")
    ran = []
    engine.call("open", {"model": "m", "path": trained[0]})
    pid = engine.hello["pid"]
    engine.ask("decode", {"model": "m", "z": Z}, done=ran.append, failed=ran.append)
    engine.close()
    assert threading.active_count() == threads and not Path(f"/proc/{pid}").exists()
    engine.deliver()
    assert ran == [] and engine.waiting == 0
    pid = engine.call("hello").fields["pid"]
    del engine
    assert threading.active_count() == threads and not Path(f"/proc/{pid}").exists()


@linux
def test_a_program_that_forgets_to_close_leaves_no_process():
    code = """
from chimerax.flexrec.decoder_process import Engine
engine = Engine(backend="numpy")
print(engine.call("hello").fields["pid"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert not Path(f"/proc/{int(done.stdout)}").exists()


# ----- which process -----


def test_a_python_that_cannot_be_used_is_told_in_a_sentence(tmp_path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    python = bare / ("Scripts" if os.name == "nt" else "bin") / "python"
    for path, words in (
        (tmp_path / "nowhere", "nowhere cannot be run"),
        (python, "it has no numpy); FlexRec's engine needs Python 3.11 or newer with numpy"),
    ):
        engine = Engine(path)
        with pytest.raises(EngineError) as error:
            engine.call("ping")
        assert words in str(error.value) and error.value.kind == "start"
        with pytest.raises(EngineError) as again:  # at once, and without another process
            engine.call("ping")
        assert str(again.value) == str(error.value)


def test_another_protocol_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setattr(client, "PROTOCOL", client.PROTOCOL + 1)
    with Engine(backend="numpy") as engine, pytest.raises(EngineError, match="restart the program") as error:
        engine.call("open", {"model": "m", "path": "."})
    assert error.value.kind == "version"


def test_our_own_files_run_whatever_the_python_has(tmp_path, monkeypatch):
    other = tmp_path / "chimerax" / "flexrec"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise SystemExit('another FlexRec')")
    (tmp_path / "wire.py").write_text("raise SystemExit('a module of the same name')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    with Engine(backend="numpy") as engine:
        said = engine.call("hello").fields
        assert said["package"] == str(Path(client.__file__).resolve().parents[1])
        if sys.platform == "linux":
            environment = Path(f"/proc/{said['pid']}/environ").read_text()
            assert "OPENBLAS_NUM_THREADS" not in environment and "PYTHONHASHSEED" not in environment
