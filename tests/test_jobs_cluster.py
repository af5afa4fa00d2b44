"""Jobs given to Slurm: script, submission, list and end; against stand-ins, and Slurm itself where there is one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import standin_slurm
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.listing import job_lines
from chimerax.flexrec.jobs.queue import background, dispatch
from chimerax.flexrec.jobs.queue.background import Submission
from chimerax.flexrec.jobs.queue.queue_file import read_queue
from chimerax.flexrec.jobs.record import read_json, read_status
from chimerax.flexrec.jobs.slurm import cluster
from chimerax.flexrec.jobs.slurm.batch_script import (
    DEFAULT,
    fill_template,
    read_settings,
    read_template,
    settings_of_job,
)
from chimerax.flexrec.jobs.slurm.slurm_programs import submit_environment
from waiting_for import counting_project, flexrec, wait_for_state, wait_for_step, wait_until

SLOW = {"steps": 500, "pause": 0.02}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with blanks and quotes in its name."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
    with counting_project(tmp_path, monkeypatch, "Müllers Projekt № 2 'β' $HOME") as folder:
        yield folder


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """The stand-ins' memory; they come first on the PATH."""
    folder = tmp_path / "memory"
    folder.mkdir()
    standin_slurm.install(tmp_path / "bin")
    monkeypatch.setenv("SBATCH_STANDIN", str(folder))
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "64")  # as inside a job: not to be handed on
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(cluster, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(cluster, "_QUIET_SECONDS", 0.0)
    yield folder
    for path in folder.glob("*.pid"):
        try:
            os.killpg(int(path.read_text()), signal.SIGKILL)
        except ProcessLookupError:
            continue


def give(project: Path, verb: str = "walk", how: Submission | None = None, **values) -> Path:
    return background.submit_to_cluster(verb, values, project, 0, how or Submission())


def end(memory: Path, number: int) -> None:
    os.killpg(int((memory / f"{number}.pid").read_text()), signal.SIGKILL)
    wait_until(lambda: not standin_slurm._lives(str(number)), "the job is gone")


@pytest.fixture(autouse=True)
def the_same_memory(request, monkeypatch):
    if "memory" in request.fixturenames:
        monkeypatch.setattr(standin_slurm, "MEMORY", request.getfixturevalue("memory"))


def test_a_job_is_given_runs_and_is_listed_all_along(project, memory):
    (memory / "hold").touch()
    done = flexrec(project, "walk", "--kind", "wait", "--cluster", "slurm", "--cluster-set", "cpus=2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "001-walk\n", "")
    folder = project / "001-walk"
    assert read_json(folder / "slurm.json")["job"] == "1"
    assert "--cpus-per-task=2\n" in (folder / "slurm.sh").read_text()
    assert job_lines(project) == ["001-walk  queued   on slurm as job 1"]
    dispatch.start_next(project)  # the local queue leaves it alone
    assert job_lines(project) == ["001-walk  queued   on slurm as job 1"] and not (memory / "1.began").exists()
    (memory / "hold").unlink()
    wait_for_step(folder, 2)
    assert f"[on {os.uname().nodename}]" in flexrec(project, "jobs").stdout
    (folder / "go").touch()
    wait_for_state(folder, "done")
    wait_until(lambda: read_queue(project) == [], "the queue forgets it")
    assert "given to slurm as job 1" in (folder / "log.txt").read_text()
    assert (folder / "output.txt").read_text() == ""


def test_a_running_job_is_stopped_and_goes_on_with_the_same_numbers(project, memory, tmp_path):
    folder = give(project, steps=60, kind="wait")
    wait_for_step(folder, 2)
    assert flexrec(project, "stop", "1").stdout == "001-walk stopped\n"
    assert (memory / "scancel").read_text() == "--signal=TERM --batch 1\n"
    (folder / "go").touch()
    done = flexrec(project, "resume", "1", "--cluster", "slurm")
    assert (done.returncode, done.stdout) == (0, "001-walk\n"), done.stderr
    wait_for_state(folder, "done")
    assert read_json(folder / "slurm.json")["job"] == "2"
    whole = give(project, steps=60)
    wait_for_state(whole, "done")
    assert (folder / "result.json").read_bytes() == (whole / "result.json").read_bytes()


def test_a_waiting_job_is_stopped_at_once(project, memory):
    (memory / "hold").touch()
    folder = give(project)
    assert flexrec(project, "stop", "1").stdout == "001-walk stopped\n"
    assert (memory / "scancel").read_text() == "1\n" and read_queue(project) == []
    assert "stopped before it began" in (folder / "log.txt").read_text()


@pytest.mark.parametrize("state", ["", "OUT_OF_MEMORY"])
def test_a_job_that_ended_without_a_word_is_noticed(project, memory, state, monkeypatch):
    folder = give(project, **SLOW)
    wait_for_step(folder, 1)
    if state:
        (memory / "accounting").write_text(state)
    end(memory, 1)
    background.start_next(project)
    assert read_status(folder).status == "stopped" and read_queue(project) == []
    if state:
        assert "(OUT_OF_MEMORY)" in (folder / "log.txt").read_text() + job_lines(project)[0]


def test_a_job_that_never_began_is_noticed(project, memory):
    (memory / "hold").touch()
    folder = give(project)
    end(memory, 1)
    background.start_next(project)
    assert "slurm's job 1 ended before the job began" in job_lines(project)[0] and read_queue(project) == []
    (memory / "hold").unlink()
    background.resume(folder)
    wait_for_state(folder, "done")


def test_a_job_waits_for_another_on_the_cluster(project, memory):
    first = give(project, steps=30, pause=0.02)
    second = background.submit_to_cluster("after", {"count": first}, project, 0, Submission())
    assert "--dependency=afterok:1\n--kill-on-invalid-dep=yes" in (memory / "2.words").read_text()
    wait_for_state(second, "done")
    stopped = give(project, **SLOW)
    third = background.submit_to_cluster("after", {"count": stopped}, project, 0, Submission())
    wait_for_step(stopped, 1)
    background.stop(stopped)
    wait_for_state(third, "failed")
    assert "needs 003-walk, which was stopped" in read_status(third).error


def test_what_waits_in_the_local_queue_is_not_waited_for(project, memory):
    first = background.submit("walk", SLOW, project)
    with pytest.raises(InputError, match="needs 001-walk, which is not done and not on slurm"):
        background.submit_to_cluster("after", {"count": first}, project, 0, Submission())
    assert [entry.job for entry in read_queue(project)] == ["001-walk"] and not (project / "002-after").exists()


def test_refusals_leave_nothing(project, memory, monkeypatch):
    (memory / "refuse").write_text("Batch job submission failed: Invalid partition name specified")
    done = flexrec(project, "walk", "--cluster", "slurm")
    assert done.returncode == 2 and "Invalid partition name specified; change the template" in done.stderr
    assert "Traceback" not in done.stderr and sorted(path.name for path in project.glob("0*")) == []
    (memory / "refuse").unlink()
    folder = give(project, **SLOW)
    wait_for_step(folder, 1)
    background.stop(folder)
    wait_until(lambda: background.has_ended(folder), "it ends")
    before = read_status(folder)
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(InputError, match="there is no sbatch on this computer"):
        background.resubmit_to_cluster(folder, Submission())
    assert read_status(folder) == before and read_queue(project) == []


def test_a_given_job_is_not_run_twice(project, memory):
    (memory / "hold").touch()
    give(project)
    for words in (["resume", "1"], ["walk", "--resume", "1"], ["resume", "1", "--background"]):
        done = flexrec(project, *words)
        assert done.returncode == 2 and "001-walk" in done.stderr
    assert "already queued" in flexrec(project, "resume", "1", "--cluster", "slurm").stderr


def test_a_job_that_slurm_starts_anew_goes_on(project, memory, monkeypatch):
    folder = give(project, steps=80, pause=0.02)
    wait_for_step(folder, 2)
    os.killpg(int((memory / "1.pid").read_text()), signal.SIGTERM)  # preempted, as Slurm would
    wait_until(lambda: read_status(folder).status == "stopped" and read_queue(project) == [], "it ends")
    again = os.environ | {"SLURM_JOB_ID": "1", "SLURM_RESTART_COUNT": "1"}
    subprocess.run(["bash", str(folder / "slurm.sh")], env=again, cwd=project, check=True, timeout=60)
    assert read_status(folder).status == "done" and read_queue(project) == []


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("#!/bin/bash\nexec {command}\n#SBATCH --x={partishun}\n", "line 3: the field {partishun} is unknown"),
        ("#!/bin/bash\necho {name}\n", "does not run the job; give it a last line"),
        ("exec {command}\n", "is no script"),
        ("#!/bin/bash\necho {memory}\n{command}\n", "line 2: {memory} has no value"),
    ],
)
def test_mistakes_in_a_template_are_one_sentence(project, memory, tmp_path, text, sentence):
    (tmp_path / "template.sh").write_text(text)
    done = flexrec(project, "walk", "--cluster", "slurm", "--template", str(tmp_path / "template.sh"))
    assert done.returncode == 2 and sentence in done.stderr and len(done.stderr.splitlines()) == 1
    assert list(project.glob("0*")) == [] and not list(memory.iterdir())


