"""The contrast transfer function against its textbook form, and the sign and angle conventions."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.particles.ctf import ctf_of, wavelength


def ctf(defocus, phase_shift=0.0, kv=300.0, cs=2.7, w=0.1, box=64, pixel_size=1.3):
    one = np.ones(1)
    return ctf_of(np.array([defocus], float), phase_shift * one, kv * one, cs * one, w * one, box, pixel_size)[0]


@pytest.mark.parametrize("kv, angstrom", [(100, 0.03701), (200, 0.02508), (300, 0.01969)])
def test_wavelength(kv, angstrom):
    assert wavelength(kv) == pytest.approx(angstrom, abs=1e-5)


def test_agrees_with_the_formula_written_out_in_polar_form():
    u, v, angle, phase = 18000.0, 12000.0, 25.0, 40.0
    kx, ky = np.meshgrid(np.fft.rfftfreq(64, 1.3), np.fft.fftfreq(64, 1.3))
    k, theta, lam = np.hypot(kx, ky), np.arctan2(ky, kx), wavelength(300.0)
    df = u * np.cos(theta - np.radians(angle)) ** 2 + v * np.sin(theta - np.radians(angle)) ** 2
    gamma = np.pi * lam * df * k**2 - np.pi / 2 * 2.7e7 * lam**3 * k**4 + np.radians(phase)
    np.testing.assert_allclose(ctf((u, v, angle), phase), np.sin(gamma + np.arcsin(0.1)), atol=1e-5)


def test_underfocus_is_positive_near_zero_and_defocus_u_is_along_its_angle():
    c = ctf((15000, 15000, 0))
    assert c[0, 0] == pytest.approx(0.1, abs=1e-6) and c[0, 1] > 0.1
    along_x = ctf((30000, 10000, 0))
    assert along_x[0, 1] > along_x[1, 0]  # phase grows faster along x, where the defocus is larger
    along_y = ctf((30000, 10000, 90))
    assert along_y[1, 0] > along_y[0, 1]
    diagonal = ctf((30000, 10000, 45))
    assert diagonal[1, 1] > diagonal[-1, 1]  # +45° is towards +y


def test_phase_plate_is_a_cosine():
    assert ctf((0, 0, 0), 90, cs=0, w=0)[5, 5] == pytest.approx(1, abs=1e-6)
