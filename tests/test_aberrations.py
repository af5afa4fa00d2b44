"""Aberrations, magnification, B-factor and scale: the formulas, and that images made with them are read rightly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from chimerax.flexrec.particles import read_particles, write_star
from chimerax.flexrec.particles.aberrations import (
    even_index,
    even_phase,
    from_cryosparc,
    odd_index,
    odd_phase,
    with_beam_tilt,
    zernike,
)
from chimerax.flexrec.particles.ctf import ctf_of, ctf_rfft, frequencies, odd_factor, unmultiplied, wavelength
from chimerax.flexrec.particles.observe import observe
from chimerax.flexrec.particles.particles import MULTIPLIED, PHASE_FLIPPED, Optics
from chimerax.flexrec.simulate.moving_molecule import MovingMolecule
from chimerax.flexrec.simulate.simulated_images import signal
from test_simulate import cloud, optics, points

LAM = float(wavelength(300.0))
KX, KY = np.array([0.11, -0.07, 0.0]), np.array([0.02, 0.13, 0.2])
RHO, THETA = np.hypot(KX, KY), np.arctan2(KY, KX)


def one_group(**changes):
    one = np.ones(1)
    return Optics(300 * one, 2.7 * one, 0.1 * one, 2 * one, np.array([32]), ("a",), **changes)


def test_polynomials_are_numbered_as_relions():
    """The first of src/jaz/math/Zernike.cpp, written out."""
    assert [odd_index(i) for i in range(7)] == [(-1, 1), (1, 1), (-3, 3), (-1, 3), (1, 3), (3, 3), (-5, 5)]
    assert [even_index(i) for i in range(6)] == [(0, 0), (-2, 2), (0, 2), (2, 2), (-4, 4), (-2, 4)]
    assert [even_index(i) for i in (6, 7, 8)] == [(0, 4), (2, 4), (4, 4)]


@pytest.mark.parametrize(
    "m, n, expected",
    [
        (0, 0, np.ones(3)),
        (1, 1, KX),
        (-1, 1, KY),
        (0, 2, 2 * RHO**2 - 1),
        (1, 3, (3 * RHO**3 - 2 * RHO) * np.cos(THETA)),
        (-3, 3, RHO**3 * np.sin(3 * THETA)),
        (2, 4, (4 * RHO**4 - 3 * RHO**2) * np.cos(2 * THETA)),
        (0, 4, 6 * RHO**4 - 6 * RHO**2 + 1),
    ],
)
def test_polynomials(m, n, expected):
    np.testing.assert_allclose(zernike(m, n, KX, KY), expected, atol=1e-12)


def test_beam_tilt_is_added_to_what_is_there():
    start = np.array([[0.5, 0, 3.0]])
    odd = with_beam_tilt(start, np.array([[0.3, -0.4]]), np.array([2.7]), np.array([LAM]))
    expected = 0.5 * KY + 3 * RHO**3 * np.sin(3 * THETA)
    expected -= 2 * np.pi * 2.7e7 * LAM**2 * (0.3e-3 * KX - 0.4e-3 * KY) * RHO**2
    np.testing.assert_allclose(odd_phase(one_group(odd=odd), 0, KX, KY), expected, atol=1e-12)


def test_cryosparcs_numbers():
    tilt, trefoil, tetra = (np.array([v]) for v in ([900.0, -700], [500.0, -300], [100.0, -200, 50, -75]))
    odd, even = from_cryosparc(tilt, trefoil, tetra, np.array([LAM]))
    group = one_group(odd=odd, even=even)
    expected = -2 * np.pi * LAM**2 * (900 * KX - 700 * KY) * RHO**2
    expected += 2 * np.pi / 3 * LAM**2 * RHO**3 * (500 * np.sin(3 * THETA) - 300 * np.cos(3 * THETA))
    np.testing.assert_allclose(odd_phase(group, 0, KX, KY), expected, atol=1e-12)
    expected = 2 * np.pi * LAM**3 * RHO**4 * (-100 * np.cos(2 * THETA) - 200 * np.sin(2 * THETA))
    expected += np.pi / 2 * LAM**3 * RHO**4 * (50 * np.cos(4 * THETA) + 75 * np.sin(4 * THETA))
    np.testing.assert_allclose(even_phase(group, 0, KX, KY), expected, atol=1e-12)


def experiment(**changes):
    return optics(4, box=32, pixel_size=2.0, defocus=np.tile([9e3, 8e3, 25.0], (4, 1)), **changes)


def test_ctf_with_everything_is_its_formula():
    even, matrix = np.array([0, 0.0, 0, 5.0, 900.0]), np.array([[1.01, 0.004], [0.002, 0.98]])
    p = experiment(even=even, magnification=matrix, b_factor=60.0, scale=np.array([1, 0.5, 2, 1])).particles()
    kx, ky = frequencies(32, 2.0)
    x, y = matrix[0, 0] * kx + matrix[0, 1] * ky, matrix[1, 0] * kx + matrix[1, 1] * ky
    squared, angle = x**2 + y**2, np.arctan2(y, x) - np.radians(25)
    gamma = np.pi * LAM * (9e3 * np.cos(angle) ** 2 + 8e3 * np.sin(angle) ** 2) * squared
    gamma -= np.pi / 2 * 2.7e7 * LAM**3 * squared**2
    gamma -= 5 * zernike(2, 2, x, y) + 900 * zernike(-4, 4, x, y)
    expected = np.sin(gamma + np.arcsin(0.1)) * np.exp(-15 * squared)
    np.testing.assert_allclose(ctf_rfft(p, 32, 2.0)[1], 0.5 * expected, atol=2e-6)
    flipped = replace(p, optics=replace(p.optics, ctf_state=np.array([PHASE_FLIPPED], np.int8)))
    np.testing.assert_allclose(ctf_rfft(flipped, 32, 2.0)[0], np.abs(expected), atol=2e-6)


def test_nothing_special_is_the_plain_ctf():
    p = experiment().particles()
    plain = ctf_of(p.defocus, np.zeros(4), *(np.full(4, v) for v in (300.0, 2.7, 0.1)), 32, 2.0)
    assert ctf_rfft(p, 32, 2.0).tobytes() == plain.tobytes()
    assert odd_factor(p, 32, 2.0, np.arange(4)) is None


ABERRATIONS = {
    "tilt and trefoil": {"odd": np.array([0, 2.0, 700.0, 300.0, -200, 400])},
    "tetrafoil": {"even": np.array([0, 0, 0, 0, 2e3, 0, 0, 0, 1e3])},
    "magnification": {"magnification": np.array([[1.02, 0.005], [0.01, 0.97]])},
}


@pytest.mark.parametrize("name", ABERRATIONS)
def test_images_are_the_transfer_times_the_projection_along_the_view(name):
    """Of points: the projection's transform at a frequency is a sum of phases of where the view puts them."""
    e = experiment(**ABERRATIONS[name], shift=np.array([[3.0, -2.0]] * 4))
    moving = MovingMolecule.build(cloud(points(8, 3) / 4), ())
    particles, rows = e.particles(), np.arange(4)
    spectra, transfer = observe(particles, np.fft.rfft2(signal(moving, e, rows)), 2.0, rows)
    kx, ky = frequencies(32, 2.0)
    placed = moving.points @ particles.views(rows)[0, :2].T - [3.0, -2.0]
    phases = np.exp(-2j * np.pi * (kx[..., None] * (placed[:, 0] + 32) + ky[..., None] * (placed[:, 1] + 32)))
    (a, b), (c, d) = particles.optics.magnification[0]
    width = np.exp(-2 * (np.pi * moving.width) ** 2 * ((a * kx + b * ky) ** 2 + (c * kx + d * ky) ** 2))
    expected = width * transfer[0] * (phases @ moving.weights)
    inside = np.ones((32, 17), bool)
    inside[16], inside[:, 16] = False, False  # Nyquist holds both signs
    apart = np.abs(spectra[0] - expected)[inside].max() / np.abs(expected).max()
    assert apart < 2e-3
    plain, _ = observe(experiment(shift=e.shift).particles(), np.fft.rfft2(signal(moving, e, rows)), 2.0, rows)
    wrong = ctf_rfft(experiment().particles(), 32, 2.0)[0] * expected / np.where(transfer[0] == 0, 1, transfer[0])
    assert np.abs(plain[0] - wrong)[inside].max() / np.abs(expected).max() > 10 * apart  # it does matter


