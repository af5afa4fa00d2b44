"""``flexrec engine``: what would run a job, and an environment that can."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..actions.engine_actions import Engine, Install
from .job_commands import EXIT_FAILED

if TYPE_CHECKING:
    from ..jobs.engines.engine_report import EngineReport


def show_engine(_: argparse.Namespace, asked: Engine) -> int:
    """Print the report; the exit status says whether a job can run."""
    from ..jobs.engines.engine_report import ask_python

    return _status(ask_python(_text(asked.python)))


def install_engine(_: argparse.Namespace, asked: Install) -> int:
    """Make the environment and print its report."""
    from ..jobs.engines.engine_install import install, say_step

    return _status(install(asked.folder, asked.index, _text(asked.python), say_step))


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _status(report: EngineReport) -> int:
    return 0 if report.print_report() else EXIT_FAILED


FUNCTIONS = {"engine": show_engine, "engine install": install_engine}
