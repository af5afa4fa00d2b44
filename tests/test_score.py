"""Scores with known answers."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from chimerax.flexrec.simulate import Truth  # noqa: E402
from chimerax.flexrec.simulate.hinges import parse_hinges  # noqa: E402
from chimerax.flexrec.simulate.igg import build_igg  # noqa: E402
from chimerax.flexrec.simulate.moving_molecule import MovingMolecule, filter_map  # noqa: E402
from score import (  # noqa: E402
    area,
    circular_correlation,
    even_particles,
    fsc_curve,
    predict,
    resolution,
    score_latents,
    score_maps,
    spearman,
    way,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_equal_maps_have_the_largest_area(rng):
    density = rng.standard_normal((32, 32, 32)).astype(np.float32)
    curve = fsc_curve(density, 3 * density)
    assert np.allclose(curve, 1)
    assert area(curve) == pytest.approx(15 / 32)
    assert resolution(curve, 2.0) == 4.0


def test_shells_are_those_of_the_definition(rng):
    one, two = rng.standard_normal((2, 16, 16, 16))
    a, b = (np.fft.fftshift(np.fft.fftn(density)) for density in (one, two))
    axis = np.arange(-8, 8)
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2)
    curve = fsc_curve(one, two)
    assert curve[0] == 1
    for i in range(1, 8):
        shell = (radius < i) & (radius >= i - 1)
        cross = np.vdot(a[shell], b[shell]).real
        expected = cross / np.sqrt(np.vdot(a[shell], a[shell]).real * np.vdot(b[shell], b[shell]).real)
        assert curve[i] == pytest.approx(expected)


def test_known_noise_gives_the_known_correlation(rng):
    density = rng.standard_normal((48, 48, 48))
    noisy = density + 2 * rng.standard_normal((48, 48, 48))
    assert fsc_curve(density, noisy)[8:].mean() == pytest.approx(1 / np.sqrt(5), abs=0.02)


def test_mask_decides_what_is_compared(rng):
    density = rng.standard_normal((24, 24, 24))
    spoiled = density.copy()
    spoiled[12:] = rng.standard_normal((12, 24, 24))
    mask = np.zeros((24, 24, 24))
    mask[:12] = 1
    assert np.allclose(fsc_curve(density, spoiled, mask), 1)
    assert fsc_curve(density, spoiled, 1 - mask)[4:].mean() < 0.2


def test_a_filtered_map_ends_at_its_resolution(rng):
    density = rng.standard_normal((32, 32, 32)).astype(np.float32)
    half = filter_map(density, 3.0, 12.0) + 0.2 * rng.standard_normal((32, 32, 32))
    assert resolution(fsc_curve(density, half), 3.0) == pytest.approx(12.0, abs=1.3)  # one shell


def test_way_from_rigid_to_oracle():
    assert way(0.3, 0.2, 0.4) == pytest.approx(0.5)
    assert way(0.1, 0.2, 0.4) == pytest.approx(-0.5)
    assert np.isnan(way(0.3, 0.4, 0.4))


def test_rank_correlation(rng):
    x = rng.standard_normal(500)
    assert spearman(x, np.exp(x)) == pytest.approx(1)
    assert spearman(x, -(x**3)) == pytest.approx(-1)
    assert abs(spearman(x, rng.standard_normal(500))) < 0.15
    assert spearman(x, np.zeros(500)) == 0
    assert spearman(np.array([1, 1, 2, 3]), np.array([1, 2, 3, 4])) == pytest.approx(0.9486833)


def test_circular_correlation(rng):
    angle = rng.uniform(-180, 180, 2000)
    assert circular_correlation(angle, (angle + 77) % 360) == pytest.approx(1)
    assert circular_correlation(angle, 30 - angle) == pytest.approx(-1)
    assert abs(circular_correlation(angle, rng.uniform(-180, 180, 2000))) < 0.05
    blurred = circular_correlation(angle, angle + np.degrees(rng.vonmises(0, 2.0, 2000)))
    assert blurred == pytest.approx(0.698**2, abs=0.05)  # squared mean resultant length of von Mises, concentration 2
    pairs = np.radians(angle[:50, None] - angle[None, :50]), np.radians(angle[50:100, None] - angle[None, 50:100])
    direct = (np.sin(pairs[0]) * np.sin(pairs[1])).sum()
    direct /= np.sqrt((np.sin(pairs[0]) ** 2).sum() * (np.sin(pairs[1]) ** 2).sum())
    assert circular_correlation(angle[:50], angle[50:100]) == pytest.approx(direct)


def test_prediction_does_not_see_what_it_predicts(rng):
    latents, target = rng.standard_normal((1000, 2)), rng.standard_normal((1000, 1))
    assert abs(spearman(predict(latents, target)[:, 0], target[:, 0])) < 0.15


def test_latents_on_a_curve_are_worth_more_than_one_coordinate(rng):
    angle = rng.uniform(-15, 15, 1500)
    bent = np.stack([np.cos(angle / 5), np.sin(angle / 5)], axis=1) + 0.05 * rng.standard_normal((1500, 2))
    score = score_latents(bent, angle)
    assert score.predicted > 0.98 > score.spearman
    assert score.error < 1
    straight = score_latents(-angle + 0.1 * rng.standard_normal(1500), angle)
    assert straight.spearman > 0.99


def test_a_full_turn_is_scored_on_the_circle(rng):
    angle = rng.uniform(-180, 180, 1500)
    ring = np.stack([np.cos(np.radians(angle)), np.sin(np.radians(angle))], axis=1)
    score = score_latents(ring + 0.05 * rng.standard_normal((1500, 2)), angle, circular=True)
    assert score.predicted > 0.99 and score.error < 4 and np.isnan(score.spearman)
    assert abs(score_latents(rng.standard_normal((1500, 2)), angle, circular=True).predicted) < 0.1


def test_maps_are_scored_where_the_part_went():
    molecule = build_igg(12.0)
    moving = MovingMolecule.build(molecule, parse_hinges("fab1: ±30", molecule))
    angles = np.linspace(-30, 30, 9)[:, None]
    nothing = np.zeros((9, 0))
    truth = Truth(moving, angles, nothing, nothing, nothing, nothing, nothing, 36, 7.0, {})
    ends = angles[[0, 8]]
    perfect = score_maps(truth, ends, [truth.map_at(state) for state in ends], 7.0)
    assert perfect.whole_area == pytest.approx(17 / 36, abs=1e-4)
    assert perfect.moving_area == pytest.approx(17 / 36, abs=1e-4)
    rigid = score_maps(truth, ends, [truth.map_at(angles)] * 2, 7.0)
    assert rigid.moving_area < rigid.whole_area < perfect.whole_area
    assert rigid.moving_resolution > perfect.moving_resolution


def test_scored_particles_are_spread_evenly():
    assert even_particles(1000, 5).tolist() == [0, 249, 499, 749, 999]
    assert len(even_particles(3, 100)) == 3
