"""``flexrec engine`` and ``flexrec engine install``: which Python and device compute, and making one that can."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from chimerax.core.commands import BoolArg, CmdDesc, FileNameArg, StringArg

from ..errors import InputError
from ..jobs.engines.engine_install import environment_python, install_command, install_environment
from ..jobs.engines.engine_report import EngineReport, ask_python
from ..scene.engine_choice import OWN, check_device, choose_device, choose_python, chosen_device
from ..scene.settings import engine_python
from .background_work import follow_process, meanwhile


def flexrec_engine(session, python: str | None = None, device: str | None = None, check: bool | None = None) -> dict:
    """Show the Python and the device that compute, or choose others; ``check`` lets the Python compute something."""
    if device is not None:
        check_device(device)
    if python is not None:
        choose_python(session, python)
    if device is not None:
        choose_device(session, device)
    now = {"python": engine_python(session), "device": chosen_device(session)}
    session.logger.info(f"Python {now['python']}, device {now['device']}")
    if check or (check is None and python is not None):
        meanwhile(session, lambda: ask_python(now["python"]), lambda *said: _say_report(session, *said))
    return now


def _say_report(session, report: EngineReport | None, error: Exception | None) -> None:
    if report is None:
        session.logger.warning(str(error))
        return
    session.logger.info("\n".join(report.lines()))
    if report.problem:
        session.logger.warning(report.problem)


def flexrec_engine_install(session, folder: str, python: str | None = None, index: str | None = None) -> Path:
    """Make an environment that can run jobs, in the background; it is chosen when it is ready."""
    from chimerax.core.python_utils import chimerax_python_executable

    where = Path(folder).expanduser().absolute()
    maker = python or chimerax_python_executable()
    output = Path(tempfile.mkdtemp(prefix="flexrec-install-")) / "output.txt"
    try:
        with open(output, "wb") as file:
            process = _start(install_command(maker, where, index), file)
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


def commands() -> list[tuple]:
    """Words, description and function of each."""
    return [
        ("engine", CmdDesc(
            keyword=[("python", FileNameArg), ("device", StringArg), ("check", BoolArg)],
            synopsis=f"Show or choose the Python ({OWN}: its own) and the device that compute"), flexrec_engine),
        ("engine install", CmdDesc(
            required=[("folder", FileNameArg)], keyword=[("python", FileNameArg), ("index", StringArg)],
            synopsis="Make an environment with torch that can run jobs, in a new folder"), flexrec_engine_install),
    ]  # fmt: skip
