"""The rigid and the oracle reconstruction of simulated particles bracket what a model can reach."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.simulate.simulate_parameters import SIMULATE
from chimerax.flexrec.jobs.simulate.simulate_run import run
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.prepared import Prepared
from chimerax.flexrec.simulate import load_truth
from scipy.spatial.transform import Rotation

pytestmark = pytest.mark.blank_pictures()

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from reference_maps import PreparedTruth, moved_corners, oracle_maps, part_cloud, rigid_map  # noqa: E402
from score import fsc_curve, score_maps  # noqa: E402


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """1,500 images of an antibody whose first Fab swings by 50 degrees, whitened by nothing."""
    return simulated(tmp_path_factory.mktemp("job"), particles=1500)


def simulated(folder, **changes):
    values = {"box": 32, "pixel_size": 9.0, "resolution": 12.0, "snr": 0.5, "hinges": "fab1: ±25", "threads": 1}
    run(SIMULATE.build(values | changes), JobRun(folder))
    particles = read_particles(folder / "particles.star")
    prepared = Prepared(particles, 32, 9.0, np.ones(17, np.float32), folder)
    return PreparedTruth(prepared, load_truth(folder), np.arange(len(particles)))


def test_oracle_beats_rigid_in_the_moving_part_and_nearly_reaches_the_truth(data):
    ends = np.array([data.angles[:, 0].argmin(), data.angles[:, 0].argmax()])
    rigid, oracle = rigid_map(data), oracle_maps(data)
    blind = score_maps(data.truth, data.angles[ends], [rigid, rigid], 9.0)
    seeing = score_maps(data.truth, data.angles[ends], [oracle(row) for row in ends], 9.0)
    assert seeing.moving_area > blind.moving_area + 0.05
    assert seeing.moving_area > 0.9 * 15 / 32


def test_the_oracle_knows_what_each_particle_lacks(tmp_path):
    data = simulated(tmp_path, particles=600, drop="fab2: 0.4; H:231-800: 0.5 after fab2")
    kinds = [np.flatnonzero((data.absent == lacks).all(axis=1))[0] for lacks in ((0, 0), (0, 1), (1, 1))]
    maps = [oracle_maps(data)(row) for row in kinds]
    seeing = score_maps(data.truth, data.angles[kinds], maps, 9.0, data.absent[kinds])
    blind = score_maps(data.truth, data.angles[kinds], maps, 9.0)
    assert seeing.whole_area > 0.85 * 15 / 32 and seeing.whole[0].tolist() == blind.whole[0].tolist()
    assert (seeing.whole[1:, 1:8].mean(axis=1) > blind.whole[1:, 1:8].mean(axis=1) + 0.02).all()


def test_rigid_map_is_the_mean_map_and_needs_the_right_poses(data):
    mean = data.truth.map_at(data.angles[:300], 32, 9.0)
    assert fsc_curve(mean, rigid_map(data))[1:12].mean() > 0.95
    particles = data.prepared.particles
    wrong = replace(particles, rotation=particles.rotation[np.random.default_rng(0).permutation(1500)])
    lost = replace(data, prepared=replace(data.prepared, particles=wrong))
    assert fsc_curve(mean, rigid_map(lost))[4:12].mean() < 0.5


def test_corners_of_a_part_move_its_points_as_the_motion_says():
    motion = np.concatenate([Rotation.random(6, random_state=0).as_matrix(), np.arange(18.0).reshape(6, 3, 1)], axis=2)
    cloud = part_cloud(np.indices((4, 4, 4))[0] // 2, 5.0)
    affine = cloud.cell_affines(moved_corners(motion.reshape(3, 2, 3, 4)))
    np.testing.assert_allclose(affine.reshape(6, 3, 4), motion, atol=1e-5)
    assert cloud.offsets.tolist() == [0, 32, 64]
    assert (cloud.points[:32, 2] < 0).all() and (cloud.points[32:, 2] >= 0).all()
