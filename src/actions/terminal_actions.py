"""``flexrec view`` and ``flexrec completion``: what is begun in a terminal alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..parameters import parameter
from .action import OPTIONS, Action


@dataclass(frozen=True)
class View:
    """What is looked at."""

    path: Path = parameter(
        Path("."), positional=True, help="a project, a train job, or another program's results, as for flexrec open"
    )


@dataclass(frozen=True)
class Completion:
    """For which program."""

    shell: str = parameter("bash", choices=("bash", "zsh"), positional=True, help="the shell")


SECTION = "In a terminal"
ACTIONS = (
    Action("view", "Look at a trained model: the plot of its latents, and slices of the map at any point of it", None,
           View, OPTIONS, "It is the panel of ChimeraX in a window of its own.", of_model=False),
    Action("completion", "Print a script that lets a shell complete FlexRec's commands and options", None, Completion,
           OPTIONS, "In bash: source <(flexrec completion).", of_model=False),
)  # fmt: skip