def test_a_template_of_ones_own(tmp_path):
    path = tmp_path / "template.sh"
    head = "#!/bin/bash\n#SBATCH -p {partition}\n#SBATCH --mail-user={mail}\n"
    path.write_text(head + "awk '{{print}}' ${name}\n{command}\n")
    settings = read_settings(["mail=a@b.c"])
    text = fill_template(read_template(path), str(path), tmp_path / "it's/003-train", "/usr/bin/python3", settings)
    lines = text.splitlines()
    assert lines[:3] == ["#!/bin/bash", "#SBATCH --mail-user=a@b.c", "awk '{print}' ${name}"]
    assert lines[3].startswith("/usr/bin/python3 ") and lines[3].endswith("'\"'\"'s/003-train'")
    with pytest.raises(InputError, match="has no field {qos}"):
        fill_template(text, "t", tmp_path / "003-train", "python", {"qos": "x"})
    for wrong in ("gpus", "gpus=two", "train.gpus=x", "train.=1", "name=x", "a b=1", "time=1\n2"):
        with pytest.raises(InputError, match="--cluster-set"):
            read_settings([wrong])


def test_the_built_in_template_asks_for_what_was_set():
    folder = Path("/p/003-train")
    assert "--gpus-per-node=2\n" in fill_template(DEFAULT, "", folder, "python", {"gpus": "2"})
    assert "gpus" not in fill_template(DEFAULT, "", folder, "python", {"gpus": "0"})


