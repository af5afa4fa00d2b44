"""``flexrec jobs``, ``log``, ``report``, ``watch``, ``stop``, ``resume``, ``clone``, ``run``: jobs, seen and steered.

ChimeraX starts them in the background and shows links, a terminal runs them and waits: each has its own functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..parameters import parameter
from .action import OPTIONS, QUEUE, VIEW, WORDS, Action, NoParameters


@dataclass(frozen=True)
class Project:
    """Of which project; a terminal has the option for all its commands."""

    project: Path | None = parameter(
        None, needs=WORDS, help="its folder; if omitted, that of the open models, or the current folder"
    )


@dataclass(frozen=True)
class JobName(Project):
    """Which job."""

    job: str = parameter(positional=True, help="3, 003-train, or a path")


@dataclass(frozen=True)
class Log(JobName):
    """How much of it."""

    lines: int = parameter(30, low=1, needs=WORDS, help="so many, the last ones")
    follow: bool = parameter(False, needs=OPTIONS, help="go on printing until the job ends")


@dataclass(frozen=True)
class Stop(JobName):
    """How fast."""

    now: bool = parameter(False, needs=WORDS, help="end it at once; it can be resumed from its last checkpoint")
    grace: float = parameter(
        60.0, low=0, unit="s", needs=OPTIONS, help="time to write a checkpoint, after which the job is ended"
    )


@dataclass(frozen=True)
class Clone(JobName):
    """What else is another one."""

    seed: int | None = parameter(None, low=0, needs=WORDS, help="of all random numbers; if omitted, the other job's")


@dataclass(frozen=True)
class Recipe(Project):
    """Which recipe."""

    recipe: Path = parameter(positional=True, help="a TOML file with a table per job: [prep], [mesh], [train]")


def _action(words: str, synopsis: str, parameters: type, about: str, needs: str = QUEUE) -> Action:
    return Action(words, synopsis, None, parameters, needs, about, of_model=False)


SECTION = "Looking after jobs"
ACTIONS = (
    _action("jobs", "List the jobs of a project", Project,
            "How far they are, how long they took, why they wait or have failed."),
    _action("log", "Show what a job has logged", Log, "Where it failed, also what its process said."),
    _action("report", "Write the report of a job, say what it says, and show it", JobName,
            "Is the motion real, and how is that known; what became of the map, and why; how each number was made. A "
            "training, a reconstruction and a null test write report.html and report.pdf into their folders when they "
            "end; this writes both again, also while a training runs."),
    _action("watch", "Follow a job in the status line until it ends; open models of it are kept current", JobName,
            "The Log says when it ends. If the model of a training is open, it is read again whenever there is a newer "
            "epoch: map, mesh, arrows and followers stay at the same point. Without a window the command waits.", VIEW),
    _action("stop", "Stop a job so that it can be resumed", Stop,
            "It writes a checkpoint and ends, or is taken out of the queue."),
    _action("cancel", "End what is computed beside the window: a comparison, clusters, a selection by ångströms",
            NoParameters,
            "The status line says how far it is. Nothing of it is kept. In a script such commands wait for their "
            "result instead. Jobs are ended by flexrec stop.", VIEW),
    _action("resume", "Go on with a job that was stopped, failed or was killed", JobName,
            "It has the parameters that it began with."),
    _action("clone", "Start a job like another one; parameters of its kind that are given are changed", Clone,
            "It has the parameters, inputs and seed of the other one, but for those that are given."),
    _action("run", "Start all jobs of a recipe, a TOML file with a table per job", Recipe,
            "Each table has the parameters of its job as in the terminal (latent_dims = 2). Everything is checked "
            "before the first one starts."),
)  # fmt: skip
