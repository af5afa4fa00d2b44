"""Images that are no particles are told from particles, where they can be told, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.engine.training.membership import particle_probability

CLOUDS = {"particle": ((1, 0), 1.0), "junk": ((0, 4), 1.2), "stranger": ((0.65, 2.5), 1.2)}


def images(count, spread=0.06, scale=1.0, **shares):
    """Resemblance ``(count, 2)`` of images of which some are foreign, and which those are."""
    rng = np.random.default_rng(count)
    foreign = [name for name, share in shares.items() for _ in range(int(share * count))]
    kind = np.array(foreign + ["particle"] * (count - len(foreign)))
    rng.shuffle(kind)
    mean = np.array([CLOUDS[name][0] for name in kind])
    width = np.array([[spread if name == "particle" else 0.06, CLOUDS[name][1]] for name in kind])
    return (mean + width * rng.normal(size=(count, 2))) * [scale, 1], kind != "particle"


@pytest.mark.parametrize(
    "shares, least",
    [
        ({"junk": 0.25}, 0.999),
        ({"junk": 0.02}, 0.999),
        ({"stranger": 0.15}, 0.99),
        ({"junk": 0.25, "stranger": 0.15}, 0.99),
    ],
)
@pytest.mark.parametrize("count, scale", [(5000, 1.0), (800, 1.3)])
def test_clouds_apart_are_told(shares, least, count, scale):
    found, foreign = images(count, scale=scale, **shares)
    probability = particle_probability(found)
    assert ((probability < 0.5) == foreign).mean() > least


@pytest.mark.parametrize("spread", [0.05, 0.25])
@pytest.mark.parametrize("count", [60, 5000])
def test_one_cloud_is_left_alone(spread, count):
    found, _ = images(count, spread)
    assert (particle_probability(found) == 1).all()


def test_two_states_that_both_resemble_the_model_are_left_alone():
    rng = np.random.default_rng(0)
    found = np.concatenate([rng.normal([1, 0], [0.02, 1], (3000, 2)), rng.normal([0.9, 4], [0.02, 1], (1000, 2))])
    assert (particle_probability(found) == 1).all()


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_particles_of_a_weak_signal_are_none_that_are_foreign(share):
    rng = np.random.default_rng(0)
    weak = rng.normal([0.5, 0], [0.05, 1], (int(3000 * share), 2))
    strong = rng.normal([1, 0], [0.05, 1], (int(3000 * (1 - share)), 2))
    assert (particle_probability(np.concatenate([weak, strong])) == 1).all()
    junk = rng.normal([0, 0], [0.05, 1], (500, 2))
    told = particle_probability(np.concatenate([weak, strong, junk])) < 0.5
    assert told[-500:].mean() > 0.99 and told[:-500].mean() < 0.01


def test_a_few_wild_values_do_no_harm():
    found, foreign = images(2000, junk=0.2)
    found[:3] = [[1e6, -1e6], [-1e5, 1e7], [50, 0]]
    probability = particle_probability(found)
    assert np.isfinite(probability).all() and ((probability < 0.5) == foreign)[3:].mean() > 0.99