def test_the_job_is_not_given_this_computers_gpus(monkeypatch):
    for name in ("FLEXREC_GPUS", "CUDA_VISIBLE_DEVICES", "SLURM_MEM_PER_NODE", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("SBATCH_ACCOUNT", "lab")
    given = submit_environment("/usr/bin/python3")
    assert given["SBATCH_ACCOUNT"] == "lab" and "PATH" in given
    assert not set(given) & {"FLEXREC_GPUS", "CUDA_VISIBLE_DEVICES", "SLURM_MEM_PER_NODE", "OPENBLAS_NUM_THREADS"}


RECIPE = """
[[walk]]
steps = 20
pause = 0.02
[[walk]]
device = "cpu"
kind = "{kind}"
[[after]]
[[after]]
count = "walk.1"
"""


def test_a_recipe_is_given_each_job_after_those_that_it_needs(project, memory, tmp_path):
    (memory / "hold").touch()
    (tmp_path / "recipe.toml").write_text(RECIPE.format(kind="walk"))
    settings = ["--cluster-set", "time=10", "--cluster-set", "after.time=1", "--cluster-set", "gpus=2"]
    done = flexrec(project, "run", str(tmp_path / "recipe.toml"), "--cluster", "slurm", *settings)
    names = ["001-walk", "002-walk", "003-after", "004-after"]
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, names, "")
    orders = [(memory / f"{number}.words").read_text().splitlines()[1:-1] for number in (1, 2, 3, 4)]
    assert orders[:2] == [[], []] and orders[2] == ["--dependency=afterok:2", "--kill-on-invalid-dep=yes"]
    assert orders[3][0] == "--dependency=afterok:1"
    (memory / "hold").unlink()
    scripts = [(project / name / "slurm.sh").read_text() for name in names]
    assert ["--time=10\n" in script for script in scripts] == [True, True, False, False]
    assert ["--time=1\n" in script for script in scripts] == [False, False, True, True]
    assert ["--gpus-per-node=2\n" in script for script in scripts] == [True, True, False, False]
    for name in names:
        wait_for_state(project / name, "done")


