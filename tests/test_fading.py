"""Which parts some particles lack is told from what images say of amplitudes, without a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.flow.flow_network import MotionBasis
from chimerax.flexrec.engine.decoders.flow.mode_model import ModeStatistics
from chimerax.flexrec.engine.decoders.occupancy.amplitudes import Amplitudes, amplitudes
from chimerax.flexrec.engine.decoders.occupancy.fading import find_presences
from chimerax.flexrec.engine.decoders.occupancy.occupancy_flow import OccupancyFlow
from chimerax.flexrec.engine.decoders.occupancy.places import places_text
from chimerax.flexrec.engine.decoders.occupancy.presence import Presence, soft_clip
from chimerax.flexrec.engine.decoders.occupancy.presence_evidence import explain_by_normal
from chimerax.flexrec.engine.decoders.occupancy.presences import Fading
from chimerax.flexrec.jobs.diagnose.composition_test import absent_regions, judge, judge_places, places_told
from chimerax.flexrec.mesh.pieces import Pieces
from chimerax.flexrec.mesh.regions import GroupedRegions, group_regions
from chimerax.flexrec.models.occupancy.presence_arrays import PresenceArrays

COUNT, POWER = 1500, 14.0  # images, and how clearly each shows a part


def shown(amount: np.ndarray, seed: int = 0, power: float = POWER) -> Amplitudes:
    """What images say whose parts have ``amount`` ``(n, p)`` of their mean density, neighbouring parts overlapping."""
    rng, parts = np.random.default_rng(seed), amount.shape[1]
    curvature = power * (np.eye(parts) + 0.2 * (np.eye(parts, k=1) + np.eye(parts, k=-1)))
    noise = rng.normal(size=amount.shape) @ np.linalg.cholesky(curvature).T
    gradient = (amount - 1) @ curvature + noise
    return Amplitudes(torch.from_numpy(np.tile(curvature, (len(amount), 1, 1))), torch.from_numpy(gradient))


def held_out(count: int = COUNT) -> torch.Tensor:
    return torch.arange(count) % 5 == 4


def found(
    amount: np.ndarray, most: int, part: Sequence[int] | None = None, seed: int = 0, strictness: float = 1.0
) -> Fading | None:
    """What comes and goes of pieces that there is ``amount`` ``(n, q)`` of; each is a ``part`` where none are given."""
    where = np.arange(amount.shape[1]) if part is None else part
    return find_presences(shown(amount, seed), pieces_of(where), held_out(), most, strictness).fading


def pieces_of(part: Sequence[int]) -> Pieces:
    """Pieces of parts, each cut off by itself."""
    count = np.bincount(part)
    sides = [[piece] for piece, number in enumerate(part) if count[number] > 1]
    return Pieces(np.eye(len(part)), np.array(part), np.ones(len(part)), sides)


def drawn(share: float, seed: int) -> np.ndarray:
    """Amounts ``(n,)`` beside their mean of a part that a share of the particles has."""
    return (np.random.default_rng(seed).random(COUNT) < share) / share


@pytest.mark.parametrize("share", [0.15, 0.5, 0.9])
def test_a_part_that_some_particles_lack_is_found(share):
    amount = np.ones((COUNT, 4))
    amount[:, 2] = drawn(share, 1)
    fading = found(amount, 2)
    assert fading.groups == [[2]] and abs(float(fading.share[0]) - share) < 0.03
    right = (fading.present[:, 0].numpy() > 0.5) == (amount[:, 2] > 0)
    assert right.mean() > 0.95 and fading.gain > 0.1


def test_a_part_that_few_have_is_found_though_its_mean_has_some_of_its_neighbours():
    amount = np.ones((COUNT, 4))
    amount[:, 2] += 0.7 * (drawn(0.15, 1) - 1)
    fading = found(amount, 2)
    assert fading.groups == [[2]] and abs(float(fading.share[0]) - 0.15) < 0.03


def test_parts_that_come_and_go_together_are_a_group():
    amount = np.ones((COUNT, 4))
    amount[:, 0] = amount[:, 1] = drawn(0.6, 2)
    amount[:, 3] = drawn(0.4, 3)
    fading = found(amount, 3)
    assert sorted(map(sorted, fading.groups)) == [[0, 1], [3]]
    assert fading.group_of[0] == fading.group_of[1] != fading.group_of[3]
    assert len(found(amount, 1).groups) == 1  # no room for more


def test_images_of_nothing_are_no_particles_that_lack_all_parts():
    amount = np.repeat(drawn(0.8, 6)[:, None], 3, axis=1)
    fading = found(amount, 2)
    assert fading.all_of_it(3) == 0 and fading.all_of_it(4) is None
    level, sentence = judge(fading, grouped(fading, [0, 1, 2]), (), ("1", "2", "3"))
    assert abs(float(fading.share[0]) - 0.8) < 0.03
    assert level == "bad" and "% of the images have nothing" in sentence and "--junk weigh" in sentence
    level, sentence = judge(fading, grouped(fading, [0, 1, 2, 3]), (), ("4", "9", "2", "5"))
    assert level == "bad" and "--decoder occupancy" in sentence and "arts 4 and 9 and 2 are together" in sentence


def grouped(fading: Fading, part: Sequence[int]) -> GroupedRegions:
    return group_regions(pieces_of(part), fading.groups)


def test_a_piece_of_a_part_that_comes_and_goes_is_found():
    part = [0, 0, 0, 0, 1, 1]
    amount = np.ones((COUNT, 6))
    amount[:, 1] = amount[:, 2] = drawn(0.6, 2)
    fading = found(amount, 2, part)
    assert list(map(sorted, fading.groups)) == [[1, 2]] and abs(float(fading.share[0]) - 0.6) < 0.03
    regions = grouped(fading, part)
    assert regions.regions.names((7, 9)) == ("7", "9", "7b") and regions.fading == {2: 0}
    assert regions.pieces == [[0, 3], [4, 5], [1, 2]]
    level, sentence = judge(fading, regions, (), regions.regions.names((7, 9)))
    assert level == "bad" and "cannot show that part 7b may be absent" in sentence
    assert judge(fading, regions, (2,), regions.regions.names((7, 9)))[0] == "good"


def test_what_is_always_there_of_a_part_that_comes_and_goes_is_told_from_it():
    part = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    amount = np.ones((COUNT, 10))
    amount[:, [0, 1, 2, 3, 7, 8, 9]] = drawn(0.5, 2)[:, None]
    fading = found(amount, 2, part)
    # a quarter of the second part is too little to be named by itself
    assert list(map(sorted, fading.groups)) == [[0, 1, 2, 3, 6, 7, 8, 9]]
    assert grouped(fading, part).fading == {1: 0, 2: 0}
    assert grouped(fading, part).pieces == [[4, 5], [6, 7, 8, 9], [0, 1, 2, 3]]


def test_a_chain_that_no_cut_parts_from_its_neighbour_is_found():
    """Its pieces lie among others, each has some of the neighbour, and by itself none shows that it comes and goes."""
    amount = np.ones((COUNT, 8))
    amount[:, [1, 3, 6]] += np.array([0.65, 0.9, 0.9]) * (drawn(0.6, 2)[:, None] - 1)
    known = shown(amount, power=4.0)
    fading = find_presences(known, pieces_of([0, 0, 0, 0, 0, 0, 0, 1]), held_out(), 2).fading
    assert fading.groups == [[1, 3, 6]] and abs(float(fading.share[0]) - 0.6) < 0.05
    right = (fading.present[:, 0].numpy() > 0.5) == (amount[:, 3] > 1)
    assert right.mean() > 0.95


def test_pieces_whose_amounts_vary_together_but_not_between_two_values_do_not_fade():
    amount = np.ones((COUNT, 8))
    amount[:, [1, 3, 6]] += 0.6 * np.random.default_rng(2).normal(size=(COUNT, 1))
    known = shown(amount, power=4.0)
    assert find_presences(known, pieces_of([0, 0, 0, 0, 0, 0, 0, 1]), held_out(), 2).fading is None


def test_pieces_of_a_part_that_moves_do_not_fade():
    rng = np.random.default_rng(4)
    amount = np.ones((COUNT, 8))
    swing = rng.uniform(-1.73, 1.73, COUNT) ** 2
    for piece, far in ((1, 0.1), (2, 0.2), (3, 0.3)):
        amount[:, piece] += far * (1 - swing)
    assert found(amount, 3, [0, 0, 0, 0, 1, 1, 2, 2]) is None


def test_a_part_that_seems_fainter_where_it_moves_far_is_there():
    rng = np.random.default_rng(4)
    amount = np.ones((COUNT, 4))
    amount[:, 1] += 0.25 * (1 - rng.uniform(-1.73, 1.73, COUNT) ** 2)  # at both ends of a swing
    amount[:, 2] += rng.normal(0, 0.2, COUNT)
    assert found(amount, 3) is None


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_domain_that_has_two_places_is_not_absent_from_either(most):
    amount = np.ones((COUNT, 5))
    amount[:, 1] = drawn(0.5, 3)
    amount[:, 3] = 2 - amount[:, 1]
    pieces = pieces_of(range(5))
    fading, places = find_presences(shown(amount), pieces, held_out(), most)
    assert fading is None and sorted(places.groups) == [[1], [3]]
    said = places_text(replace(places, groups=[[1], [3]]), pieces, range(20, 25))
    assert "the places of part 21 and of part 23" in said
    amount[:, 4] = drawn(0.7, 4)
    assert found(amount, most).groups == [[4]]


def test_places_of_a_domain_are_not_among_the_parts_that_a_model_cannot_show():
    amount = np.ones((COUNT, 5))
    amount[:, 1] = drawn(0.5, 3)
    amount[:, 3] = 2 - amount[:, 1]
    amount[:, 4] = drawn(0.7, 4)
    pieces = pieces_of(range(5))
    fading, places = find_presences(shown(amount), pieces, held_out(), 3)
    grouped = group_regions(pieces, [*fading.groups, *places.groups])
    level, sentence = judge(fading, grouped, [], grouped.regions.names(range(1, 6)))
    assert level == "bad" and "cannot show that part 5 may be absent" in sentence
    absent = absent_regions([fading, places], grouped, COUNT)
    assert not absent[:, [0, 2]].any() and (absent[:, 1] != absent[:, 3]).mean() > 0.99
    assert (absent[:, 4] == (amount[:, 4] == 0)).mean() > 0.95


def test_whether_latents_tell_where_a_domain_is():
    rng = np.random.default_rng(0)
    first = rng.random(500) < 0.5
    present = np.stack([first, ~first], axis=1).astype(float)
    told = places_told(np.stack([first + rng.normal(0, 0.05, 500), rng.normal(size=500)], axis=1), present)
    assert told > 0.95 and judge_places("It jumps. ", told, "--classes 2", "good", "")[0] == "good"
    told = places_told(rng.normal(size=(500, 2)), present)
    level, sentence = judge_places("It jumps. ", told, "--classes 2", "good", "Part 4 is present in 70 %.")
    assert told < 0.65 and level == "bad" and "train with --classes 2. Part 4" in sentence


def test_of_two_parts_of_other_sizes_one_may_be_there_where_the_other_is_not():
    amount = np.ones((COUNT, 5))
    amount[:, 1] = drawn(0.5, 3)
    amount[:, 3] = 2 - amount[:, 1]
    pieces = replace(pieces_of(range(5)), mass=np.array([1.0, 1.0, 1.0, 3.0, 1.0]))
    assert sorted(find_presences(shown(amount), pieces, held_out(), 2).fading.groups) == [[1], [3]]


def test_noise_alone_makes_nothing_fade():
    assert all(found(np.ones((COUNT, 5)), 3, seed=seed) is None for seed in range(5))


def test_strictness_asks_for_more():
    amount = np.ones((COUNT, 3))
    amount[:, 0] = drawn(0.5, 5)
    assert found(amount, 2, strictness=100) is None


def test_what_motion_explains_is_no_amplitude():
    """One mode whose image is nearly that of a part: what moves along it varies, and the part is always there."""
    rng = np.random.default_rng(6)
    slopes = torch.from_numpy(rng.normal(size=(2, 40)))
    slopes[1] = 0.7 * slopes[0] + 0.5 * slopes[1]
    noise = torch.from_numpy(rng.normal(size=(COUNT, 40)))
    images = torch.from_numpy(rng.normal(0, 2, (COUNT, 1))) @ slopes[:1] + noise
    curvature = (slopes @ slopes.T).repeat(COUNT, 1, 1)
    known = amplitudes(ModeStatistics(curvature, images @ slopes.T), 1, np.array([0]), 0.0, ~held_out())
    amount = known.gradient[:, 0] / known.curvature[:, 0, 0]
    error = known.curvature[:, 0, 0].rsqrt()
    assert abs(float(amount.var() / error.mean() ** 2) - 1) < 0.15  # nothing beyond noise
    alone = (images @ slopes[1]) / (slopes[1] @ slopes[1])
    assert float(alone.var() * (slopes[1] @ slopes[1])) > 5  # which it would be, were motion not left open


def test_amounts_that_vary_are_marginalised():
    """Against evidence from images themselves: x = S a + noise, a ~ N(μ, V), over a = 0."""
    rng = np.random.default_rng(3)
    slopes = torch.from_numpy(rng.normal(size=(4, 9, 3)))  # of four images of nine pixels, by three amplitudes
    images = torch.from_numpy(rng.normal(size=(4, 9)))
    mean, root = torch.from_numpy(rng.normal(size=3)), torch.from_numpy(rng.normal(size=(3, 3)))
    variance = root @ root.T
    known = Amplitudes(slopes.transpose(1, 2) @ slopes, (slopes.transpose(1, 2) @ images[:, :, None]).squeeze(-1))
    covariance = torch.eye(9) + slopes @ variance @ slopes.transpose(1, 2)
    normal = torch.distributions.MultivariateNormal
    nothing, white = torch.zeros(9).double(), torch.eye(9).double()
    wanted = normal(slopes @ mean, covariance).log_prob(images) - normal(nothing, white).log_prob(images)
    assert torch.allclose(explain_by_normal(known, mean, variance), wanted)
    soft = known.softened(variance)
    amplitude = torch.from_numpy(rng.normal(size=3))
    given = normal(slopes @ amplitude, covariance).log_prob(images) - normal(nothing, covariance).log_prob(images)
    bend = torch.einsum("i,nij,j->n", amplitude, soft.curvature, amplitude)
    assert torch.allclose(soft.gradient @ amplitude - 0.5 * bend, given)


@pytest.mark.parametrize(("narrow", "power"), [(4.0, 0.3), (2.0, 1.0)])
def test_what_goes_round_from_piece_to_piece_is_not_absent(narrow, power):
    """Six places about an axis, of which density passes one after the other: it leaves each, and is never gone."""
    rng, count, part = np.random.default_rng(5), 2 * COUNT, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    turn, places = rng.uniform(-np.pi, np.pi, (count, 1)), 2 * np.pi * np.arange(6) / 6
    density = np.exp(narrow * np.cos(turn - places))
    amount = np.ones((count, 10))
    amount[:, 1:7] = density / density.mean(axis=0)
    assert find_presences(shown(amount, power=power), pieces_of(part), held_out(count), 3) == (None, None)


# ----- presence along z -----


def test_presence_levels_off_at_nothing_and_at_all():
    place = torch.linspace(-3, 4, 200)
    presence = soft_clip(place)
    assert 0 <= presence.min() < 1e-6 and 1 - 1e-6 < presence.max() <= 1 + 1e-6
    assert (presence.diff() > -1e-6).all()
    middle = (place > 0.3) & (place < 0.7)
    assert torch.allclose(presence[middle], place[middle], atol=0.01)


def flow_of_two_parts() -> OccupancyFlow:
    """A flow of two joined parts of which the second comes and goes along z2."""
    torch.manual_seed(0)
    vertices = np.random.default_rng(7).normal(0, 20, (8, 3))
    membership = np.repeat(np.eye(2), 4, axis=0)
    membership[3] = 0.5
    basis = MotionBasis(vertices, np.random.default_rng(8).normal(size=(24, 7)), membership, np.array([-1, 0]),
                        np.array([0, 1]), vertices[:2], np.full(2, 20.0))  # fmt: skip
    flow = OccupancyFlow(basis, 2, 8, 1)
    with torch.no_grad():
        for value in (flow.linear.weight, flow.layer(-1).weight):
            value.normal_()
    return flow


def test_where_nothing_fades_images_are_made_of_moved_vertices_alone():
    flow, z = flow_of_two_parts(), torch.randn(5, 2)
    assert torch.equal(flow.carry(z), flow(z))


def test_a_vertex_has_the_share_of_the_parts_that_it_belongs_to():
    flow = flow_of_two_parts()
    flow.presence.let_fade(1, 0.5, torch.tensor([0.0, 1.0]))
    carried = flow.carry(torch.tensor([[0.3, -2.0], [0.3, 2.0]])).detach()
    assert torch.equal(carried[..., :3], flow(torch.tensor([[0.3, -2.0], [0.3, 2.0]])))
    assert torch.allclose(carried[:, 0, 3], torch.ones(2)) and torch.allclose(carried[:, 3, 3], torch.tensor([0.5, 1]))
    assert torch.allclose(carried[:, 7, 3], torch.tensor([0.0, 1.0]), atol=1e-5)


def test_other_coordinates_change_nothing():
    flow, z = flow_of_two_parts(), torch.randn(20, 2)
    flow.presence.let_fade(1, 0.4, torch.tensor([0.2, 0.7]))
    before, mean, scale = flow.carry(z), torch.tensor([0.3, -0.2]), torch.tensor([[0.8, 0.1], [-0.3, 1.2]])
    flow.reparametrise(mean, scale)
    assert torch.allclose(flow.carry((z - mean) @ torch.linalg.inv(scale)), before, atol=1e-4)


def test_a_draw_keeps_presence_as_it_is():
    presence, z, draw = Presence(3, 2), torch.randn(50, 2), torch.randn(50, 2)
    assert torch.equal(presence.held(z, draw), draw)
    presence.let_fade(2, 0.5, torch.tensor([0.3, 0.4]))
    kept = presence.held(z, draw)
    assert torch.allclose(presence(kept), presence(z), atol=1e-5)
    across = torch.tensor([0.8, -0.6])
    assert torch.allclose(kept @ across, draw @ across, atol=1e-5)


def test_numpy_has_the_same_presence():
    presence, z = Presence(3, 2), torch.randn(50, 2)
    presence.let_fade(1, 0.4, torch.tensor([0.9, -0.3]))
    arrays = PresenceArrays.from_state({f"presence.{name}": value.numpy() for name, value in
                                        presence.state_dict().items()})  # fmt: skip
    assert np.allclose(arrays.at(z.numpy()), presence(z).detach().numpy(), atol=1e-6)
