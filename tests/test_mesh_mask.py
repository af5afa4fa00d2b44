from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.mesh.map_files import low_pass
from chimerax.flexrec.mesh.mask import (
    check_given_mask,
    cut_fraction,
    find_levels,
    find_molecule,
    make_mask,
    mask_resolution,
    soften,
)
from mesh_shapes import ball, blurred, turned_about_z, voxel_grid


def noisy(density, sigma, seed=0):
    return (density + np.random.default_rng(seed).normal(0, sigma, density.shape)).astype(np.float32)


def swinging(degrees, box=64):
    """A still body and an arm of 24 voxels that swings in the xy plane: the mean map, and the arm in each state."""
    x, y, z = voxel_grid(box)
    still = blurred(ball(box, 8, (-8, 0, 0)))
    arm = blurred((x > 0) & (x < 24) & (y**2 + z**2 < 36))
    states = [turned_about_z(arm, angle) for angle in np.linspace(-degrees, degrees, 11)]
    return still + np.mean(states, axis=0), states


@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("degrees", [0, 15, 30])
def test_the_smear_of_a_swinging_domain_is_in_the_mask(degrees, sigma):
    consensus, states = swinging(degrees)
    mask = make_mask(noisy(consensus, sigma), 3.0, 10, None, 5, 5)
    kept = [(state * mask).sum() / state.sum() for state in states]
    assert min(kept) > 0.95
    assert (mask > 0).mean() < 0.12


@pytest.mark.parametrize("sigma", [0.1, 0.3])
def test_the_smear_of_a_real_antibody_is_in_the_mask(shared_data, sigma):
    consensus, states, pixel_size = antibody(shared_data, 30)
    mask = make_mask(noisy(consensus, sigma * consensus.max() / 3), pixel_size, 10, None, 5, 5)
    assert min((state * mask).sum() / state.sum() for state in states) > 0.95
    assert (mask > 0).mean() < 0.06


def antibody(shared_data, degrees, box=64, pixel_size=4.5):
    """1HZH blurred to 64 voxels, one Fab bending at its hinge: mean map, the Fab in each state, pixel size."""
    from scipy.ndimage import gaussian_filter

    lines = (shared_data / "molecules" / "1hzh.pdb").read_text().splitlines()
    atoms = [line for line in lines if line.startswith("ATOM")]
    place = np.array([[float(line[at : at + 8]) for at in (30, 38, 46)] for line in atoms])
    place -= place.mean(axis=0)
    chain, residue = np.array([line[21] for line in atoms]), np.array([int(line[22:26]) for line in atoms])
    fab = (chain == "L") | ((chain == "H") & (residue <= 230))
    hinge = place[(chain == "H") & (residue > 228) & (residue < 236)].mean(axis=0)
    axis = np.cross(place[fab].mean(axis=0) - hinge, place[~fab].mean(axis=0) - hinge)
    axis /= np.linalg.norm(axis)

    def density(points):
        edges = [(np.arange(box + 1) - box // 2 - 0.5) * pixel_size] * 3
        return gaussian_filter(np.histogramdd(points[:, ::-1], edges)[0], 1.2).astype(np.float32)

    def turned(angle):
        arm, c, s = place[fab] - hinge, np.cos(np.radians(angle)), np.sin(np.radians(angle))
        return arm * c + np.cross(axis, arm) * s + np.outer(arm @ axis, axis) * (1 - c) + hinge

    states = [density(turned(angle)) for angle in np.linspace(-degrees, degrees, 7)]
    return density(place[~fab]) + np.mean(states, axis=0), states, pixel_size


def test_an_antibody_falls_into_its_three_domains(shared_data):
    from chimerax.flexrec.mesh.domains import find_domains
    from chimerax.flexrec.mesh.joints import contact_joints

    consensus, states, pixel_size = antibody(shared_data, 15)
    mask = make_mask(noisy(consensus, 0.03 * consensus.max()), pixel_size, 10, None, 5, 5) > 0
    domain = find_domains(low_pass(consensus, pixel_size, 13.5), mask, 0)
    assert domain.max() == 2
    share = [[(state * (domain == k)).sum() / state.sum() for k in range(3)] for state in states]
    assert min(max(row) for row in share) > 0.9 and len({int(np.argmax(row)) for row in share}) == 1
    joints = contact_joints(domain, 3)
    assert len(joints) == 2 and int(np.argmax(share[0])) not in (joints[0][0], joints[1][0])


def test_noise_alone_is_no_molecule():
    with pytest.raises(InputError, match="No density stands out"):
        make_mask(noisy(np.zeros((48, 48, 48)), 1.0), 3.0, 10, None, 5, 5)


def test_black_molecules_are_noticed():
    with pytest.raises(InputError, match="dark"):
        make_mask(noisy(-blurred(ball(48, 10)), 0.02), 3.0, 10, None, 5, 5)


def test_levels_are_measured_off_the_noise():
    levels = find_levels(noisy(5.0 + blurred(ball(48, 10)), 0.02))
    assert levels.background == pytest.approx(5.0, abs=0.01) and levels.noise == pytest.approx(0.02, rel=0.2)
    assert 5.2 < levels.high < 5.9 and 5.05 < levels.low < levels.high


def test_small_islands_are_dropped_and_holes_filled():
    shell = blurred(ball(48, 14) & ~ball(48, 5) | ball(48, 2, (0, 0, 20)))
    molecule = find_molecule(shell, 2.0, 4.0, 0.5)
    assert molecule[24, 24, 24] and not molecule[44, 24, 24]


def test_a_threshold_above_the_map_is_refused():
    with pytest.raises(InputError, match="mask is empty"):
        find_molecule(blurred(ball(32, 8)), 2.0, 4.0, 3.0)


def test_the_soft_edge_has_the_width_asked():
    soft = soften(ball(64, 10), 2.0, 6.0, 10.0)
    line = soft[32, 32, 32:]
    assert (line[:14] == 1).all() and line[18] < 0.01 + 0.5 and (line[19:] == 0).all()
    assert 0.4 < line[15] < 0.8 and (np.diff(line) <= 0).all()
    assert set(np.unique(soften(ball(64, 10), 2.0, 6.0, 0))) == {0, 1}


def test_the_low_pass_is_three_voxels_at_least():
    assert mask_resolution(5.0, 10) == 15 and mask_resolution(1.0, 10) == 10


def test_a_given_mask_is_taken_or_softened_or_refused():
    soft = soften(ball(32, 8), 2.0, 0, 6)
    assert np.allclose(check_given_mask(Path("m.mrc"), soft, 2.0, 5), soft, atol=0.011)
    padded = check_given_mask(Path("m.mrc"), ball(32, 8).astype(np.float32), 2.0, 6)
    assert 0 < ((padded > 0) & (padded < 1)).sum() and (padded > 0).sum() > ball(32, 8).sum()
    with pytest.raises(InputError, match="a map and no mask"):
        check_given_mask(Path("m.mrc"), 5 * soft, 2.0, 5)
    with pytest.raises(InputError, match="m.mrc: the mask is empty, no voxel reaches 0.5"):
        check_given_mask(Path("m.mrc"), 0.2 * soft, 2.0, 5)


def test_the_density_that_a_mask_cuts_is_measured():
    two = blurred(ball(48, 7, (-10, 0, 0)) | ball(48, 7, (10, 0, 0)))
    half = soften(ball(48, 9, (-10, 0, 0)), 2.0, 0, 2)
    assert cut_fraction(two, half, 2.0, 6) == pytest.approx(0.5, abs=0.03)
    assert cut_fraction(two, np.ones_like(two), 2.0, 6) == 0
