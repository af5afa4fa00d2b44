"""Which Python runs a job, and making one that can, from a package index of stand-ins."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from chimerax.flexrec.cli.program import main
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.engines import engine_install, engine_wheel
from chimerax.flexrec.jobs.engines.engine_install import environment_python, install
from chimerax.flexrec.jobs.engines.engine_report import ask_python, missing_modules
from standin_packages import fill_index


@pytest.fixture
def packages(tmp_path, repository, monkeypatch) -> Path:
    """A folder of stand-ins for all that FlexRec needs, from which alone pip installs."""
    for name in [name for name in os.environ if name.upper().startswith("PIP_")]:
        monkeypatch.delenv(name)
    folder = fill_index(tmp_path / "packages", repository)
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", str(folder)), ("PIP_CONFIG_FILE", os.devnull)):
        monkeypatch.setenv(name, value)
    return folder


def test_this_python_can_run_a_job_and_says_with_what(capfd):
    report = ask_python()
    assert report.problem is None and report.device is not None and report.devices[-1].device == "cpu"
    assert set(report.modules) >= {"torch", "numba", "h5py"} and report.flexrec
    assert main(["engine"]) == 0
    assert f"({sys.executable})" in capfd.readouterr().out


def test_what_a_python_lacks_is_found_without_importing(tmp_path):
    bare = environment_python(tmp_path / "bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    assert missing_modules(sys.executable) == [] and {"torch", "numba", "numpy"} <= set(missing_modules(bare))
    with pytest.raises(InputError, match="cannot be run"):
        missing_modules(tmp_path / "none")


def test_programs_that_are_no_python_are_one_sentence(tmp_path):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho no good >&2\nexit 3\n")
    with pytest.raises(InputError, match="cannot be run"):
        ask_python(program)
    program.chmod(0o755)
    with pytest.raises(InputError, match="it ended with 3 and said no good"):
        ask_python(program)


@pytest.mark.parametrize(
    "said, sentence",
    [
        ({"version": "3.9.2"}, "is Python 3.9.2, but a job needs 3.11"),
        ({"broken": {"torch": "", "numba": ""}}, "has no torch, numba; flexrec engine install"),
        ({"broken": {"torch": "libcudart.so.12: no such file"}}, "cannot import torch .libcudart"),
        ({"numba_error": "no LLVM"}, "does not compile .no LLVM"),
        ({"devices": [{"device": "cpu", "name": "", "error": "illegal instruction"}]}, "does not compute .illegal"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(tmp_path, said, sentence, capsys):
    whole = {"version": "3.12.1", "flexrec": None, "modules": {}, "broken": {}, "devices": []}
    said = said if "version" in said else {**whole, "numba_error": None, **said}
    program = tmp_path / "python"
    program.write_text(f"#!{sys.executable}\nimport json\nprint(json.dumps({said!r}))\n")
    program.chmod(0o755)
    with pytest.raises(AssertionError, match=sentence):
        raise AssertionError(ask_python(program).problem)
    assert main(["engine", "--python", str(program)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_environment_is_made_finished_and_made_whole_again(packages, tmp_path, capfd, monkeypatch):
    folder = tmp_path / "my engine"
    (packages / "hidden").mkdir()
    numba = next(packages.glob("numba-*.whl")).rename(packages / "hidden" / "numba-0.68.1-py3-none-any.whl")
    assert main(["engine", "install", str(folder)]) == 2
    said = capfd.readouterr()
    assert "3 of 3: FlexRec" in said.out and "run the same command again" in said.err.splitlines()[-1]
    assert "has no numpy" in ask_python(environment_python(folder)).problem
    numba.rename(packages / numba.name)
    assert main(["engine", "install", str(folder)]) == 0
    said = capfd.readouterr()
    assert "device   cpu (3 threads)" in said.out and "Jobs can run with this Python" in said.out
    # killed in the middle of torch: what pip takes for whole is not
    next(folder.rglob("site-packages/torch.py")).unlink()
    engine_install._write_mark(folder, "torch")
    assert install(folder).problem is None


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(InputError, match="is not empty and no environment of FlexRec's"):
        install(tmp_path)
    with pytest.raises(InputError, match="is a file"):
        install(tmp_path / "thesis.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_torch_without_a_driver_comes_from_the_cpu_index(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(engine_install.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(engine_install, "visible_gpus", lambda: ())
    assert engine_install._index_words(None) == ["--index-url", engine_install.CPU_INDEX]
    assert engine_install._index_words("file:///wheels") == ["--index-url", "file:///wheels"]
    monkeypatch.setattr(engine_install, "visible_gpus", lambda: ("0",))
    assert engine_install._index_words(None) == []


def test_the_packed_wheel_holds_the_files_that_run_now(tmp_path, repository):
    with zipfile.ZipFile(engine_wheel.pack_wheel(tmp_path)) as archive:
        assert archive.testzip() is None
        packed = {name: archive.read(name) for name in archive.namelist() if name.endswith(".py")}
    assert packed == {
        f"chimerax/flexrec/{path.relative_to(repository / 'src').as_posix()}": path.read_bytes()
        for path in (repository / "src").rglob("*.py")
    }
