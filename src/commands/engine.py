"""``flexrec engine`` and ``flexrec engine install``: which Python and device compute, and making one that can."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from ..actions.engine_actions import Engine, Install
from ..errors import InputError
from ..jobs.engines.engine_install import environment_python, install_command, install_environment
from ..jobs.engines.engine_report import EngineReport, ask_python
from ..scene.background_work import follow_process, work_in_background
from ..scene.engine_choice import check_device, choose_device, choose_python, chosen_device
from ..scene.settings import engine_python
from .session_scene import SessionScene


def show_engine(scene: SessionScene, asked: Engine) -> dict:
    """Show the Python and the device that compute, or choose others; ``check`` lets the Python compute something."""
    session = scene.session
    if asked.device is not None:
        check_device(asked.device)
    if asked.python is not None:
        choose_python(session, str(asked.python))
    if asked.device is not None:
        choose_device(session, asked.device)
    now = {"python": engine_python(session), "device": chosen_device(session)}
    session.logger.info(f"Python {now['python']}, device {now['device']}")
    if asked.check or (asked.check is None and asked.python is not None):
        work_in_background(
            session, lambda: ask_python(now["python"]), lambda *outcome: _say_report(session, *outcome)
        )
    return now


def _say_report(session, report: EngineReport | None, error: Exception | None) -> None:
    if report is None:
        session.logger.warning(str(error))
        return
    session.logger.info("\n".join(report.lines()))
    if report.problem:
        session.logger.warning(report.problem)


def install_engine(scene: SessionScene, asked: Install) -> Path:
    """Make an environment that can run jobs, in the background; it is chosen when it is ready."""
    from chimerax.core.python_utils import chimerax_python_executable

    session, where = scene.session, asked.folder.absolute()
    maker = str(asked.python or chimerax_python_executable())
    output = Path(tempfile.mkdtemp(prefix="flexrec-install-")) / "output.txt"
    try:
        with open(output, "wb") as file:
            process = _start(install_command(maker, where, asked.index), file)
    except InputError:
        shutil.rmtree(output.parent)
        raise

    def done(status: int) -> None:
        shutil.rmtree(output.parent, ignore_errors=True)
        if status != 0:
            session.logger.warning(f"{where} is not ready: see above, and give the same command again to go on.")
            return
        choose_python(session, str(environment_python(where)))
        session.logger.info(f"{where} is ready, and runs FlexRec's jobs from now on.")

    session.logger.info(f"making an environment in {where}: several minutes, and gigabytes where there is a GPU")
    follow_process(session, process, output, done)
    return where


def _start(command: list[str], output) -> subprocess.Popen:
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=install_environment(command[0]),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
    except OSError as error:
        raise InputError(f"{command[0]} cannot be run ({error.strerror}); give the path of a Python.") from error


FUNCTIONS = {"engine": show_engine, "engine install": install_engine}
