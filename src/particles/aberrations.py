"""Aberrations of higher order and anisotropic magnification, in RELION's conventions.

Zivanov, Nakane & Scheres, IUCrJ 7, 253 (2020).

The transform of an image at the frequency k is ``CTF(M k) exp(i φ(M k))`` times the projection's at ``M k``. M is the
2 x 2 matrix of the magnification. φ, antisymmetric, shifts phases; a symmetric phase χ is added to the CTF's:
``sin(γ − χ)``. Both are sums of Zernike polynomials of the frequency in 1/Å, with coefficients in radians.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np

from .particles import Optics


def odd_index(number: int) -> tuple[int, int]:
    """Azimuthal and radial order (m, n) of antisymmetric polynomial ``number``: (−1, 1), (1, 1), (−3, 3), (−1, 3), …"""
    k = int(((1 + 4 * number) ** 0.5 - 1) / 2)
    return 2 * (number - k * k - k) - (2 * k + 1), 2 * k + 1


def even_index(number: int) -> tuple[int, int]:
    """Azimuthal and radial order (m, n) of symmetric polynomial ``number``: (0, 0), (−2, 2), (0, 2), (2, 2), …"""
    k = int(number**0.5)
    return 2 * (number - k * k - k), 2 * k


def zernike(m: int, n: int, kx: np.ndarray, ky: np.ndarray) -> np.ndarray:
    """The polynomial R(|m|, n; ρ) times cos(m θ) for m ≥ 0, sin(−m θ) for m < 0; ρ and θ are those of (kx, ky)."""
    order, rho, theta = abs(m), np.hypot(kx, ky), np.arctan2(ky, kx)
    radial = sum(
        (-1) ** k * factorial(n - k)
        / (factorial(k) * factorial((n + order) // 2 - k) * factorial((n - order) // 2 - k))
        * rho ** (n - 2 * k)
        for k in range((n - order) // 2 + 1)
    )  # fmt: skip
    return radial * (np.cos(order * theta) if m >= 0 else np.sin(order * theta))


def with_beam_tilt(odd: np.ndarray, tilt: np.ndarray, spherical_aberration: np.ndarray, lam: np.ndarray) -> np.ndarray:
    """Antisymmetric coefficients ``(g, c)`` with the phase −2π Cs λ² (tilt · k) k² of beam tilts ``(g, 2)`` added.

    Tilts are in mrad, Cs in mm and λ in Å. RELION adds the tilt to what the file has of coefficients, too.
    """
    out = np.zeros((len(odd), max(6, odd.shape[1])))
    out[:, : odd.shape[1]] = odd
    third = -2 * np.pi * spherical_aberration[:, None] * 1e7 * lam[:, None] ** 2 * tilt * 1e-3 / 3
    # 3 ρ² (x, y) = 2 (x, y) + (3 ρ³ − 2 ρ) (cos θ, sin θ)
    out[:, [1, 0]] += 2 * third
    out[:, [4, 3]] += third
    return out


def from_cryosparc(
    tilt: np.ndarray, trefoil: np.ndarray, tetrafoil: np.ndarray, lam: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Antisymmetric ``(g, 6)`` and symmetric ``(g, 9)`` coefficients of cryoSPARC's ctf/tilt_A, trefoil_A and tetra_A.

    φ = λ² k³ (−2π t·k/k + 2π/3 (T₀ sin 3θ + T₁ cos 3θ)) and
    χ = λ³ k⁴ (2π (−Q₀ cos 2θ + Q₁ sin 2θ) + π/2 (Q₂ cos 4θ − Q₃ sin 4θ)), all in Å. The tilt is as pyem converts it;
    the others are known from another reader of the format only.
    """
    odd, even = np.zeros((len(lam), 6)), np.zeros((len(lam), 9))
    third = -2 * np.pi * lam[:, None] ** 2 * tilt / 3
    odd[:, [1, 0]], odd[:, [4, 3]] = 2 * third, third
    odd[:, [2, 5]] = 2 * np.pi / 3 * lam[:, None] ** 2 * trefoil
    cubed = lam**3
    # ρ⁴ cos 2θ = ((4 ρ⁴ − 3 ρ²) + 3 ρ²) / 4 cos 2θ, and so for the sine
    second = 2 * np.pi * cubed[:, None] * tetrafoil[:, :2] * [-1, 1]
    even[:, [7, 5]], even[:, [3, 1]] = second / 4, 3 * second / 4
    even[:, [8, 4]] = np.pi / 2 * cubed[:, None] * tetrafoil[:, 2:] * [1, -1]
    return odd, even


def magnified(optics: Optics, group: int, kx: np.ndarray, ky: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies ``M k`` (1/Å) of one optics group, of image frequencies ``kx``, ``ky`` that broadcast."""
    (a, b), (c, d) = optics.magnification[group]
    return a * kx + b * ky, c * kx + d * ky


def odd_phase(optics: Optics, group: int, kx: np.ndarray, ky: np.ndarray) -> np.ndarray:
    """φ (radians) of one optics group at image frequencies ``kx``, ``ky`` (1/Å), which broadcast."""
    return _sum(optics.odd[group], odd_index, *magnified(optics, group, kx, ky))


def even_phase(optics: Optics, group: int, kx: np.ndarray, ky: np.ndarray) -> np.ndarray:
    """χ (radians) of one optics group at image frequencies ``kx``, ``ky`` (1/Å), which broadcast."""
    return _sum(optics.even[group], even_index, *magnified(optics, group, kx, ky))


def _sum(
    coefficients: np.ndarray, index: Callable[[int], tuple[int, int]], kx: np.ndarray, ky: np.ndarray
) -> np.ndarray:
    phase = np.zeros(np.broadcast_shapes(kx.shape, ky.shape))
    for number in np.flatnonzero(coefficients):
        m, n = index(int(number))
        phase += coefficients[number] * zernike(m, n, kx, ky)
    return phase
