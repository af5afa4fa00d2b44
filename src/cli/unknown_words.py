"""Commands and options that are not there: what is said of them, and which is meant."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from ..actions.action import CHIMERAX
from ..actions.action_registry import host_actions
from ..jobs.declare import Job

# as RELION, cryoSPARC and cryoDRGN call it: which of ours, of those that a job has
_OF_OTHERS = {
    "angpix": ("pixel-size",), "apix": ("pixel-size",), "psize": ("pixel-size",),
    "i": ("particles",), "num-particles": ("particles",), "map": ("consensus",), "volume": ("consensus",),
    "ref": ("consensus",), "box-size": ("box",), "downsample": ("box",), "d": ("box",), "new-box": ("box",),
    "datadir": ("image-root",), "sym": ("symmetry",), "particle-diameter": ("radius",), "diameter": ("radius",),
    "zdim": ("latent-dims",), "dims": ("latent-dims",), "k": ("latent-dims",), "num-classes": ("latent-dims",),
    "classes": ("latent-dims",), "num-epochs": ("epochs",), "n": ("epochs", "particles"), "iter": ("epochs",),
    "lr": ("learning-rate",), "gpu": ("device",), "lazy": ("in-memory",), "scratch-dir": ("cache",),
    "lambda": ("rigidity",), "masks": ("bodies",), "num-cells": ("coarseness",), "tetra-num-cells": ("coarseness",),
    "nodes": ("cluster",), "queue": ("cluster",),
    "o": ("project",), "outdir": ("project",), "output": ("project",), "j": ("threads", "workers"),
}  # fmt: skip
_RUNNING = ("project", "seed", "resume", "background", "cluster")


def unknown_command(word: str, commands: Collection[str]) -> str:
    """What is said of a command line's first word, which is none of the ``commands``."""
    if word in {words.split()[0] for words in host_actions(CHIMERAX)}:
        return f"{word} is a command of ChimeraX; in a terminal, flexrec view PROJECT shows a model."
    close = get_close_matches(word, commands, 1)
    hint = f"; is {close[0]} meant?" if close else ""
    return f"there is no command {word!r}{hint} (see flexrec --help)"


def unknown_options(words: Sequence[str], job: Job | None) -> str:
    """What is said of the words of a command line that were left over; ``job`` is None of another command."""
    own = "" if job is None else _closest_option(next((word for word in words if word.startswith("-")), ""), job)
    hint = f"; is --{own} meant?" if own else ""
    where = "flexrec" if job is None else f"flexrec {job.verb}"
    return f"unrecognized arguments: {' '.join(words)}{hint} (see {where} --help)"


def _closest_option(word: str, job: Job) -> str:
    """The option of a job that a word may stand for; empty where there is none."""
    names = [option.option.removeprefix("--") for option in job.options()] + list(_RUNNING)
    name = word.partition("=")[0].lstrip("-").replace("_", "-").lower()
    if name in _OF_OTHERS:
        return next((own for own in _OF_OTHERS[name] if own in names), "")
    return next(iter(get_close_matches(name, names, 1, 0.75)), "")
