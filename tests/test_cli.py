"""The terminal: options from declarations, one sentence for a mistake, quick to start."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import counting_program
import pytest
from chimerax.flexrec.cli import program
from chimerax.flexrec.cli.unknown_words import unknown_options
from chimerax.flexrec.jobs.progress import read_progress
from chimerax.flexrec.jobs.record import read_record, read_status
from chimerax.flexrec.jobs.registry import find_job

HEAVY = ("torch", "numba", "matplotlib", "gemmi", "scipy", "numpy", "mrcfile", "tqdm", "chimerax.core", "qtpy", "Qt")

@pytest.fixture
def flexrec(monkeypatch, tmp_path, capfd):
    """Run a command line in a fresh folder; gives ``(exit status, standard output, standard error)``."""
    counting_program.declare(monkeypatch.setattr)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        status = program.main(words)
        return (status, *capfd.readouterr())

    return run


def test_a_job_runs_with_the_values_given(flexrec, tmp_path):
    status, out, err = flexrec("count", "--steps", "3", "--origin", "-1,2", "--no-listens", "--seed", "5")
    assert status == 0 and out == f"{tmp_path / '001-count'}\n" and "001-count: step 3 of 3" in err
    record = read_record(tmp_path / "001-count")
    assert record["seed"] == 5
    assert record["parameters"] == {"steps": 3, "pause": 0.0, "listens": False, "origin": [-1.0, 2.0], "kind": "walk"}
    assert flexrec("after", "--count", "1")[0] == 0


def test_another_project_folder(flexrec, tmp_path):
    assert flexrec("count", "--project", "far/away")[0] == 0
    assert (tmp_path / "far/away/001-count/result.json").exists()
    status, _, err = flexrec("count", "--project", "far/away/001-count")
    assert status == 2 and f"is the folder of a job; give the project in which it lies, {tmp_path}/far/away." in err
    assert not list(tmp_path.glob("far/away/001-count/*/job.json"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["count", "--steps", "0"], "flexrec: steps is 0, but must be from 1 to 10000 steps.\n"),
        (["count", "--kind", "run"], "flexrec: kind is run, but must be one of: walk, fail, crash.\n"),
        (["count", "--stepz", "3"],
         "flexrec: unrecognized arguments: --stepz 3; is --steps meant? (see flexrec count --help)\n"),
        (["count", "--step", "3"],
         "flexrec: unrecognized arguments: --step 3; is --steps meant? (see flexrec count --help)\n"),
        (["count", "--angpix", "3"], "flexrec: unrecognized arguments: --angpix 3 (see flexrec count --help)\n"),
        (["jobs", "--steps", "3"], "flexrec: unrecognized arguments: --steps 3 (see flexrec --help)\n"),
        (["count", "--steps"], "flexrec: argument --steps: expected one argument (see flexrec count --help)\n"),
        (["count", "--resume", "4"], "it has no jobs yet.\n"),
        (["log", "4"], "it has no jobs yet.\n"),
        (["jobs", "--project", "nowhere"], "give the project's folder with --project.\n"),
        (["cuont"], "flexrec: there is no command 'cuont'; is count meant? (see flexrec --help)\n"),
        (["xyzzy"], "flexrec: there is no command 'xyzzy' (see flexrec --help)\n"),
        (["open", "."], "flexrec: open is a command of ChimeraX; in a terminal, flexrec view PROJECT shows a model.\n"),
        ([], "(see flexrec --help)\n"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(flexrec, tmp_path, words, sentence):
    status, out, err = flexrec(*words)
    assert status == 2 and out == "" and err.endswith(sentence) and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("verb", "theirs", "own"), [
    ("train", "--zdim", "--latent-dims"), ("train", "--num-epochs=9", "--epochs"), ("train", "--gpu", "--device"),
    ("train", "--latent_dims", "--latent-dims"), ("train", "--nodes", "--cluster"), ("prep", "--sym", "--symmetry"),
    ("prep", "--datadir", "--image-root"), ("simulate", "--angpix", "--pixel-size"), ("mesh", "-o", "--project"),
])  # fmt: skip
def test_an_option_of_another_program_is_answered_with_ours(verb, theirs, own):
    assert f"{theirs}; is {own} meant? (see flexrec {verb} --help)" in unknown_options([theirs], find_job(verb))


def test_a_mistake_that_the_job_finds_is_said_once(flexrec, tmp_path):
    status, _, err = flexrec("count", "--kind", "fail")
    assert status == 2 and err.count("volume.mrc has no density; give another map.") == 1
    assert read_status(tmp_path / "001-count").status == "failed"


def test_a_crash_says_where_to_read_about_it(flexrec, tmp_path):
    status, _, err = flexrec("count", "--kind", "crash")
    assert status == 1 and "Traceback" not in err
    assert err.endswith(f"ZeroDivisionError: nothing to divide by; {tmp_path / '001-count/log.txt'} says where.\n")
    assert "Traceback" in (tmp_path / "001-count/log.txt").read_text()


def test_a_stopped_job_tells_how_to_go_on_and_does(tmp_path):
    command = [sys.executable, counting_program.__file__, "count", "--project", str(tmp_path), "--pause", "0.02"]
    process = subprocess.Popen([*command, "--steps", "100"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(read_progress(tmp_path / "001-count")) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert err.endswith(f"flexrec: go on with: flexrec count --resume 001-count --project {tmp_path}\n")
    again = subprocess.run([*command, "--resume", "001-count"], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert read_status(tmp_path / "001-count").status == "done"


def test_jobs_and_log(flexrec):
    assert flexrec("jobs")[1] == "no jobs yet\n"
    flexrec("count", "--steps", "2")
    assert flexrec("jobs")[1].startswith("001-count  done")
    assert "counting from 0" in flexrec("log", "1")[1]


def test_help_names_default_unit_bounds_and_sets_advanced_options_apart(flexrec, capfd):
    with pytest.raises(SystemExit) as left:
        flexrec("count", "--help")
    text = " ".join(capfd.readouterr().out.split())
    assert left.value.code == 0
    assert "how far to count [default: 5 steps; from 1 to 10000 steps]" in text
    assert "--listens, --no-listens" in text
    assert text.index("advanced parameters:") < text.index("--origin")
    assert "[default: the newest finished count job]" in text


def test_the_real_commands_start_quickly_and_import_nothing_heavy():
    code = f"""
