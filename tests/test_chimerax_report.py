"""Reports and the null test from a real ChimeraX: its commands, in a process that has no torch."""

from __future__ import annotations

import json

from chimerax.flexrec.jobs.record import read_record
from reported_jobs import add_halves, make_training


def test_a_report_is_written_and_a_null_test_is_queued(chimerax, engine_python):
    project = chimerax.new_folder()
    folder = make_training(project)
    add_halves(folder)
    chimerax.give(project)
    found = chimerax.run(f"""
import sys
from chimerax.core.logger import PlainTextLog
said = []
class Listener(PlainTextLog):
    def log(self, level, message):
        said.append(message)
        return False
session.logger.add_log(Listener())
result["path"] = str(run("flexrec report 1 project {project}"))
result["said"] = " ".join(said)
result["torch"] = "torch" in sys.modules
run("flexrec engine python {engine_python} device cpu check false")
for words in ("null model 1", "test null", ""):
    run(f"flexrec diagnose {{words}} project {project}")
result["wrong"] = sentence("flexrec report 9 project {project}")
""")
    assert found["path"].endswith("001-train/report.html") and (folder / "report.pdf").is_file()
    assert "held-out gain 31 ± 2 nats" in found["said"] and not found["torch"]
    assert "there is no job 9" in found["wrong"]
    for name, asked in (("002-diagnose", "null"), ("003-diagnose", "null"), ("004-diagnose", "quick")):
        record = read_record(project / name)
        assert record["parameters"]["test"] == [asked] and record["inputs"] == {"model": "001-train"}
    assert json.loads((folder / "halves.json").read_text())["held_out_gain"] == 31.0
