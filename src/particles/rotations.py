"""Rotation matrices from and to RELION's Euler angles and cryoSPARC's rotation vectors.

The Euler angles are written out: scipy's take five times as long, refuse NaN, and choose the other angle at the poles.
"""

from __future__ import annotations

import numpy as np


def euler_to_matrix(rot: np.ndarray, tilt: np.ndarray, psi: np.ndarray) -> np.ndarray:
    """RELION's ``Euler_angles2matrix``.

    Parameters
    ----------
    rot, tilt, psi : (n,) degrees.

    Returns
    -------
    (n, 3, 3) float64: Rz(psi) Ry(tilt) Rz(rot), each turning the coordinate axes (the transpose of turning the object).
    """
    sa, sb, sg = (np.sin(np.radians(angle)) for angle in (rot, tilt, psi))
    ca, cb, cg = (np.cos(np.radians(angle)) for angle in (rot, tilt, psi))
    rows = [
        [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb],
        [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb],
        [sb * ca, sb * sa, cb],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2).astype(np.float64)


def matrix_to_euler(rotation: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rot, tilt, psi), (n,) degrees each, of (n, 3, 3) matrices; the inverse of ``euler_to_matrix``.

    At tilt 0 and 180 only psi ± rot is determined, and rot is set to 0.
    """
    r = np.asarray(rotation, np.float64)
    sine = np.hypot(r[:, 0, 2], r[:, 1, 2])
    pole = sine < 1e-9
    rot = np.where(pole, 0.0, np.arctan2(r[:, 2, 1], r[:, 2, 0]))
    psi = np.where(pole, np.arctan2(r[:, 0, 1], r[:, 1, 1]), np.arctan2(r[:, 1, 2], -r[:, 0, 2]))
    return np.degrees(rot), np.degrees(np.arctan2(sine, r[:, 2, 2])), np.degrees(psi)


def vector_to_matrix(vector: np.ndarray) -> np.ndarray:
    """(n, 3, 3) rotation matrices of (n, 3) rotation vectors: axis times angle in radians."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(np.asarray(vector, np.float64)).as_matrix()


def even_directions(count: int) -> np.ndarray:
    """(count, 3) float64 unit vectors xyz, evenly over the sphere: a spiral whose turns are golden angles apart."""
    height = 1 - (2 * np.arange(count) + 1) / count
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(count)
    flat = np.sqrt(1 - height**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)
