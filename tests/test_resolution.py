"""Resolution of half-maps whose signal and noise are known."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.engine.maps.contour_level import contour_level
from chimerax.flexrec.engine.maps.fsc import fourier_shell_correlation, shell_power, weigh_shells
from chimerax.flexrec.engine.maps.half_agreement import agreement_steps, measure_agreement
from chimerax.flexrec.engine.maps.half_pair import HalfPair
from chimerax.flexrec.engine.maps.local_resolution import local_resolution, locally_filtered
from chimerax.flexrec.engine.maps.orientation_coverage import orientation_coverage
from chimerax.flexrec.engine.maps.phase_randomisation import masked_fsc, randomise_phases
from chimerax.flexrec.engine.maps.sharpening import fit_guinier, sharpen
from chimerax.flexrec.engine.maps.solvent_mask import choose_mask
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.mesh.build import build_mesh
from chimerax.flexrec.mesh.map_files import radius_grid, write_map
from chimerax.flexrec.particles.rotations import euler_to_matrix
from mesh_shapes import ball, blurred, dumbbell, voxel_grid
from scipy.spatial.transform import Rotation
from simulated_halves import BOX, PIXEL, cut_at, frequencies, molecule, noise, pair_of, soft_ball


def test_curves_are_those_of_the_signal_and_noise_put_in():
    """Unmasked and corrected FSC are S / (S + N), with the noise that the mask lets through."""
    signal, sigma, mask = molecule(), 0.4, soft_ball(20)
    signal = signal * soft_ball(17, edge=3)
    pair = pair_of(signal, sigma)
    own = measure_agreement(pair).own
    inside = masked_fsc(pair, randomise_phases(pair, own.unmasked, 0), mask)
    power = shell_power(signal)
    for curve, share in ((own.unmasked, 1.0), (inside.corrected, np.mean(mask**2))):
        expected = power / (power + sigma**2 * share * BOX**3)
        assert curve[2:] == pytest.approx(expected[2:], abs=0.09)
        assert np.mean(curve[2:] - expected[2:]) == pytest.approx(0, abs=0.025)
    assert inside.resolution < own.resolution


def test_the_half_maps_tell_how_far_their_mean_is_like_the_truth():
    signal = molecule()
    pair = pair_of(signal, 0.4)
    curve = measure_agreement(pair).own.unmasked[2:]
    with_truth = fourier_shell_correlation(pair.mean, signal)[2:]
    assert with_truth == pytest.approx(np.sqrt(np.clip(2 * curve / (1 + curve), 0, 1)), abs=0.1)


def test_what_a_mask_alone_brings_is_taken_off():
    """Half-maps that share nothing but a smooth body, in a hard mask: masked they agree to the end, corrected not."""
    body = 20 * weigh_shells(ball(BOX, 22).astype(np.float32), np.exp(-2000 * frequencies() ** 2))
    pair = pair_of(body, 0.5)
    unmasked = fourier_shell_correlation(pair.first, pair.second)
    hard = ball(BOX, 9, (5, 0, 0)) | ball(BOX, 7, (-8, 4, 0))
    curves = masked_fsc(pair, randomise_phases(pair, unmasked, 0), hard.astype(np.float32))
    assert curves.masked[15:].mean() > 0.5
    assert np.abs(curves.corrected[15:]).mean() < 0.12
    assert curves.masked[15:] == pytest.approx(curves.randomised[15:], abs=0.15)
    soft = masked_fsc(pair, randomise_phases(pair, unmasked, 0), soft_ball(12, edge=12))
    assert soft.randomised[15:].mean() < 0.1


def test_random_phases_begin_where_they_shall_and_leave_amplitudes():
    pair = pair_of(molecule(), 0.4)
    unmasked = fourier_shell_correlation(pair.first, pair.second)
    random = randomise_phases(pair, unmasked, 3)
    assert unmasked[random.first_shell] < 0.8 <= unmasked[1 : random.first_shell].min()
    assert shell_power(random.pair.first) == pytest.approx(shell_power(pair.first), rel=1e-3)
    with_itself = fourier_shell_correlation(random.pair.first, pair.first)
    assert with_itself[: random.first_shell].min() > 0.999
    assert np.abs(with_itself[random.first_shell + 2 :]).mean() < 0.1
    again, other = randomise_phases(pair, unmasked, 3).pair, randomise_phases(pair, unmasked, 4).pair
    assert np.array_equal(again.first, random.pair.first) and not np.array_equal(other.first, again.first)


@pytest.fixture(scope="module")
def two_parts():
    """A dumbbell's mesh of two parts, and half-maps whose left ball agrees to 4 Å and whose right one to 9 Å."""
    body = dumbbell(BOX, radius=12, apart=14, neck=4)
    x, _, _ = voxel_grid(BOX)
    mesh = build_mesh(body, PIXEL, 16, np.where(x < 0, 0, 1), ((0, 1),))
    fine, coarse = (weigh_shells(noise(1), cut_at(end)) for end in (4.0, 9.0))
    left, right = (blurred(ball(BOX, 10, (side, 0, 0)), 2.5) for side in (-14, 14))
    return mesh, pair_of(fine * left + coarse * right, 0.3), pair_of(coarse * (left + right), 0.3)