def test_what_needs_a_failed_job_fails_with_a_sentence(project, memory, tmp_path):
    (memory / "hold").touch()
    (tmp_path / "recipe.toml").write_text(RECIPE.format(kind="fail"))
    assert flexrec(project, "run", str(tmp_path / "recipe.toml"), "--cluster", "slurm").returncode == 0
    (memory / "hold").unlink()
    wait_for_state(project / "004-after", "done")
    wait_until(lambda: background.start_next(project) or read_queue(project) == [], "the queue forgets it")
    assert job_lines(project)[2] == (
        "003-after  failed   003-after needs 002-walk, which has failed (volume.mrc has no density; give another map); "
        "resume that one first, then this one."
    )


def test_a_recipe_that_slurm_refuses_leaves_nothing(project, memory, tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE.format(kind="walk"))
    words = ["run", str(tmp_path / "recipe.toml"), "--cluster", "slurm"]
    assert "no field {qoz}" in flexrec(project, *words, "--cluster-set", "after.qoz=1").stderr
    (memory / "refuse").write_text("Invalid partition name specified")
    assert flexrec(project, *words).returncode == 2 and not list(project.glob("0*"))


def test_settings_of_other_jobs_and_nodes_that_a_job_cannot_use_are_refused(project, memory):
    assert settings_of_job("train", {"nodes": "2", "train.nodes": "3", "prep.cpus": "8"}, True) == {"nodes": "3"}
    assert settings_of_job("prep", {"nodes": "2", "gpus": "1", "prep.cpus": "8"}, True) == {"cpus": "8"}
    with pytest.raises(InputError, match="--cluster-set train.gpus: this is a prep job; leave it out"):
        settings_of_job("prep", {"train.gpus": "1"}, False)
    done = flexrec(project, "walk", "--cluster", "slurm", "--cluster-set", "nodes=2")
    assert "walk computes on one node" in done.stderr and list(project.glob("0*")) == []


@pytest.mark.parametrize("program", ["none", "off"])
def test_without_accounting_the_folder_tells(project, memory, program, tmp_path):
    sacct = tmp_path / "bin" / "sacct"
    sacct.unlink()
    if program == "off":
        sacct.write_text("#!/bin/sh\necho 'Slurm accounting storage is disabled' >&2\nexit 1\n")
        sacct.chmod(0o755)
    folder = give(project, steps=20, pause=0.01)
    wait_for_state(folder, "done")
    background.start_next(project)
    assert read_status(folder).status == "done"
    killed = give(project, **SLOW)
    wait_for_step(killed, 1)
    end(memory, 2)
    background.start_next(project)
    assert job_lines(project)[1].endswith("slurm's job 2 ended without a word") and read_queue(project) == []


@pytest.fixture
def slurm():
    idle = shutil.which("sinfo") and subprocess.run(["sinfo", "-h", "-t", "idle"], capture_output=True, timeout=20)
    if not idle or idle.returncode or not idle.stdout.strip():
        pytest.skip("no Slurm with an idle node on this computer")


def test_slurm_itself_runs_stops_and_resumes_a_job(project, slurm):
    how = Submission(settings={"cpus": "1", "gpus": "0"})
    folder = give(project, how=how, steps=60, pause=0.05)
    wait_for_step(folder, 2)
    assert flexrec(project, "stop", "1").stdout == "001-walk stopped\n"
    background.resubmit_to_cluster(folder, how)
    wait_for_state(folder, "done")


def test_slurm_itself_takes_out_what_needs_a_failed_job(project, slurm, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_LOOK_SECONDS", 1.0)
    (tmp_path / "recipe.toml").write_text(RECIPE.format(kind="fail"))
    settings = ["--cluster-set", "cpus=1", "--cluster-set", "gpus=0"]
    done = flexrec(project, "run", str(tmp_path / "recipe.toml"), "--cluster", "slurm", *settings)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: background.start_next(project) or read_queue(project) == [], "the queue forgets it", 150)
    assert "003-after needs 002-walk, which has failed" in job_lines(project)[2]
    assert [read_status(project / name).status for name in ("001-walk", "004-after")] == ["done", "done"]
