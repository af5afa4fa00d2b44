"""The terminal's options for jobs that are given to a cluster."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..errors import InputError
from ..jobs.queue.background import Submission

TEMPLATE = "FLEXREC_SLURM_TEMPLATE"  # the environment variable that names the template of a whole site


def add_cluster(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """The options ``--cluster``, ``--template`` and ``--cluster-set``."""
    parser.add_argument(
        "--cluster", choices=("slurm",), default=None,
        help="give the job to this scheduler and return at once; flexrec jobs shows it",
    )  # fmt: skip
    parser.add_argument(
        "--template", metavar="FILE", default=None,
        help=f"a batch script with {{fields}} (default: the one that {TEMPLATE} names, or a built-in one)",
    )  # fmt: skip
    parser.add_argument(
        "--cluster-set", metavar="NAME=VALUE", action="append", default=None,
        help="fill a field of the template: partition, account, qos, nodes, cpus, gpus, memory, time, or your own, or "
        "that of one verb's jobs (train.time); may be repeated",
    )  # fmt: skip


def submission(chosen: argparse.Namespace, several: bool = False) -> Submission | None:
    """What the options ask for, for jobs of ``several`` verbs or of one; None where they name no cluster."""
    from ..jobs.slurm.batch_script import read_settings

    if chosen.cluster is None:
        if chosen.template or chosen.cluster_set:
            raise InputError("--template and --cluster-set need --cluster slurm.")
        return None
    if chosen.background:
        raise InputError("--background and --cluster exclude each other; choose one.")
    template = chosen.template or os.environ.get(TEMPLATE)
    path = Path(template).expanduser() if template else None
    return Submission(path, read_settings(chosen.cluster_set or []), several)