def test_parts_have_resolutions_of_their_own_beside_those_of_the_twin(two_parts):
    mesh, pair, twin = two_parts
    calls = []
    agreement = measure_agreement(pair, mesh=mesh, twin=twin, labels=(5, 7), progress=lambda: calls.append(1))
    assert agreement.labels == (5, 7) and len(calls) == agreement_steps(mesh, True)
    left, right = (part.resolution for part in agreement.own.parts)
    assert left == pytest.approx(4.0, rel=0.12) and right == pytest.approx(9.0, rel=0.25)
    assert all(part.resolution == pytest.approx(9.0, rel=0.25) for part in agreement.twin.parts)
    assert agreement.mask.source.startswith("of the mesh")
    assert measure_agreement(pair).own.parts == ()


def test_local_resolution_is_that_of_each_place():
    x, _, _ = voxel_grid(96)
    inside = radius_grid(96) < 38
    for fine, coarse in ((4.0, 8.0), (5.0, 7.0)):
        parts = [weigh_shells(noise(2, 96), cut_at(end, 96)) for end in (fine, coarse)]
        pair = pair_of(np.where(x < 0, *parts) * inside, 0.6)
        local = local_resolution(pair, inside.astype(np.float32))
        core = radius_grid(96) < 32
        assert np.median(local.volume[core & (x < -14)]) == pytest.approx(fine, rel=0.12)
        assert np.median(local.volume[core & (x > 14)]) == pytest.approx(coarse, rel=0.15)
        assert local.quantiles[0] < local.quantiles[2] < local.quantiles[-1]


def test_local_resolution_of_noise_is_the_coarsest_there_is():
    local = local_resolution(pair_of(np.zeros((BOX,) * 3, np.float32), 1.0), soft_ball(20))
    assert np.quantile(local.volume, 0.05) > 0.7 * BOX * PIXEL / 4
    assert local.volume.max() == pytest.approx(BOX * PIXEL / 4, rel=1e-3)


def test_a_locally_filtered_map_keeps_what_each_place_supports():
    """It is nearer to the truth than the mean at either resolution."""
    x, _, _ = voxel_grid(96)
    inside = radius_grid(96) < 38
    truth = np.where(x < 0, *(weigh_shells(noise(2, 96), cut_at(end, 96)) for end in (4.0, 8.0))) * inside
    pair = pair_of(truth, 0.6)
    filtered = locally_filtered(pair, local_resolution(pair, inside.astype(np.float32)), 0.0)
    core = (radius_grid(96) < 32) & (np.abs(x) > 14)
    error = {name: np.sum((volume - truth)[core] ** 2) for name, volume in (
        ("local", filtered), ("mean", pair.mean), ("fine", weigh_shells(pair.mean, cut_at(4.0, 96))),
        ("coarse", weigh_shells(pair.mean, cut_at(8.0, 96))))}  # fmt: skip
    assert error["local"] < 0.95 * min(error["mean"], error["fine"], error["coarse"])


