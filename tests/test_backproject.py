"""Back-projection gives a known object back: place, hand, grey scale, and cryoDRGN's own toy."""

from __future__ import annotations

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.engine.maps.backproject import BackProjector
from chimerax.flexrec.engine.maps.fsc import fourier_shell_correlation
from chimerax.flexrec.particles.ctf import ctf_of
from chimerax.flexrec.particles.pickles import load_arrays_pickle
from scipy.spatial.transform import Rotation

POINTS = np.array([[5.0, 1.0, -3.0], [-4.0, 3.0, 2.0], [0.0, -6.0, 5.0], [1.0, 4.0, 6.0]])  # xyz, voxels
WEIGHTS = np.array([1.0, 2.0, 1.5, 0.7])
WIDTH = 1.6


def gaussians(coordinates, points):
    """Σ weights · exp(−|x − p|²/2w²) on a grid of coordinates (…, d), p of (n, d)."""
    squared = ((coordinates[..., None, :] - points) ** 2).sum(-1)
    return (np.exp(-squared / (2 * WIDTH**2)) * WEIGHTS).sum(-1)


def truth(box):
    along = np.arange(box) - box // 2
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    return gaussians(np.stack([x, y, z], -1), POINTS)


def projections(box, rotation, shift):
    """Analytic line integrals: the particle's origin at pixel box//2 − shift."""
    along = np.arange(box) - box // 2
    grid = np.stack(np.meshgrid(along, along), -1)
    seen = (POINTS @ rotation.swapaxes(1, 2))[:, :, :2] - shift[:, None]
    return np.stack([gaussians(grid, points) for points in seen]) * np.sqrt(2 * np.pi) * WIDTH


def backproject(spectra, ctf, rotation, shift):
    projector = BackProjector(spectra.shape[1])
    projector.insert(spectra, ctf, rotation, shift)
    return projector.map()


@pytest.fixture(scope="module")
def views():
    rng = np.random.default_rng(0)
    return Rotation.random(400, random_state=1).as_matrix(), rng.normal(0, 1.5, (400, 2))


@pytest.mark.parametrize("box", [32, 33])
def test_map_comes_back_in_place_with_its_hand_and_grey_scale(views, box):
    rotation, shift = views
    spectra = np.fft.rfft2(projections(box, rotation, shift))
    found, true = backproject(spectra, np.ones(spectra.shape), rotation, shift), truth(box)
    curve = fourier_shell_correlation(found, true)
    assert curve[: box // 3].min() > 0.96
    assert np.sum(found * true) / np.sum(true * true) == pytest.approx(1, abs=0.05)
    mirrored = rotation * np.array([1, 1, -1])[:, None] * np.array([1, 1, -1])
    assert (
        fourier_shell_correlation(backproject(spectra, np.ones(spectra.shape), mirrored, shift), true)[4:8].max() < 0.8
    )
    assert (
        fourier_shell_correlation(backproject(spectra, np.ones(spectra.shape), rotation, -shift), true)[4:8].max() < 0.8
    )


def test_ctf_is_divided_out_and_batches_add_up(views):
    rotation, shift = views
    n, one = len(rotation), np.ones(len(rotation))
    defocus = np.stack([np.linspace(8e3, 2e4, n), np.linspace(8e3, 2e4, n) - 300, 30 * one], -1)
    ctf = ctf_of(defocus, 0 * one, 300 * one, 2.7 * one, 0.1 * one, 32, 3.0)
    spectra = np.fft.rfft2(projections(32, rotation, shift)) * ctf
    first, second = BackProjector(32), BackProjector(32)
    first.insert(spectra[:150], ctf[:150], rotation[:150], shift[:150])
    second.insert(spectra[150:], ctf[150:], rotation[150:], shift[150:])
    found = first.merged(second).map()
    np.testing.assert_allclose(found, backproject(spectra, ctf, rotation, shift), atol=1e-4)
    assert fourier_shell_correlation(found, truth(32))[1:10].min() > 0.97
    ignored = backproject(spectra, np.ones(ctf.shape), rotation, shift)
    assert fourier_shell_correlation(ignored, truth(32))[8:11].mean() < 0.9


def test_correlation_of_a_map_with_itself_its_negative_and_noise():
    a, b = np.random.default_rng(0).normal(size=(2, 16, 16, 16))
    np.testing.assert_allclose(fourier_shell_correlation(a, a), 1)
    np.testing.assert_allclose(fourier_shell_correlation(a, -3 * a), -1)
    assert abs(fourier_shell_correlation(a, b)[3:].mean()) < 0.2
    assert not fourier_shell_correlation(a, np.zeros_like(a)).any()


def test_cryodrgns_toy_projections_give_its_toy_back(shared_data):
    """Fixes axis order and hand absolutely: images, poses and map are another program's (it left shifts out)."""
    folder = shared_data / "cryodrgn"
    rotation, _ = load_arrays_pickle(folder / "toy_rot_trans.pkl")
    with pytest.warns(RuntimeWarning):
        images = mrcfile.read(folder / "toy_projections.mrcs")
    spectra = np.fft.rfft2(images)
    true = mrcfile.read(folder / "toymodel_small_nocenter.mrc")
    found = backproject(spectra, np.ones(spectra.shape), rotation, np.zeros((1000, 2)))
    assert fourier_shell_correlation(found, true)[1:13].min() > 0.98
    mirrored = rotation * np.array([1, 1, -1])[:, None] * np.array([1, 1, -1])
    wrong = backproject(spectra, np.ones(spectra.shape), mirrored, np.zeros((1000, 2)))
    assert fourier_shell_correlation(wrong, true)[3:13].max() < 0.6
