"""Images of a rigid molecule as prep would have left them: at the poses, through the CTFs and with the noise of others.

They are made by the forward model that training compares images with, so that nothing but the motion is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
import torch

from ..engine.projector.mesh_projector import VoxelCloud, project
from ..engine.training.pose_corrections import SHIFTS, SIZE, TURNS, Poses
from ..engine.training.stage import resample_mass
from ..mesh.tetmesh import TetMesh
from ..mesh.voxels import mask_on_grid, voxel_cells
from ..particles.observe import shift_phase, show
from ..particles.particles import Particles
from ..particles.shells import spread, spread_by_group
from .experiment import NOISE, random_stream
from .simulated_noise import draw_noise

_POSE_STREAM = 12  # of `random_stream`, beside those of an experiment


@dataclass(frozen=True)
class PoseSpread:
    """How far poses are off, as a training learned it: ``variance`` ``(2,)`` Å² of turns and of shifts about each axis.

    ``centre`` ``(3,)`` Å and ``radius`` Å are those of `Poses`.
    """

    variance: np.ndarray
    centre: np.ndarray
    radius: float


@dataclass(frozen=True, eq=False)
class RigidImages:
    """A rigid molecule and all that its images depend on.

    Attributes
    ----------
    particles : of which images are made, one each, as prep has written them. whitening : ``(g, D // 2 + 1)`` of prep.
    cloud, density : the map's voxels and their mass. rest : ``(v, 3)`` Å vertices at rest.
    noise : ``(D // 2 + 1,)`` mean squared Fourier amplitude of the noise by shell.
    correction : ``(n, 5)`` what the particles' poses are off by, as `Poses`; poses: what turns with it.
    """

    particles: Particles
    whitening: np.ndarray
    cloud: VoxelCloud
    density: torch.Tensor
    rest: torch.Tensor
    noise: np.ndarray
    poses: Poses
    seed: int

    @property
    def box(self) -> int:
        """Pixels on a side."""
        return int(self.particles.optics.box[0])

    @property
    def pixel_size(self) -> float:
        """Å."""
        return float(self.particles.optics.pixel_size[0])

    def signal(self, rows: np.ndarray) -> np.ndarray:
        """Spectra ``(m, D, D // 2 + 1)`` complex64 of the noiseless images of particles ``rows``."""
        views = torch.from_numpy(self.particles.views(rows).astype(np.float32))
        with torch.no_grad():
            turned, offset = self.poses.view(views, self.poses.correction[torch.from_numpy(rows)])
            affine = self.cloud.affines(self.rest, turned, self.box, offset)
            projections = project(self.cloud, self.density, affine, self.box).numpy()
        # a particle's shift is what centres its image, and the projection is centred
        projections = projections * shift_phase(self.particles.shift[rows] / self.pixel_size, self.box).conj()
        spectra = show(self.particles, projections, self.pixel_size, rows)
        return spectra * spread_by_group(self.whitening, self.particles.group[rows], self.box)

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Images ``(m, D, D)`` float32 with noise, which depends on the first row: always ask for the same chunks."""
        power = spread(self.noise / self.box**2, self.box)  # white noise of variance 1 has |F|² = D²
        noise = draw_noise(random_stream(self.seed, NOISE, int(rows[0])), len(rows), power, self.box)
        return (scipy.fft.irfft2(self.signal(rows), s=(self.box, self.box)) + noise).astype(np.float32)


def rigid_images(
    particles: Particles,
    whitening: np.ndarray,
    mesh: TetMesh,
    volume: np.ndarray,
    noise: np.ndarray,
    spread_of_poses: PoseSpread | None,
    seed: int,
) -> RigidImages:
    """Images of ``volume`` ``(N, N, N)`` ``[z, y, x]``, mass per voxel, inside the mesh's mask.

    The poses that are told stay those of the particles; the images are seen along others, off by what
    ``spread_of_poses`` says (None: not at all). The rest is as in `RigidImages`.
    """
    box, pixel_size = int(particles.optics.box[0]), float(particles.optics.pixel_size[0])
    cloud = VoxelCloud.from_mesh(mesh, voxel_cells(mesh, mask_on_grid(mesh, box, pixel_size), pixel_size), pixel_size)
    density = cloud.gather(torch.from_numpy(volume if len(volume) == box else resample_mass(volume, box)))
    poses = Poses.fixed(len(particles), "cpu")
    if spread_of_poses is not None:
        poses = _drawn(len(particles), spread_of_poses, seed)
    rest = torch.from_numpy(mesh.vertices.astype(np.float32))
    return RigidImages(particles, whitening, cloud, density, rest, noise, poses, seed)


def _drawn(count: int, errors: PoseSpread, seed: int) -> Poses:
    drawn = random_stream(seed, _POSE_STREAM).standard_normal((count, SIZE))
    drawn[:, TURNS] *= np.sqrt(errors.variance[0])
    drawn[:, SHIFTS] *= np.sqrt(errors.variance[1])
    variance, centre = (torch.from_numpy(np.asarray(each, np.float32)) for each in (errors.variance, errors.centre))
    return Poses(torch.from_numpy(drawn.astype(np.float32)), variance, centre, errors.radius)
