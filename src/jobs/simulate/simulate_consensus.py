"""The consensus map that a user would have of simulated particles: reconstructed from their images, motion unknown."""

from __future__ import annotations

import numpy as np

from ...engine.maps.backproject import BackProjector, soft_ball
from ...engine.maps.fsc import THRESHOLD, fourier_shell_correlation, last_shell
from ...particles import ImageStack, Particles, read_particles
from ...particles.observe import observe
from ...simulate.experiment import Experiment
from ...simulate.moving_molecule import MovingMolecule, filter_map
from ..job_folder import JobRun

_MOST, _BATCH = 20000, 100


def reconstruct_consensus(
    job: JobRun, moving: MovingMolecule, experiment: Experiment, group: np.ndarray
) -> tuple[np.ndarray, float]:
    """Back-project the images (at most 20,000, evenly spread) with their true poses, in every way in which the
    operators ``group`` ``(s, 3, 3)`` of a symmetric molecule allow them to be seen.

    Returns the map ``[z, y, x]``, low-passed where the FSC of two halves, inside a sphere round the molecule, falls
    below 0.143, and that resolution in Å.
    """
    particles = read_particles(job.folder / "particles.star")
    rows = np.linspace(0, len(particles) - 1, min(len(particles), _MOST)).astype(int)
    first, second = (_backproject(particles, half, experiment, group) for half in (rows[::2], rows[1::2]))
    radius = moving.radius(experiment.angles[rows[:: max(len(rows) // 20, 1)]])
    sphere = soft_ball(experiment.box, radius / experiment.pixel_size)
    curve = fourier_shell_correlation(first.map() * sphere, second.map() * sphere)
    resolution = _resolution(curve, experiment.box * experiment.pixel_size)
    return filter_map(first.merged(second).map(), experiment.pixel_size, resolution), resolution


def _backproject(
    particles: Particles, rows: np.ndarray, experiment: Experiment, group: np.ndarray
) -> BackProjector:
    box, pixel_size = experiment.box, experiment.pixel_size
    stack, projector = ImageStack(particles), BackProjector(box)
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        spectra, transfer = observe(particles, np.fft.rfft2(stack.read(part)), pixel_size, part)
        for operator in group:
            projector.insert(spectra, transfer, particles.views(part) @ operator, particles.shift[part] / pixel_size)
    return projector


def _resolution(curve: np.ndarray, extent: float) -> float:
    """Å of the last shell before the curve falls below 0.143, but no coarser than the third shell."""
    return extent / min(max(last_shell(curve, THRESHOLD), 3), len(curve) - 1)
