"""Run a ``simulate`` job: read the molecule, draw the particles, write images, truth and maps."""

from __future__ import annotations

import os

import numpy as np

from ..engine.simulate.experiment import (
    Experiment,
    draw_defocus,
    draw_states,
    draw_views,
    gain,
    signal_variance,
)
from ..engine.simulate.hinges import parse_hinges
from ..engine.simulate.igg import build_igg
from ..engine.simulate.molecule import MODEL_SUFFIXES, Molecule, read_labelled_map, read_model
from ..engine.simulate.moving import MovingMolecule
from ..errors import InputError
from .simulate_write import write_consensus, write_images, write_maps, write_particles, write_picture, write_truth


def run(parameters, job) -> None:
    """Write particles.mrcs, particles.star, the truth, maps and a picture into the job's folder."""
    molecule = read_molecule(parameters)
    hinges = parse_hinges(hinge_text(parameters), molecule)
    experiment = design(parameters, hinges, job.seed)
    moving = MovingMolecule.build(molecule, hinges)
    _check_fits(moving, experiment)
    scale = gain(signal_variance(moving, experiment), experiment.snr)
    moving = MovingMolecule.build(molecule, hinges, scale)
    job.log(f"{molecule.name}: {len(molecule)} points, {len(hinges)} hinge(s); density scaled by {scale:.4g}")
    write_truth(job, molecule, moving, experiment, scale)
    write_maps(job, molecule, moving, experiment)
    write_particles(job, experiment)
    if write_images(job, moving, experiment, parameters.threads or os.cpu_count() or 1):
        job.log(f"{len(experiment)} images of {experiment.box} pixels written")
        write_consensus(job, moving, experiment)
        write_picture(job, moving, experiment)


def read_molecule(parameters) -> Molecule:
    """The molecule that was asked for."""
    path = parameters.molecule
    if path is None:
        return build_igg(parameters.resolution)
    if path.suffix.lower() in MODEL_SUFFIXES:
        return read_model(path, parameters.resolution)
    if parameters.labels is None:
        raise InputError(f"{path}: a map moves by its labels; give labels, an MRC that names the part of each voxel.")
    return read_labelled_map(path, parameters.labels)


def hinge_text(parameters) -> str:
    """What moves, as `parse_hinges` reads it."""
    if parameters.hinges:
        return parameters.hinges
    if parameters.molecule is not None:
        raise InputError("hinges: say what moves in this molecule, for instance 'A: ±15' (or 'rigid').")
    return "fab1: ±15"


def design(parameters, hinges, seed: int) -> Experiment:
    """Draw every particle's state, pose and optics."""
    count = parameters.particles
    angles, state = draw_states(hinges, count, parameters.states, seed)
    if parameters.poses is None:
        rotation, shift = draw_views(count, parameters.shift, seed)
        defocus = draw_defocus(count, _span(parameters.defocus), parameters.astigmatism, seed)
    else:
        rotation, shift, defocus = _given_poses(parameters.poses, count)
    return Experiment(
        angles, state, rotation, shift, defocus, parameters.box, parameters.pixel_size, parameters.voltage,
        parameters.spherical_aberration, parameters.amplitude_contrast, parameters.snr, parameters.noise_ratio, seed,
    )  # fmt: skip


def _span(defocus: tuple[float, ...]) -> tuple[float, float]:
    if len(defocus) != 2 or not defocus[0] <= defocus[1]:
        raise InputError(f"defocus: {defocus} must be two rising numbers, the least and the greatest underfocus in Å.")
    return defocus[0], defocus[1]


def _given_poses(path, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Poses, shifts and defocus of ``count`` particles of a file, starting over where it has fewer."""
    from ..particles import read_particles

    given = read_particles(path)
    given = given.take(np.arange(count) % len(given))
    for name in ("rotation", "shift", "defocus"):
        if not np.isfinite(getattr(given, name)).all():
            raise InputError(f"{path}: some particles have no {name}; give refined particles with poses and CTF.")
    return given.rotation, given.shift, given.defocus


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
