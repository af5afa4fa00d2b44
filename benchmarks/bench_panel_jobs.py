"""The panel's jobs: how long a reading of 50 jobs takes, what it costs the window, and memory over 1,000 refreshes.

Needs the extra ``[panel]``; runs off screen.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
from chimerax.flexrec.panel.jobs.job_control import LocalJobControl
from chimerax.flexrec.panel.jobs.jobs_panel import JobsPanel
from chimerax.flexrec.panel.jobs.project_watch import JobReader, read_project
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QApplication

JOBS, REFRESHES = 50, 1000


def write_project(project: Path) -> None:
    """Fifty jobs, the last a training that is stopped half-way."""
    for number in range(1, JOBS + 1):
        folder = project / f"{number:03d}-train"
        folder.mkdir()
        record = {"verb": "train", "parameters": {}, "inputs": {}, "seed": 0}
        (folder / "job.json").write_text(json.dumps(record))
        status = {"status": "done" if number < JOBS else "stopped", "started": 1e9, "ended": 1e9 + number}
        (folder / "status.json").write_text(json.dumps(status))
        (folder / "log.txt").write_text("a line of a log\n" * 200)
        grow(folder, range(200))


def grow(folder: Path, epochs: range) -> None:
    """More epochs of a training."""
    known = {"total": 100_000, "stage": "64 pixels", "rigid_misfit": 500.0, "amplitude": 2.0, "energy": 1e-3}
    with open(folder / "progress.jsonl", "a") as file:
        for e in epochs:
            file.write(json.dumps(known | {"step": e, "epoch": 1 + e / 100, "misfit": 480 - e / 100}) + "\n")


def milliseconds(call, times: int = 50) -> float:
    """The median time of a call."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def main() -> None:
    """Print the numbers."""
    app = QApplication([])
    with tempfile.TemporaryDirectory() as place:
        project = Path(place)
        write_project(project)
        tab = JobsPanel(LocalJobControl(), project)
        tab.watch.end()
        tab.resize(560, 860)
        tab.show()
        training = project / f"{JOBS:03d}-train"
        reader = JobReader(training)
        tab.show_project(read_project(project, None))
        tab.table.choose(training)
        tab.pages.setCurrentWidget(tab.curve)
        print(f"a reading of {JOBS} jobs, in its thread: {milliseconds(lambda: read_project(project, reader)):.1f} ms")
        same = read_project(project, None)
        print(f"showing a reading that has nothing new: {milliseconds(lambda: tab.show_project(same)):.2f} ms")
        image = QImage(1200, 800, QImage.Format.Format_RGB32)
        process, sizes = psutil.Process(), []
        for k in range(REFRESHES):
            grow(training, range(200 + 5 * k, 205 + 5 * k))
            (training / "log.txt").open("a").write("another line\n")
            if k % 10 == 0:
                image.fill(k)
                image.save(str(training / "latents.png"))
            tab.show_project(read_project(project, reader))
            app.processEvents()
            if k >= 100 and k % 100 == 0:
                sizes.append(process.memory_info().rss / 2**20)
        text = ", ".join(f"{size:.1f}" for size in sizes)
        print(f"memory over {REFRESHES} refreshes, after the first hundred: {text} MiB")
        print(f"grown by {100 * (sizes[-1] / sizes[0] - 1):.1f} %")


main()
