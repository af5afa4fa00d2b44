"""Run a ``simulate`` job: read the molecule, draw the particles, write images, truth and maps."""

from __future__ import annotations

import os

import numpy as np

from ...errors import InputError
from ...particles.symmetry import operators
from ...simulate.experiment import Experiment, gain
from ...simulate.moving_molecule import MovingMolecule
from ...simulate.simulated_images import signal_variance
from ..declare import given_without_use, refuse_without_use
from ..job_folder import JobRun
from .simulate_design import design, read_assembly
from .simulate_parameters import SIMULATE, SimulateParameters, without_use
from .simulate_write import write_consensus, write_images, write_maps, write_particles, write_picture, write_truth

HARMLESS = ("resolution", "noise_ratio", "states")  # without use they are no contradiction, and are only told


def run(parameters: SimulateParameters, job: JobRun) -> None:
    """Write particles.mrcs, particles.star, the truth, maps and a picture into the job's folder."""
    causes = without_use(vars(parameters))
    harmless = {name: causes.pop(name) for name in HARMLESS if name in causes}
    refuse_without_use(SIMULATE, parameters, causes)
    for sentence in given_without_use(SIMULATE, parameters, harmless):
        job.log(f"{sentence}.")
    assembly = read_assembly(parameters)
    molecule, hinges, part = assembly.molecule, assembly.hinges, assembly.part
    experiment = design(parameters, assembly, job.seed)
    moving = MovingMolecule.build(molecule, hinges, part=part)
    _check_fits(moving, experiment)
    scale = gain(signal_variance(moving, experiment), experiment.snr)
    moving = MovingMolecule.build(molecule, hinges, scale, part)
    job.log(f"{molecule.name}: {len(molecule)} points, {len(hinges)} hinge(s); density scaled by {scale:.4g}")
    if experiment.absent is not None:
        for dropped, share in zip(assembly.dropped, experiment.absent.mean(axis=0), strict=True):
            job.log(f"{100 * share:.0f} % of the particles lack {dropped.selection}")
    write_truth(job, assembly, moving, experiment, scale, parameters.symmetry)
    write_maps(job, molecule, moving, experiment)
    write_particles(job, experiment)
    if write_images(job, moving, experiment, parameters.threads or os.cpu_count() or 1):
        job.log(f"{len(experiment)} images of {experiment.box} pixels written")
        write_consensus(job, moving, experiment, operators(parameters.symmetry))
        write_picture(job, moving, experiment)


def _check_fits(moving: MovingMolecule, experiment: Experiment) -> None:
    """The molecule must stay inside the box in every state, or it would come in again on the other side."""
    rows = np.linspace(0, len(experiment) - 1, min(len(experiment), 64)).astype(int)
    radius = moving.radius(experiment.angles[rows]) + float(np.linalg.norm(experiment.shift, axis=1).max())
    half = experiment.box * experiment.pixel_size / 2
    if radius > half:
        raise InputError(
            f"box: the molecule reaches {radius:.0f} Å from the centre with its shifts and the box only {half:.0f} Å; "
            f"make box or pixel_size larger (box × pixel_size at least {2 * radius:.0f} Å)."
        )
