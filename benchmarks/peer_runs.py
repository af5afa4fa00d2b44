"""FlexRec, cryoDRGN and RECOVAR on the same simulated particles, as bench_peers.py and bench_methods.py run them."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from chimerax.flexrec.models import open_model
from job_runs import newest_job
from motion import slug
from peer_programs import CRYODRGN, RECOVAR, PeerResult, Program, cryodrgn, recovar, state_maps

PROGRAMS = {"cryodrgn": "cryoDRGN", "recovar": "RECOVAR"}


def peer_pythons(wanted: list[str]) -> dict[str, str]:
    """The Python of each of the other programs that are wanted; those that have none are told and left out."""
    pythons = {}
    for name in (name for name in PROGRAMS if name in wanted):
        variable = f"FLEXREC_{name.upper()}_PYTHON"
        python = os.environ.get(variable, "")
        if not python:
            print(f"{PROGRAMS[name]} is not measured: name a Python that has it in {variable}")
        elif shutil.which(python) is None:
            print(f"{PROGRAMS[name]} is not measured: {variable} names {python}, which is no program")
        else:
            pythons[name] = python
    return pythons


def add_peer_options(parser: argparse.ArgumentParser) -> None:
    """What can be asked of the other programs; how long cryoDRGN runs has its defaults in the scripts."""
    parser.add_argument("--threads", type=int, default=1, help="of the other programs (default: 1)")
    parser.add_argument("--minutes", type=float, help="of a processor, for cryoDRGN")
    parser.add_argument("--cryodrgn-epochs", "--epochs", dest="epochs", type=int, help="of cryoDRGN, for --minutes")
    parser.add_argument("--cryodrgn", default="", metavar="OPTIONS", help="more words for train_vae")
    parser.add_argument("--states", type=int, nargs="*", default=[], help="RECOVAR's zdims with compute_state's maps")
    parser.add_argument("--recovar", default="", metavar="OPTIONS", help="more words for pipeline")


def own_result(train: Path, row: np.ndarray, minutes: float) -> PeerResult:
    """The project's own model, with its latents put where the simulated particles are: ``row`` of the prepared ones."""
    model = open_model(train)
    latents = np.full((row.max() + 1, model.latents.shape[1]), np.nan)
    latents[row] = model.latents
    presence = None
    if model.fading:
        presence = np.full((len(latents), len(model.fading)), np.nan)
        presence[row] = model.presence(model.latents)[:, list(model.fading)]
    record = json.loads((train / "model.json").read_text())
    what = f"latents {latents.shape[1]}, {record['epochs']} epochs"
    return PeerResult("FlexRec", what, latents, decoded(model.decode), minutes, presence)


def decoded(decode: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """A function of many latents from one of a single latent."""
    return lambda z: np.stack([decode(one) for one in z])


def run_cryodrgn(project: Path, python: str, zdim: int, arguments: argparse.Namespace) -> PeerResult:
    """Train cryoDRGN on the newest simulated particles of a project."""
    folder = project / slug(f"cryodrgn {zdim} {arguments.cryodrgn}")
    program = Program(python, CRYODRGN, folder, arguments.threads)
    star = newest_job(project, "simulate") / "particles.star"
    return cryodrgn(program, star, zdim, arguments.cryodrgn, 60 * (arguments.minutes or 0), arguments.epochs)


def run_recovar(project: Path, python: str, arguments: argparse.Namespace) -> list[PeerResult]:
    """Run RECOVAR on them, within the mask of the newest mesh: linear maps, then those of compute_state."""
    program = Program(python, RECOVAR, project / slug(f"recovar {arguments.recovar}"), arguments.threads)
    star = newest_job(project, "simulate") / "particles.star"
    mask = newest_job(project, "mesh") / "mask.mrc"
    result = recovar(program, star, mask, arguments.zdims, arguments.recovar)
    states = [
        replace(one, what=f"zdim {zdim}, compute_state", maps=state_maps(program, zdim), kernel=True)
        for one, zdim in zip(result, arguments.zdims)
        if zdim in arguments.states
    ]
    return result + states
