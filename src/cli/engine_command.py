"""``flexrec engine``: what would run a job, and an environment that can."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..actions.engine_actions import Engine, Install
from .job_commands import EXIT_FAILED, complain


def show_engine(_: argparse.Namespace, asked: Engine) -> int:
    """Print the report; the exit status says whether a job can run."""
    from ..jobs.engines.engine_report import ask_python

    return _show(ask_python(_text(asked.python)))


def install_engine(_: argparse.Namespace, asked: Install) -> int:
    """Make the environment and print its report."""
    from ..jobs.engines.engine_install import install

    return _show(install(asked.folder, asked.index, _text(asked.python), _say))


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _say(text: str) -> None:
    print(f"flexrec: {text}", flush=True)


def _show(report: Any) -> int:
    print("\n".join(report.lines()), flush=True)
    return 0 if report.problem is None else complain(report.problem, EXIT_FAILED)


FUNCTIONS = {"engine": show_engine, "engine install": install_engine}
