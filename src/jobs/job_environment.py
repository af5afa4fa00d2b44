"""The environment of a background job: what any child of ours is given, and the GPUs it may use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..environment import passed_environment
from .queue.slots import GPUS, visible_gpus


def worker_environment(
    python: Path | str, gpu: str | None = None, around: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment in which ``python`` runs a job; ``gpu`` names the only GPU that it shall see.

    ``around`` is the environment to take from (this process' own if None).
    """
    around = os.environ if around is None else around
    passed = passed_environment(python, around)
    gpus = ",".join(visible_gpus(around))
    if gpus:
        # the worker starts the next job, which may have another GPU: it must know of all of them
        passed |= {GPUS: gpus, "CUDA_VISIBLE_DEVICES": gpus if gpu is None else gpu}
        passed.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    return passed
