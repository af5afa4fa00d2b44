"""The rigid and the oracle reconstruction of simulated particles bracket what a model can reach."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.engine.simulate import load_truth
from chimerax.flexrec.jobs.folder import JobRun
from chimerax.flexrec.jobs.simulate import SIMULATE
from chimerax.flexrec.jobs.simulate_run import run
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.prepared import Prepared

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from reference_maps import PreparedTruth, oracle_maps, reconstruct, rigid_map  # noqa: E402
from score import fsc_curve, score_maps  # noqa: E402


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """1,500 images of an antibody whose first Fab swings by 50 degrees, whitened by nothing."""
    folder = tmp_path_factory.mktemp("job")
    values = {"particles": 1500, "box": 32, "pixel_size": 9.0, "resolution": 12.0, "snr": 0.5, "hinges": "fab1: ±25"}
    run(SIMULATE.build(values | {"threads": 1}), JobRun(folder))
    particles = read_particles(folder / "particles.star")
    prepared = Prepared(particles, 32, 9.0, np.ones(17, np.float32), folder)
    return PreparedTruth(prepared, load_truth(folder), np.arange(1500))


def test_oracle_beats_rigid_in_the_moving_part_and_nearly_reaches_the_truth(data):
    ends = np.array([data.angles[:, 0].argmin(), data.angles[:, 0].argmax()])
    rigid, oracle = rigid_map(data), oracle_maps(data)
    blind = score_maps(data.truth, data.angles[ends], [rigid, rigid], 9.0)
    seeing = score_maps(data.truth, data.angles[ends], [oracle(row) for row in ends], 9.0)
    assert seeing.moving_area > blind.moving_area + 0.05
    assert seeing.moving_area > 0.9 * 15 / 32


def test_reconstruction_of_rigid_particles_is_the_mean_map(data):
    mean = data.truth.map_at(data.angles[:300], 32, 9.0)
    poses = data.prepared.particles
    assert fsc_curve(mean, reconstruct(data, poses.rotation, poses.shift))[1:12].mean() > 0.95
    wrong = poses.rotation[np.random.default_rng(0).permutation(1500)]
    assert fsc_curve(mean, reconstruct(data, wrong, poses.shift))[4:12].mean() < 0.5
