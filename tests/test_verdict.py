"""The verdict on a motion, and the causes of a worse map, from constructed numbers: every branch."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from chimerax.flexrec.explore.bending import mean_shape, motion_size, place
from chimerax.flexrec.explore.map_gain import Resolutions, doubt_clause, map_clause, worse
from chimerax.flexrec.explore.motion_numbers import Agreement, Gain, HeldOut, MotionNumbers, NullTest
from chimerax.flexrec.explore.verdict import (
    NOT_BEYOND_NOISE,
    NOT_MEASURED,
    SUPPORTED,
    UNDECIDED,
    judge_motion,
    with_error,
)
from chimerax.flexrec.explore.worse_map_causes import LIKELY, MapNumbers, worse_map_causes
from chimerax.flexrec.models import open_model
from scipy.spatial.transform import Rotation
from trained_models import make_sliding, make_trained, white

KNOWN = MotionNumbers(4.0, (1.0, 6.0))
GAIN, NO_GAIN, SOME_GAIN = HeldOut(31, 2, 8.0), HeldOut(0.5, 1), HeldOut(2.5, 1)
AGREE, DISAGREE = Agreement(0.6, 4.0, ((0.4, 1.0), (0.7, 6.0))), Agreement(5.5, 4.0, ((1.2, 1.0), (8.0, 6.0)))


def null(gain: float, rigid: float, dims: int = 1) -> NullTest:
    return NullTest(Gain(gain, 0.02, 4.0), Gain(rigid, 0.02, 0.2), dims)


BEYOND, NOISE, LITTLE = null(20, 0.2), null(0.25, 0.09), null(0.6, 0.2)


@pytest.mark.parametrize(("held_out", "agreement", "test", "level"), [
    (None, None, None, NOT_MEASURED),
    (GAIN, None, None, SUPPORTED),
    (GAIN, AGREE, NOISE, SUPPORTED),  # a null test is blunt, images that were not fitted decide
    (GAIN, DISAGREE, BEYOND, UNDECIDED),
    (NO_GAIN, None, None, NOT_BEYOND_NOISE),
    (NO_GAIN, DISAGREE, NOISE, NOT_BEYOND_NOISE),
    (NO_GAIN, AGREE, BEYOND, UNDECIDED),
    (SOME_GAIN, None, None, UNDECIDED),
    (SOME_GAIN, AGREE, BEYOND, SUPPORTED),
    (None, None, BEYOND, SUPPORTED),
    (None, None, NOISE, NOT_BEYOND_NOISE),
    (None, None, LITTLE, UNDECIDED),
    (None, DISAGREE, None, UNDECIDED),
    (HeldOut(31, 0), None, None, NOT_MEASURED),  # no error, no measurement
    (HeldOut(math.nan, 1), None, null(math.nan, 0), NOT_MEASURED),
])  # fmt: skip
def test_the_level_follows_from_the_numbers(held_out, agreement, test, level):
    verdict = judge_motion(replace(KNOWN, held_out=held_out, agreement=agreement, null=test))
    assert verdict.level == level
    assert level in verdict.sentence and verdict.sentence.startswith("Motion of 6.0 Å in part 2")
    assert bool(verdict.advice) == (level in (UNDECIDED, NOT_MEASURED))


def test_the_sentence_has_size_place_and_evidence():
    verdict = judge_motion(replace(KNOWN, held_out=GAIN, agreement=AGREE))
    assert verdict.sentence == ("Motion of 6.0 Å in part 2 (4.0 Å over all of the molecule), supported: held-out gain "
                                "31 ± 2 nats per image, halves agree to 0.70 Å.")  # fmt: skip
    assert "up to 8.0 Å" in verdict.evidence[0].sentence


def test_parts_that_move_alike_are_all_named():
    def said(*parts, labels=()):
        return judge_motion(replace(KNOWN, parts=parts, labels=labels)).sentence.partition(" (")[0]

    assert said(4.58, 4.62) == "Motion of 4.6 Å in parts 1 and 2" == said(4.62, 4.58)
    assert said(6.0, 5.9, 2.0, 5.8, labels=(3, 1, 7, 9)) == "Motion of 6.0 Å in parts 3, 1 and 9"
    assert said(5.0, 6.0) == "Motion of 6.0 Å in part 2"


def test_what_was_not_measured_is_advised():
    assert "diagnose null" in judge_motion(KNOWN).advice and "--halves" in judge_motion(KNOWN).advice
    assert "--halves" not in judge_motion(replace(KNOWN, held_out=SOME_GAIN)).advice


def test_a_null_test_allows_each_latent_half_a_nat():
    """Two trainings of a rigid molecule gave 0.09 and 0.25 nats per image; more latents fit more noise."""
    assert judge_motion(replace(KNOWN, null=null(1.5, 0.2, 1))).level == SUPPORTED
    assert judge_motion(replace(KNOWN, null=null(1.5, 0.2, 4))).level == UNDECIDED
    assert judge_motion(replace(KNOWN, null=null(1.5, 0.2, 8))).level == NOT_BEYOND_NOISE


@pytest.mark.parametrize(("value", "error", "text"), [
    (31.2, 2.1, "31 ± 2"), (0.123, 0.034, "0.12 ± 0.03"), (120.4, 14, "120 ± 14"), (3.14, 0, "3.14"),
    (5.0, 0.96, "5 ± 1"),
])  # fmt: skip
def test_a_number_has_as_many_digits_as_its_error(value, error, text):
    assert with_error(value, error) == text


# ----- the size of a motion -----


def test_a_shape_is_laid_on_its_turned_and_shifted_self():
    rng = np.random.default_rng(0)
    shape, weight = rng.normal(size=(30, 3)), rng.dirichlet(np.ones(30))
    turns = Rotation.random(5, random_state=1).as_matrix()
    states = shape @ turns.swapaxes(1, 2) + rng.normal(size=(5, 1, 3))
    assert np.allclose(place(shape, states, weight), states, atol=1e-5)
    assert np.allclose(np.linalg.norm(mean_shape(states, weight)[3] - mean_shape(states, weight)[7]),
                       np.linalg.norm(shape[3] - shape[7]), atol=1e-5)  # fmt: skip


def test_a_body_that_only_slides_has_no_motion(tmp_path):
    sliding = open_model(make_sliding(tmp_path / "001-train", (6.0, 4.0), white(300, 2)))
    bending = open_model(make_trained(tmp_path / "002-train", motion=0.4)[0])
    assert motion_size(sliding).total < 1e-3
    size = motion_size(bending)
    assert size.total > 1 and len(size.parts) == 2 and size.parts.min() > 0.1


def test_a_part_that_swings_is_told_from_those_that_stay():
    """A chain of four rods, of which the last swings by 15° r.m.s.: it alone is seen to move by the others."""
    rng = np.random.default_rng(0)
    rods = [np.stack([np.linspace(0, 20, 12), np.zeros(12), rng.normal(0, 1, 12)], 1) + 21 * i * np.eye(3)[i % 2]
            for i in range(4)]  # fmt: skip
    rest = np.concatenate(rods)
    turns = Rotation.from_euler("z", rng.normal(0, 15, (200, 1)), degrees=True).as_matrix()
    swung = (rods[3] - rods[3][0]) @ turns.swapaxes(1, 2) + rods[3][0]
    states = np.concatenate([np.tile(rest[:36], (200, 1, 1)), swung], axis=1)
    cells = np.arange(48).reshape(12, 4)
    mesh = SimpleNamespace(parts=4, part=np.repeat(np.arange(4), 3), cells=cells)
    moving = SimpleNamespace(mesh=mesh, mass=np.full(48, 1 / 48), vertices=lambda z: states[z[:, 0].astype(int)])
    size = motion_size(SimpleNamespace(latents=np.arange(200.0)[:, None], moving_points=moving))
    true = np.sqrt(((swung - swung.mean(axis=0)) ** 2).sum(axis=2).mean())
    assert size.parts[3] == pytest.approx(true, rel=0.05) and size.parts[:3].max() < 0.6 * size.parts[3]


# ----- the map -----


def test_the_clause_tells_what_became_worse_before_what_became_better():
    better, same = Resolutions("part 2", 4.9, 7.1), Resolutions("all of the molecule", 5.0, 5.05)
    lost, nowhere = Resolutions("part 3", 8.0, 6.0), Resolutions("part 4", None, 9.0)
    assert map_clause((same, better)) == "map of part 2 from 7.1 to 4.9 Å"
    assert map_clause((same, better, lost)) == "map of part 3 from 6.0 to 8.0 Å"
    assert map_clause((same,)) == "map of all of the molecule at 5.0 Å as before"
    assert [each.where for each in worse((same, better, lost, nowhere))] == ["part 4", "part 3"]
    assert map_clause((nowhere,)) == "map of part 4 from 9.0 Å to nowhere" and map_clause(()) == ""


def test_a_map_that_a_motion_of_noise_has_made_better_is_doubted() -> None:
    better, same = Resolutions("part 2", 4.9, 7.1), Resolutions("part 1", 5.0, 5.0)
    assert "take the rigid map" in doubt_clause(NOT_BEYOND_NOISE, (same, better), None, None, independent=False)
    assert "take the rigid map" in doubt_clause(NOT_BEYOND_NOISE, (same,), 30.0, 20.0, independent=False)
    assert "take the rigid map" in doubt_clause(NOT_BEYOND_NOISE, (same, better), 30.0, 20.0, independent=True)
    assert not doubt_clause(NOT_BEYOND_NOISE, (same, better), None, None, independent=True)
    assert not doubt_clause(NOT_BEYOND_NOISE, (same,), 20.0, 30.0, independent=False)
    assert not doubt_clause(SUPPORTED, (same, better), 30.0, 20.0, independent=False)
    assert Resolutions("", None, None).change == 0


HEALTHY = MapNumbers(replace(KNOWN, held_out=GAIN), 6.0, strain=0.05, particles=10000, unknown=0.1, cut=0.01,
                     pose_error=0.3, poses_corrected=True, junk=0.01)  # fmt: skip


@pytest.mark.parametrize(("change", "cause", "says"), [
    ({"motion": replace(KNOWN, held_out=NO_GAIN)}, "over-fitted motion", "0.5 standard errors"),
    ({"motion": replace(KNOWN, null=NOISE)}, "over-fitted motion", "rigid molecule"),
    ({"strain": 0.4}, "too soft a mesh", "40.0 %"),
    ({"unknown": 0.8}, "too few particles, or too weak images", "10,000 particles"),
    ({"cut": 0.2}, "a mask that cuts density", "20.0 %"),
    ({"pose_error": 1.5, "poses_corrected": False}, "errors of the poses", "8.0 Å"),
    ({"junk": 0.3}, "images that are no particles", "30.0 %"),
])  # fmt: skip
def test_each_cause_is_told_by_its_number(change, cause, says):
    assert not [each for each in worse_map_causes(HEALTHY) if each.level == LIKELY]
    causes = worse_map_causes(replace(HEALTHY, **change))
    assert [each.name for each in causes if each.level == LIKELY] == [cause] == [causes[0].name]
    assert says in causes[0].sentence


def test_causes_stand_in_the_order_of_their_evidence():
    causes = worse_map_causes(replace(HEALTHY, junk=0.2, strain=0.6, unknown=0.6))
    assert [each.name for each in causes][:3] == ["too soft a mesh", "images that are no particles",
                                                  "too few particles, or too weak images"]  # fmt: skip
    unknown = worse_map_causes(MapNumbers(MotionNumbers(None)))
    assert {each.level for each in unknown} == {NOT_MEASURED} and unknown[0].name == "over-fitted motion"