def test_multiplied_images_become_phase_flipped_ones():
    e = experiment()
    plain = e.particles()
    multiplied = replace(plain, optics=replace(plain.optics, ctf_state=np.array([MULTIPLIED], np.int8)))
    spectra = np.fft.rfft2(np.random.default_rng(0).normal(size=(4, 32, 32)))
    ctf = ctf_rfft(plain, 32, 2.0)
    back = unmultiplied(spectra * ctf, multiplied, 32, 2.0, np.arange(4))
    large = np.abs(ctf) > 0.06
    np.testing.assert_allclose(back[large], (spectra * np.sign(ctf))[large], rtol=1e-4)
    assert np.abs(back).max() <= np.abs(spectra).max() * 1.001
    assert unmultiplied(spectra, plain, 32, 2.0, np.arange(4)) is spectra


def test_written_and_read_again(tmp_path):
    e = experiment(**{k: v for d in ABERRATIONS.values() for k, v in d.items()}, b_factor=20.0,
                   scale=np.array([1, 0.9, 1.1, 1]))  # fmt: skip
    particles = e.particles(tmp_path / "a.mrcs")
    write_star(tmp_path / "p.star", particles)
    again = read_particles(tmp_path / "p.star")
    for name in ("odd", "even", "magnification", "ctf_state"):
        np.testing.assert_allclose(getattr(again.optics, name), getattr(particles.optics, name), rtol=1e-9)
    np.testing.assert_allclose(again.scale, particles.scale)
    np.testing.assert_allclose(again.b_factor, particles.b_factor)
    np.testing.assert_allclose(ctf_rfft(again, 32, 2.0), ctf_rfft(particles, 32, 2.0), atol=1e-6)