@pytest.mark.parametrize("b_factor", [50, 150])
def test_the_b_factor_put_in_comes_out_and_is_taken_off(b_factor):
    white = (noise(4) * (radius_grid(BOX) < 24)).astype(np.float32)
    signal = weigh_shells(white, np.exp(-b_factor / 4 * frequencies() ** 2))
    pair = pair_of(signal, 0.05)
    own = measure_agreement(pair).own.whole
    mask = (radius_grid(BOX) < 26).astype(np.float32)
    guinier = fit_guinier(pair, mask, own.corrected, own.resolution)
    assert guinier.b_factor == pytest.approx(-b_factor, rel=0.12)
    assert guinier.fitted[0] < 10 and guinier.fitted[1] >= own.resolution
    power = shell_power(sharpen(pair, own.corrected, guinier.b_factor) * mask) / shell_power(white)
    last = np.searchsorted(frequencies(), 1 / guinier.fitted[1])
    assert power[5:last].max() < 1.6 * power[5:last].min()


def test_no_b_factor_is_fitted_where_the_map_does_not_reach_far_enough():
    pair = pair_of(weigh_shells(noise(4), cut_at(13.0)), 0.1)
    own = measure_agreement(pair).own.whole
    guinier = fit_guinier(pair, soft_ball(20), own.corrected, own.resolution)
    assert guinier.b_factor is None and guinier.fitted is None
    assert "the map reaches 1" in guinier.refusal and "from 10 Å on" in guinier.refusal
    few = fit_guinier(pair, soft_ball(20), own.corrected, 9.0)
    assert few.b_factor is None and "too few for a line" in few.refusal


def test_coverage_of_even_side_and_few_views():
    """Side views around one axis have an SCF of 8 / π² = 0.81 (Baldwin & Lyumkis 2020)."""
    rng = np.random.default_rng(0)
    even = orientation_coverage(Rotation.random(20_000, random_state=0).as_matrix())
    assert even.scf > 0.98 and even.hardly_seen == 0 and even.views.max() < 1.6
    psi, rot = rng.uniform(-180, 180, (2, 20_000))
    side = orientation_coverage(euler_to_matrix(rot, np.full(20_000, 90.0), psi))
    assert side.scf == pytest.approx(8 / np.pi**2, abs=0.01)
    assert np.abs(side.directions[side.views > 2, 2]).max() < 0.3
    top = orientation_coverage(euler_to_matrix(rot, np.abs(rng.normal(0, 10, 20_000)), psi))
    assert top.scf < 0.2 and top.hardly_seen > 0.3
    assert top.directions[np.argmax(top.views), 2] > 0.98
    assert np.abs(top.directions[top.sampling < 0.1, 2]).min() > 0.35  # what is missing lies about the axis
    mended = np.concatenate([euler_to_matrix(rot, np.full(20_000, 90.0), psi), euler_to_matrix(rot, 0 * rot, psi)])
    few = np.where(np.arange(40_000) < 20_000, 1.0, 1e-6)
    assert orientation_coverage(mended, few).scf == pytest.approx(side.scf, abs=0.01)


def test_the_contour_level_divides_the_molecule():
    x, _, _ = voxel_grid(BOX)
    truth = np.where(ball(BOX, 18), np.where(x < 0, 1.0, 3.0), 0.0)
    volume = (truth + 0.1 * noise(3)).astype(np.float32)
    contour = contour_level(volume, soft_ball(21), PIXEL)
    assert 1.3 < contour.level < 2.8
    assert contour.enclosed == pytest.approx((truth > 2).sum() * PIXEL**3, rel=0.02)
    assert contour.mass == pytest.approx(contour.enclosed / 1210, rel=0.01)
    flat = contour_level(np.zeros((BOX,) * 3, np.float32), np.zeros((BOX,) * 3, np.float32), PIXEL)
    assert flat.level == 0


# ---------------------------------------------------------------------------- masks


def test_a_mask_of_the_half_maps_holds_the_molecule_and_not_the_box():
    for sigma in (0.2, 1.0, 3.0):
        mask = choose_mask(pair_of(molecule(), sigma), 6.0)
        assert mask.source == "made of the half-maps" and mask.warnings == ()
        core = radius_grid(BOX) < 0.25 * BOX - 2
        assert mask.volume[core].min() > 0.5
        assert (mask.volume > 0.5).sum() < 3.5 * (radius_grid(BOX) < 0.25 * BOX).sum()


def test_half_maps_of_noise_agree_nowhere_and_say_so():
    pair = pair_of(np.zeros((BOX,) * 3, np.float32), 1.0)
    agreement = measure_agreement(pair)
    assert agreement.own.resolution is None and agreement.own.whole.resolution is None
    assert "No density stands out" in agreement.mask.warnings[0]
    assert agreement.mask.volume.max() == 1 and agreement.mask.source == "the sphere in the box"


