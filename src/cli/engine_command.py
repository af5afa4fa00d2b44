"""``flexrec engine``: what would run a job, and an environment that can."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .job_commands import EXIT_FAILED, complain


def add_engine(commands: Any) -> None:
    """The commands ``engine`` and ``engine install``."""
    engine = commands.add_parser("engine", help="tell which Python, torch and device run a job", allow_abbrev=False)
    engine.add_argument("--python", metavar="PATH", default=None, help="ask another Python (default: this one)")
    engine.set_defaults(command=show_engine)
    more = engine.add_subparsers(metavar="install", parser_class=type(engine))
    install = more.add_parser("install", help="make an environment that can run jobs", allow_abbrev=False)
    install.add_argument("folder", metavar="DIR", help="a new folder, or one where this was begun")
    install.add_argument("--index", metavar="URL", help="where torch comes from (default: what suits this computer)")
    install.add_argument(
        "--python", metavar="PATH", default=argparse.SUPPRESS,
        help="the Python to make it with, 3.11 or newer (default: this one)",
    )  # fmt: skip
    install.set_defaults(command=install_engine)


def show_engine(chosen: argparse.Namespace) -> int:
    """Print the report; the exit status says whether a job can run."""
    from ..jobs.engines.engine_report import ask_python

    return _show(ask_python(chosen.python))


def install_engine(chosen: argparse.Namespace) -> int:
    """Make the environment and print its report."""
    from ..jobs.engines.engine_install import install

    return _show(install(Path(chosen.folder).expanduser(), chosen.index, chosen.python, _say))


def _say(text: str) -> None:
    print(f"flexrec: {text}", flush=True)


def _show(report: Any) -> int:
    print("\n".join(report.lines()), flush=True)
    return 0 if report.problem is None else complain(report.problem, EXIT_FAILED)
