"""Two trainings of the same particles, compared."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from chimerax.flexrec.actions.compare_actions import _facts
from chimerax.flexrec.cli import program
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.compare_trainings import Comparison, compare
from chimerax.flexrec.explore.motion_agreement import canonical_correlations, correlation_by_chance
from chimerax.flexrec.explore.placed_alike import placed_alike
from chimerax.flexrec.explore.trained_model import open_trained
from explored_project import COUNT, make_project
from trained_models import make_sliding


@pytest.fixture(scope="module")
def state():
    """What the particles do: (COUNT, 2)."""
    return np.random.default_rng(0).normal(size=(COUNT, 2))


@pytest.fixture(scope="module")
def first(tmp_path_factory, state):
    return open_trained(make_project(tmp_path_factory.mktemp("p") / "p", (3.0, 0.5), state))


def another(first, name, sizes, latents):
    return open_trained(make_sliding(first.project / name, sizes, latents, prepared="../001-prep"))


def test_the_same_motion_in_other_latents_agrees(first, state):
    # twice the latents at half the ångströms: the molecule does the same
    found = compare(first, another(first, "004-train", (1.5, 0.25), 2 * state))
    assert found.particles == COUNT and found.agreement == pytest.approx(1, abs=1e-4)
    assert found.correlation == pytest.approx([1, 1], abs=1e-5)
    moves = np.linalg.norm(state.std(axis=0) * [3, 0.5])
    assert found.motion == pytest.approx((moves, moves), rel=1e-3) and found.difference < 0.02


def test_motions_that_know_nothing_of_one_another_do_not(first):
    other = np.random.default_rng(5).normal(size=(COUNT, 2))
    found = compare(first, another(first, "005-train", (3.0, 0.5), other))
    assert abs(found.agreement) < 0.15 and found.correlation.max() < 0.25


def test_half_of_the_motion_is_half_found(first, state):
    # the second training sees z1's 3 Å only, and adds 3 Å of something else
    mixed = np.stack([state[:, 0], np.random.default_rng(3).normal(size=COUNT)], axis=1)
    found = compare(first, another(first, "006-train", (3.0, 3.0), mixed))
    expected = 1 - (0.25 + 9) / (9.25 + 18)
    assert found.agreement == pytest.approx(expected, abs=0.05)
    assert found.correlation[0] == pytest.approx(1, abs=1e-4) and found.correlation[1] < 0.2


def test_canonical_correlations_of_more_and_fewer_dimensions():
    z = np.random.default_rng(0).normal(size=(500, 3))
    assert canonical_correlations(z, z[:, :1] + 1) == pytest.approx([1])
    assert canonical_correlations(z @ np.diag([1, 2, 0]), z)[[0, 1, 2]] == pytest.approx([1, 1, 0], abs=1e-6)


def test_what_unrelated_latents_of_few_particles_reach_is_said():
    rng = np.random.default_rng(0)
    for count, one, two in ((40, 3, 4), (60, 8, 2), (15, 1, 1)):
        found = [canonical_correlations(rng.normal(size=(count, one)), rng.normal(size=(count, two)))[0]
                 for _ in range(60)]  # fmt: skip
        assert np.mean(found) < correlation_by_chance(count, one, two) < np.mean(found) + 0.35
    assert correlation_by_chance(10, 8, 8) == 1 > correlation_by_chance(1000, 2, 2) * 10
    models = [SimpleNamespace(folder=Path(name), latents=np.zeros((12, dims))) for name, dims in (("a", 4), ("b", 3))]
    agreed = Comparison(12, np.array([0.99, 0.9, 0.7]), "uid", (np.arange(12),) * 2, np.full(12, 0.2))
    assert "0.99 0.90 0.70 (of unrelated latents of so few particles about 0.91)" in _facts(*models, agreed)[1][1]


def test_a_copy_of_the_project_has_the_same_particles(first, tmp_path):
    found = compare(first, open_trained(make_project(tmp_path / "q")), maps=0)
    assert found.particles == COUNT and found.by.startswith("the name of the stack's path") and found.maps is None


def test_other_particles_of_the_same_name_are_refused(first, tmp_path):
    train = make_project(tmp_path / "q")
    source = tmp_path / "q" / "particles.star"
    source.write_text(re.sub(r"1\d{4}\.00 1\d{4}\.00", lambda _: next(DEFOCUS), source.read_text()))
    with pytest.raises(InputError, match="0 particles in common"):
        compare(first, open_trained(train))


DEFOCUS = (f"{value:.2f} {value:.2f}" for value in np.random.default_rng(4).uniform(1e4, 2e4, 10**6))


def test_each_particle_is_told_whether_both_place_it_alike():
    rng = np.random.default_rng(6)
    angle = rng.uniform(-2, 2, 3000)
    bent = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    alike = placed_alike(angle[:, None], bent + rng.normal(scale=0.02, size=bent.shape))
    assert np.median(alike) > 0.95  # on an arc, where a linear measure sees less
    assert np.median(placed_alike(angle[:, None], rng.normal(size=(3000, 2)))) < 0.05
    torn = bent.copy()
    torn[:600] = bent[rng.permutation(3000)[:600]]
    alike = placed_alike(angle[:, None], torn)
    assert np.median(alike[:600]) < 0.3 < 0.9 < np.median(alike[600:])


def test_the_terminal_says_how_they_agree(first, state, monkeypatch, capfd):
    another(first, "007-train", (3.0, 0.5), state)
    monkeypatch.chdir(first.project)
    assert program.main(["compare", "3", "7"]) == 0
    out = capfd.readouterr().out
    assert "300 particles in common" in out and "agreement 1.00" in out and "1.00 1.00" in out
