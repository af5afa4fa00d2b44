"""A molecule with hinges: its exact images and maps at any state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from scipy import fft, ndimage

from .hinges import Hinge, groups, motions
from .molecule import Molecule
from .nufft import project_points, transform_points


@dataclass(frozen=True)
class MovingMolecule:
    """Points sorted by the hinges that carry them.

    points : (a, 3) float64, Å from the map's centre; weights : (a,) float32, gain included
    codes : (g,) int64, bit h set where hinge h moves the group; offsets : (g + 1,) int64
    hinges : what moves
    width : Å, standard deviation of a point's Gaussian; band : 1/Å, frequencies above are absent
    part : (a,) int16, which of the parts that some particles lack a point is in, −1 for none; None without such parts
    """

    points: np.ndarray
    weights: np.ndarray
    codes: np.ndarray
    offsets: np.ndarray
    hinges: tuple[Hinge, ...]
    width: float
    band: float
    part: np.ndarray | None = None

    @classmethod
    def build(
        cls, molecule: Molecule, hinges: tuple[Hinge, ...], gain: float = 1.0, part: np.ndarray | None = None
    ) -> MovingMolecule:
        """Sort a molecule's points by group; ``gain`` scales its density, ``part`` ``(a,)`` is as above."""
        code = groups(hinges, len(molecule))
        order = np.argsort(code, kind="stable")
        codes, counts = np.unique(code, return_counts=True)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        weights = (molecule.weight[order] * gain).astype(np.float32)
        part = None if part is None else part[order]
        return cls(molecule.position[order], weights, codes, offsets, hinges, molecule.width, molecule.band, part)

    @property
    def droppable(self) -> int:
        """How many parts there are that some particles lack."""
        return 0 if self.part is None else int(self.part.max()) + 1

    def lacking(self, absent: np.ndarray) -> MovingMolecule:
        """The molecule without the parts that are ``absent`` ``(p,)``."""
        if self.part is None or not absent.any():
            return self
        gone = np.append(absent, False)[self.part]
        return replace(self, weights=np.where(gone, np.float32(0), self.weights))

    def radius(self, angles: np.ndarray) -> float:
        """Largest distance (Å) of any point from the centre over the states ``(n, h)``."""
        return max(float(np.linalg.norm(self.points_at(state), axis=1).max()) for state in angles)

    def points_at(self, angles: np.ndarray) -> np.ndarray:
        """Points ``(a, 3)`` in Å at one state ``(h,)`` in degrees."""
        moved = np.empty_like(self.points)
        for code, first, last in zip(self.codes, self.offsets[:-1], self.offsets[1:]):
            motion = motions(self.hinges, angles[None], int(code))[0]
            moved[first:last] = self.points[first:last] @ motion[:, :3].T + motion[:, 3]
        return moved

    def images(
        self,
        angles: np.ndarray,
        rotation: np.ndarray,
        shift: np.ndarray,
        box: int,
        pixel_size: float,
        magnification: np.ndarray | None = None,
    ) -> np.ndarray:
        """Fourier transforms ``(b, box, box // 2 + 1)`` of the projections, without CTF.

        angles : (b, h) degrees; rotation : (b, 3, 3); shift : (b, 2) Å. Pixel box // 2 minus the shift is the origin.
        magnification : (2, 2) from the images' frequencies to the molecule's, as in `Optics`.
        """
        matrix = np.eye(2) if magnification is None else magnification
        kx, ky = np.fft.rfftfreq(box, pixel_size), np.fft.fftfreq(box, pixel_size)[:, None]
        squared = (matrix[0, 0] * kx + matrix[0, 1] * ky) ** 2 + (matrix[1, 0] * kx + matrix[1, 1] * ky) ** 2
        affine = np.empty((len(angles), len(self.codes), 2, 4))
        for column, code in enumerate(self.codes):
            motion = motions(self.hinges, angles, int(code))
            affine[:, column] = matrix.T @ rotation[:, :2] @ motion / pixel_size
        affine[..., 3] += (box // 2 - shift / pixel_size)[:, None, :]
        transform = project_points(self.points, self.weights, self.offsets, affine, box)
        return transform * self._gaussian(squared)

    def map_at(self, angles: np.ndarray, box: int, pixel_size: float) -> np.ndarray:
        """The true map ``[z, y, x]`` float32 at one state (h,), or the mean over states (n, h), in degrees.

        Its discrete Fourier transform is exact, so that every image without noise and CTF is a central slice of it.
        """
        states, moves = np.atleast_2d(np.asarray(angles, np.float64)), self.moves()
        # what no hinge moves is the same in all states: once is enough
        sets = chain([self.points[~moves]], (self.points_at(state)[moves] for state in states))
        weights = chain([self.weights[~moves] * len(states)], (self.weights[moves] for _ in states))
        points = (each / pixel_size + box // 2 for each in sets)
        transform = transform_points(points, weights, box) / np.float32(len(states))
        return fft.irfftn(transform * self._form_factor(box, pixel_size), s=(box,) * 3).astype(np.float32)

    def moves(self) -> np.ndarray:
        """Points ``(a,)`` bool that any hinge moves."""
        return np.repeat(self.codes > 0, np.diff(self.offsets))

    def moving_mask(
        self, angles: np.ndarray, box: int, pixel_size: float, hinge: int | None = None, edge: float = 6.0
    ) -> np.ndarray:
        """Soft mask ``[z, y, x]`` of the moving part at one state (h,), or of the union over states (n, h).

        1 within 4 Å (and at least 1.5 voxels) of a moving atom, falling to 0 as a cosine over ``edge`` Å. ``hinge``:
        only what that hinge moves.
        """
        chosen = self.codes > 0 if hinge is None else (self.codes >> hinge & 1).astype(bool)
        return self._soft_mask(np.repeat(chosen, np.diff(self.offsets)), angles, box, pixel_size, edge)

    def mask(self, angles: np.ndarray, box: int, pixel_size: float, edge: float = 6.0) -> np.ndarray:
        """The same of the whole molecule."""
        return self._soft_mask(np.ones(len(self.points), bool), angles, box, pixel_size, edge)

    def _soft_mask(
        self, chosen: np.ndarray, angles: np.ndarray, box: int, pixel_size: float, edge: float
    ) -> np.ndarray:
        occupied = np.zeros((box,) * 3, bool)
        for state in np.atleast_2d(np.asarray(angles, np.float64)):
            index = np.rint(self.points_at(state)[chosen] / pixel_size + box // 2).astype(int)
            index = index[((index >= 0) & (index < box)).all(axis=1)]
            occupied[index[:, 2], index[:, 1], index[:, 0]] = True
        return soft_edge(occupied, pixel_size, max(4.0, 1.5 * pixel_size), max(edge, 2 * pixel_size))

    def labels(self, box: int, pixel_size: float, reach: float = 6.0) -> np.ndarray:
        """Part of each voxel ``[z, y, x]`` int16 at rest: index into ``codes``; −1 beyond ``reach`` Å of every atom."""
        label = np.full((box,) * 3, -1, np.int16)
        index = np.rint(self.points_at(np.zeros(len(self.hinges))) / pixel_size + box // 2).astype(int)
        part = np.repeat(np.arange(len(self.codes)), np.diff(self.offsets))
        inside = ((index >= 0) & (index < box)).all(axis=1)
        label[index[inside, 2], index[inside, 1], index[inside, 0]] = part[inside]
        distance, nearest = ndimage.distance_transform_edt(label < 0, pixel_size, return_indices=True)
        return np.where(distance <= reach, label[tuple(nearest)], -1).astype(np.int16)

    def _form_factor(self, box: int, pixel_size: float) -> np.ndarray:
        """`_gaussian` on the grid of a map's rfftn."""
        full, last = np.fft.fftfreq(box, pixel_size), np.fft.rfftfreq(box, pixel_size)
        return self._gaussian(full[:, None, None] ** 2 + full[:, None] ** 2 + last**2)

    def _gaussian(self, squared: np.ndarray) -> np.ndarray:
        """Transform of a point's Gaussian at squared frequencies (1/Å²), cut softly at ``band``."""
        factor = np.exp(-2 * (np.pi * self.width) ** 2 * squared)
        if np.isfinite(self.band):
            factor = factor * low_pass(np.sqrt(squared), self.band, 0.05 * self.band)
        return factor.astype(np.float32)


def low_pass(frequency: np.ndarray, cutoff: float, width: float) -> np.ndarray:
    """1 below ``cutoff − width``, 0 above ``cutoff``, a cosine between; any unit of frequency."""
    return 0.5 + 0.5 * np.cos(np.pi * np.clip((frequency - cutoff + width) / width, 0, 1))


def filter_map(density: np.ndarray, pixel_size: float, resolution: float) -> np.ndarray:
    """A map low-passed at ``resolution`` Å with a soft edge of a tenth of the cut-off frequency."""
    box = density.shape[0]
    full, last = np.fft.fftfreq(box, pixel_size), np.fft.rfftfreq(box, pixel_size)
    radius = np.sqrt(full[:, None, None] ** 2 + full[None, :, None] ** 2 + last[None, None, :] ** 2)
    passed = low_pass(radius, 1.05 / resolution, 0.1 / resolution).astype(np.float32)
    return fft.irfftn(fft.rfftn(density) * passed, s=density.shape).astype(np.float32)


def soft_edge(occupied: np.ndarray, pixel_size: float, reach: float, edge: float) -> np.ndarray:
    """1 within ``reach`` Å of an occupied voxel, a cosine fall over ``edge`` Å outside it; float32."""
    distance = ndimage.distance_transform_edt(~occupied, pixel_size)
    return (0.5 + 0.5 * np.cos(np.pi * np.clip((distance - reach) / edge, 0, 1))).astype(np.float32)
