"""Jobs that are started, followed, stopped, resumed and cloned in a real ChimeraX."""

from __future__ import annotations

import os

from chimerax.flexrec.jobs.record import read_record, read_status
from standin_packages import fill_index

SIMULATE = "flexrec simulate particles 40 box 32 pixelSize 8 threads 1"


def test_jobs_run_beside_chimerax_in_a_python_without_flexrec(chimerax, engine_python):
    project = chimerax.new_folder()
    found = chimerax.run(
        f"""
run("cd {project}")
run("flexrec engine python {engine_python} device cpu check false")
first = run("{SIMULATE}")
second = run("{SIMULATE} seed 3 snr 0.2")
result["queued"] = [state["state"] for state in run("flexrec jobs")]
run("flexrec stop 2")
result["stopped"] = [state["state"] for state in run("flexrec jobs")]
third = run("flexrec clone 2 particles 30 seed 4")
run("flexrec stop 3")
result["ended"] = run("flexrec watch 1")["state"]
result["log"] = run("flexrec log 1")
run("flexrec resume 2")
run("flexrec stop 2 now true")
result["now"] = [state["state"] for state in run("flexrec jobs")]
result["wrong"] = sentence("flexrec stop 1")
""",
    )
    assert found["queued"][1] == "queued" and found["stopped"][1] == "stopped"
    assert found["ended"] == "done", (project / "001-simulate" / "output.txt").read_text()
    assert "done after" in found["log"] and "nothing to stop" in found["wrong"]
    assert found["now"] == ["done", "stopped", "stopped"]
    assert (project / "001-simulate" / "particles.star").is_file()
    assert read_status(project / "001-simulate").device in (None, "cpu")
    cloned = read_record(project / "003-simulate")
    assert (cloned["parameters"]["particles"], cloned["parameters"]["snr"], cloned["seed"]) == (30, 0.2, 4)


def test_selected_particles_are_reconstructed_and_their_map_is_opened(chimerax, engine_python):
    project = chimerax.new_folder()
    found = chimerax.run(
        f"""
from pathlib import Path
import numpy as np
from chimerax.flexrec.particles.prepared import particles_identity
from chimerax.flexrec.particles.selection import make_selection, save_selection
run("cd {project}")
run("flexrec engine python {engine_python} device cpu check false")
run("{SIMULATE} snr 0.5")
run("flexrec prep particles 001-simulate workers 1")
run("flexrec watch 2")
prep = Path("{project}") / "002-prep"
save_selection(prep.parent, make_selection("some of them", np.arange(30), 40, particles_identity(prep)))
folder = run('flexrec reconstruct selection "some of them"')
result["ended"] = run("flexrec watch 3")["state"]
(volume,) = run(f"open {{folder}}/map.mrc name {{Path(folder).name}}")
result["map"] = [volume.name, *volume.data.size, *volume.data.step, *volume.data.origin]
run("flexrec reconstruct selection nobody")
result["wrong"] = run("flexrec watch 4")["message"]
""",
    )
    assert found["ended"] == "done", (project / "003-reconstruct" / "output.txt").read_text()
    assert found["map"] == ["003-reconstruct", 32, 32, 32, 8, 8, 8, 0, 0, 0]
    assert "no selection 'nobody'" in found["wrong"] and "it has some of them" in found["wrong"]


def test_an_engine_reports_what_it_has_and_is_remembered(chimerax, engine_python):
    found = chimerax.run(f"""
from chimerax.core.logger import PlainTextLog
said = []
class Heard(PlainTextLog):
    def log(self, level, text):
        said.append(text)
        return False
log = Heard()
session.logger.add_log(log)
result["now"] = run("flexrec engine python {engine_python} check true")
result["said"] = "".join(said)
""")
    assert found["now"]["python"] == engine_python
    assert "Jobs can run with this Python, on" in found["said"] and "torch" in found["said"]
    again = chimerax.run("result['now'] = run('flexrec engine')")
    assert again["now"]["python"] == engine_python
    chimerax.run("run('flexrec engine python chimerax check false')")


def test_an_engine_is_installed_and_chosen(chimerax, repository, monkeypatch):
    here = chimerax.new_folder()
    for name in [name for name in os.environ if name.upper().startswith("PIP_")]:
        monkeypatch.delenv(name)
    index = fill_index(here / "packages", repository)
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", str(index)), ("PIP_CONFIG_FILE", os.devnull)):
        monkeypatch.setenv(name, value)
    chimerax.give(here)
    found = chimerax.run(f"""
result["wrong"] = sentence("flexrec engine install {here}/engine python /nowhere/python")
run("flexrec engine install {here}/engine")
result["now"] = run("flexrec engine check true")
result["again"] = sentence("flexrec engine python /nowhere/python")
run("flexrec engine python chimerax check false")
""")
    assert "cannot be run" in found["wrong"] and "there is no file" in found["again"]
    assert found["now"]["python"] == str(here / "engine" / "bin" / "python")