def test_a_mask_in_another_box_is_brought_to_the_maps(tmp_path):
    pair, soft = pair_of(molecule(), 0.4), soft_ball(20)
    for box, pixel_size in ((BOX, PIXEL), (2 * BOX, PIXEL), (BOX // 2, 2 * PIXEL), (BOX, 1.0)):
        shrunk = 1.0 if (box, pixel_size) == (BOX, 1.0) else pixel_size / PIXEL  # 1 Å is no knowledge
        given = (radius_grid(box) <= 20 / shrunk).astype(np.float32)
        write_map(tmp_path / "mask.mrc", given, pixel_size)
        mask = choose_mask(pair, 6.0, tmp_path / "mask.mrc")
        assert mask.source == "given, mask.mrc" and mask.warnings == ()
        assert np.abs((mask.volume > 0.5).sum() / (soft > 0.5).sum() - 0.65) < 0.35
        assert 0.2 < mask.volume[BOX // 2, BOX // 2, BOX // 2 + 22] < 1  # an edge was made


def test_masks_that_cannot_be_used_are_refused_in_a_sentence(tmp_path):
    pair = pair_of(molecule(), 0.4)
    for volume, pixel_size, words in (
        (np.zeros((BOX,) * 3), PIXEL, "mask is empty"),
        (5 * soft_ball(20), PIXEL, "is a map and no mask"),
        (ball(BOX, 30).astype(float), 3 * PIXEL, "reaches beyond the box of the half-maps, 64 voxels of 1.5 Å"),
    ):
        write_map(tmp_path / "mask.mrc", volume, pixel_size)
        with pytest.raises(InputError, match=words):
            choose_mask(pair, 6.0, tmp_path / "mask.mrc")


def test_a_mask_that_cuts_the_molecule_or_is_smaller_than_the_mesh_is_told(tmp_path):
    pair = pair_of(molecule(), 0.4)
    write_map(tmp_path / "half.mrc", soft_ball(20) * (np.arange(BOX) < BOX // 2 - 2), PIXEL)
    mesh = build_mesh(ball(BOX, 18), PIXEL, 12)
    (cut,) = choose_mask(pair, 6.0, tmp_path / "half.mrc").warnings
    assert "given, half.mrc" in cut and "leaves out 6" in cut
    warnings = choose_mask(pair, 6.0, tmp_path / "half.mrc", mesh).warnings
    assert len(warnings) == 2 and "smaller than the mesh" in warnings[1]
    elsewhere = build_mesh(ball(BOX, 6, (18, 0, 0)), PIXEL, 20)
    assert "of the mesh" in choose_mask(pair, 6.0, mesh=elsewhere).warnings[0]
    assert choose_mask(pair, 6.0, mesh=mesh).warnings == ()


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (np.ones((32, 32, 32)), np.ones((16, 16, 16)), "32 x 32 x 32 and 16 x 16 x 16 voxels"),
        (np.ones((8, 8, 8)), np.ones((8, 8, 8)), "box of 8 voxels"),
        (np.full((32, 32, 32), np.nan), np.ones((32, 32, 32)), "not numbers"),
        (np.zeros((32, 32, 32)), np.ones((32, 32, 32)), "one of them is empty"),
    ],
)
def test_maps_that_cannot_be_compared_are_refused(first, second, words):
    with pytest.raises(InputError, match=words):
        measure_agreement(HalfPair(first.astype(np.float32), second.astype(np.float32), 2.0))


def test_a_twin_in_another_box_is_refused():
    with pytest.raises(InputError, match="unlike boxes"):
        measure_agreement(pair_of(molecule(), 0.4), twin=pair_of(molecule(box=32), 0.4))


@pytest.mark.parametrize("box", [16, 17, 33])
def test_small_and_odd_boxes_are_measured(box):
    pair = pair_of(molecule(box=box, pixel_size=6.0), 0.2, pixel_size=6.0)
    agreement = measure_agreement(pair)
    local = local_resolution(pair, agreement.mask.volume)
    assert local.volume.shape == (box,) * 3 and np.isfinite(local.volume).all()
    assert 0 < agreement.own.whole.resolution < box * 6.0 and local.volume.min() >= 11.9
