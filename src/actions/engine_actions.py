"""``flexrec engine`` and ``engine install``: which Python and device compute. Each host has its own functions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..parameters import parameter
from .action import QUEUE, WORDS, Action


@dataclass(frozen=True)
class Engine:
    """Which."""

    python: Path | None = parameter(None, help="another Python; in ChimeraX, chimerax is its own")
    device: str | None = parameter(None, needs=WORDS, help="for jobs that name none: auto, cpu, cuda:0, …")
    check: bool | None = parameter(
        None, needs=WORDS, help="let the Python compute something and say what it has; done where one is named"
    )


@dataclass(frozen=True)
class Install:
    """Where, from what."""

    folder: Path = parameter(positional=True, help="a new folder, or one where this was begun")
    python: Path | None = parameter(None, help="the Python to make it with, 3.11 or newer; if omitted, this one")
    index: str | None = parameter(None, help="where torch comes from; if omitted, what suits this computer")


SECTION = "What computes"
ACTIONS = (
    Action("engine", "Show or choose the Python (chimerax: its own) and the device that compute", None, Engine, QUEUE,
           "ChimeraX keeps the choice. Its own Python shows models, but has no torch, which jobs need. Any Python 3.11 "
           "or newer with torch and numba will do; it need not have FlexRec, since each job brings the one of this "
           "ChimeraX.", of_model=False),
    Action("engine install", "Make an environment with torch that can run jobs, in a new folder", None, Install, QUEUE,
           "It has all that jobs need, and ChimeraX chooses it. That takes several minutes, and gigabytes of disk "
           "where there is a GPU. The same command again goes on where it was interrupted.", of_model=False),
)  # fmt: skip
