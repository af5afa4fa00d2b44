"""States of simulated particles, and how the benchmarks' scores by conformation choose among them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from conformations import best_circle, central_particles, nearest_particles, true_states
from reference_maps import PreparedTruth
from score import presence_told

SWING = SimpleNamespace(circular=False)
TURN = SimpleNamespace(circular=True)


def data(angles: np.ndarray, hinges: tuple, absent: np.ndarray, state: np.ndarray | None = None) -> PreparedTruth:
    """The truth of as many particles; the last is the first that was simulated."""
    row = np.arange(len(angles))[::-1]
    state = np.full(len(angles), -1) if state is None else state
    truth = SimpleNamespace(angles=angles, hinges=hinges, absent=absent, state=state, kind=np.zeros(len(angles)))
    return PreparedTruth(None, truth, row)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_continuous_motion_is_binned_within_each_choice_of_parts(rng):
    angles, absent = rng.uniform(-15, 15, (600, 1)), rng.random((600, 1)) < 0.3
    made = data(angles, (SWING,), absent)
    states = true_states(made, 10)
    assert len(states) == 20 and states.absent.sum() == 10
    for state in range(20):
        rows = np.flatnonzero(states.of == state)
        assert (made.truth.absent[made.row[rows]] == states.absent[state]).all()
        assert np.abs(made.angles[rows] - states.angles[state]).max() < 5
    near = made.angles[nearest_particles(made, states)]
    assert np.abs(near - states.angles).max() < 0.8


def test_bins_of_a_full_turn_close_the_circle(rng):
    angles = rng.uniform(-180, 180, (800, 1))
    made = data(angles, (TURN,), np.zeros((800, 0), bool))
    states = true_states(made, 12)
    assert len(states) == 12
    off = (made.angles[:, 0] - states.angles[states.of, 0] + 180) % 360 - 180
    assert np.abs(off).max() < 60


def test_states_that_were_simulated_are_kept_and_split_by_what_is_absent():
    state = np.arange(40) % 4
    absent = np.zeros((40, 2), bool)
    absent[20:, 1] = True
    states = true_states(data(10.0 * state[:, None], (SWING,), absent, state), 99)
    assert len(states) == 8
    assert sorted(states.angles[:, 0]) == [0, 0, 10, 10, 20, 20, 30, 30]
    assert states.absent[:, 1].sum() == 4 and not states.absent[:, 0].any()


def test_a_rigid_molecule_has_a_state_for_each_choice_of_parts():
    absent = np.array([[0, 0], [1, 1], [0, 1], [0, 0]], bool)
    made = data(np.zeros((4, 0)), (), absent, np.zeros(4, int))
    states = true_states(made, 20)
    assert states.angles.shape == (3, 0)
    assert {tuple(lacks) for lacks in states.absent} == {(False, False), (True, True), (False, True)}
    chosen = nearest_particles(made, states)
    assert (made.truth.absent[made.row[chosen]] == states.absent).all()


def test_the_central_particle_is_nearest_to_its_state_s_mean():
    latents = np.array([[0.0], [1.0], [5.0], [10.0], [20.0], [12.0]])
    assert central_particles(latents, np.array([0, 0, 0, 1, 1, 1])).tolist() == [1, 5]


def test_presence_is_told_by_the_column_that_tells_it_best():
    absent = np.array([[1, 0], [1, 0], [0, 0], [0, 1]], bool)
    presence = np.array([[0.1, 0.9], [0.2, 0.8], [0.9, 0.1], [0.6, 0.3]])
    assert presence_told(presence, absent).tolist() == [1.0, 0.75]


def test_the_best_two_latents_tell_a_circle(rng):
    angle = rng.uniform(-180, 180, 500)
    ring = np.stack([np.cos(np.radians(angle)), rng.normal(size=500), np.sin(np.radians(angle))], axis=1)
    assert best_circle(ring, angle) > 0.98
    assert np.isnan(best_circle(ring[:, :1], angle))