import sys
from chimerax.flexrec.cli import program
from chimerax.flexrec.cli.unknown_words import unknown_options
try:
    program.main(["--help"])
except SystemExit:
    pass
print(*[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
    begun = os.times()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    used = os.times()
    seconds = used.children_user + used.children_system - begun.children_user - begun.children_system
    assert done.returncode == 0 and done.stderr.strip() == ""
    assert all(word in done.stdout for word in ("simulate", "jobs", "log", "stop", "resume", "clone", "run"))
    assert seconds < 1.0


def test_version():
    done = subprocess.run([sys.executable, "-m", "chimerax.flexrec.cli", "--version"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("FlexRec ")


def test_progress_lines_are_json_for_whoever_watches(flexrec, tmp_path):
    flexrec("count", "--steps", "2")
    lines = [json.loads(line) for line in open(tmp_path / "001-count/progress.jsonl")]
    assert [(line["step"], line["total"]) for line in lines] == [(1, 2), (2, 2)]


def test_of_two_files_for_one_parameter_none_is_left_out_in_silence(flexrec, tmp_path):
    words = ("mesh", "--consensus", "a.mrc", "--consensus")
    status, _, error = flexrec(*words, "b.mrc")
    assert status != 0 and "both a.mrc and b.mrc are given" in error


def test_help_on_cloning_a_job_has_the_options_of_its_verb(flexrec):
    shown = flexrec("clone", "--help")
    assert shown[0] == 0 and "--seed" in shown[1] and "--steps" not in shown[1]
    flexrec("walk", "--steps", "2")
    shown = flexrec("clone", "1", "--help")
    assert shown[0] == 0 and "--steps" in shown[1] and "--cluster" in shown[1]
    assert flexrec("clone")[::2] == (2, "flexrec: give the JOB to clone (see flexrec clone --help)\n")


def test_a_terminal_that_takes_no_more_does_not_end_the_job(tmp_path):
    words = [sys.executable, counting_program.__file__, "count", "--steps", "30", "--pause", "0.02"]
    for closed in (" 2>&1 >/dev/null | head -1", " 2>&-", " 2>/dev/full"):
        subprocess.run(shlex.join([*words, "--project", str(tmp_path)]) + closed, shell=True, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    assert [read_status(folder).status for folder in sorted(tmp_path.glob("*-count"))] == ["done"] * 3


def test_a_terminal_without_the_letters_shows_help_all_the_same():
    around = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-m", "chimerax.flexrec.cli", "mesh", "--help"], env=around,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0 and done.stderr == "" and "\\xc5" in done.stdout


@pytest.mark.parametrize("project", ["a_file", "a_file/project", "x" * 300])
def test_a_project_that_can_be_no_folder_is_refused_in_a_sentence(flexrec, tmp_path, project):
    (tmp_path / "a_file").touch()
    status, _, err = flexrec("count", "--project", project)
    assert status == 2 and err.count("\n") == 1 and project[:100] in err


def test_a_tilde_that_the_shell_has_left_is_the_home_folder(flexrec, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert flexrec("count", "--project=~/project")[0] == 0
    assert (tmp_path / "home/project/001-count").is_dir() and not (tmp_path / "~").exists()
    status, _, err = flexrec("count", "--start-from", "~no_such_user/x.star")
    assert status == 2 and "there is no" in err


@pytest.mark.parametrize("seed", ["-1", str(2**70)])
def test_a_seed_that_no_generator_takes_makes_no_job(flexrec, tmp_path, seed):
    status, _, err = flexrec("count", "--seed", seed)
    assert status == 2 and f"seed is {seed}" in err and not list(tmp_path.iterdir())
