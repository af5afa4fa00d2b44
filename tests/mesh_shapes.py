"""Small bodies of known shape that the mesh tests share."""

from __future__ import annotations

import numpy as np


def voxel_grid(box: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y, z of every voxel, in voxels from voxel N//2; arrays are [z, y, x]."""
    along = np.arange(box) - box // 2
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    return x, y, z


def ball(box: int, radius: float, centre: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    """Bool ball; ``centre`` in xyz, voxels."""
    x, y, z = voxel_grid(box)
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 <= radius**2


def dumbbell(box: int = 48, radius: float = 9, apart: float = 11, neck: float = 3) -> np.ndarray:
    """Two balls at x = -apart and +apart, joined by a thin rod."""
    x, y, z = voxel_grid(box)
    rod = (np.abs(x) < apart) & (y**2 + z**2 <= neck**2)
    return ball(box, radius, (-apart, 0, 0)) | ball(box, radius, (apart, 0, 0)) | rod


def blurred(mask: np.ndarray, sigma: float = 1.0) -> np.ndarray:
    """A body as density: float32, 1 inside, with soft sides."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(mask.astype(np.float32), sigma)


def turned_about_z(density: np.ndarray, degrees: float) -> np.ndarray:
    """The map turned about z through the centre of voxel N//2."""
    from scipy.ndimage import affine_transform

    angle = np.radians(degrees)
    back = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    centre = np.full(3, density.shape[0] // 2)
    return affine_transform(density, back, centre - back @ centre, order=1)
