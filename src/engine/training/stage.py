"""One resolution of the problem: the map's voxels, the likelihood's weights and the forward model at one box size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from ...mesh.tetmesh import TetMesh
from ...mesh.voxels import mask_on_grid, voxel_cells
from ...particles.resample import resample_box
from ...particles.shells import shell_index
from ..maps.least_squares import LeastSquares, band_weights
from ..projector.mesh_projector import VoxelCloud, project
from .batch_cache import BatchCache
from .batches import Batch, pieces
from .membership import Membership
from .pose_corrections import Poses
from .signal_scales import SignalScales


@dataclass(frozen=True)
class Stage:
    """Everything that depends on the box size ``box`` at which images are compared.

    Attributes
    ----------
    images : the particles, as batches on this stage's device. cloud : the map's voxels at this box.
    density : ``(n,)`` mass per voxel.
    weights : ``(box, box // 2 + 1)`` half-plane weights over the noise's power, zero beyond the band limit.
    noise : ``(D // 2 + 1,)`` mean squared Fourier amplitude of the noise by shell.
    poses, membership, signal : corrections of the particles' poses, how far they count, and how strong their signal
        is; batches come with theirs.
    at_once : the most images that are worked on together where no gradient is asked for.
    """

    images: BatchCache
    cloud: VoxelCloud
    density: torch.Tensor
    weights: torch.Tensor
    noise: torch.Tensor
    poses: Poses
    membership: Membership
    signal: SignalScales
    at_once: int = 64
    backend: str = "auto"

    @property
    def box(self) -> int:
        """Pixels on a side of the images at this stage."""
        return self.weights.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the work is done."""
        return self.weights.device

    def shells(self) -> torch.Tensor:
        """Rounded radius ``(box, box // 2 + 1)`` of each frequency, at most ``box // 2``."""
        return torch.from_numpy(shell_index(self.box)).to(self.device)

    def batches(self, rows: np.ndarray) -> Iterator[Batch]:
        """The particles ``rows`` ``(m,)`` int, at most ``at_once`` in a batch, on this stage's device."""
        return self.batches_of(pieces(rows, self.at_once))

    def batches_of(self, groups: list[np.ndarray]) -> Iterator[Batch]:
        """One batch for each group of rows ``(m,)`` int, in their order, on this stage's device."""
        for batch in self.images.batches(groups, self.box):
            yield self.signal.scaled(self.membership.weighted(self.poses.corrected(batch)))

    def forward(self, batch: Batch, vertices: torch.Tensor) -> torch.Tensor:
        """Model images ``(b, box, box // 2 + 1)`` in Fourier space, CTF included, for moved vertices ``(b, v, 3)`` or
        ``(v, 3)`` Å.
        """
        affine = self.place(batch.rotation, batch.correction, vertices)
        return batch.transfer * self.projections(batch.rows, affine)

    def projections(self, rows: torch.Tensor, affine: torch.Tensor) -> torch.Tensor:
        """The map's projections ``(b, box, box // 2 + 1)`` in Fourier space, placed by ``affine`` ``(b, c, 2, 4)``, as
        the particles ``rows`` ``(b,)`` have it.
        """
        return project(self.cloud, self.density, affine, self.box, self.backend)

    def image_of(self, batch: Batch, density: torch.Tensor, affine: torch.Tensor) -> torch.Tensor:
        """Model images in Fourier space, CTF included, of a ``density`` ``(n,)`` placed by ``affine`` ``(b, c, 2, 4)``.
        """
        return batch.transfer * project(self.cloud, density, affine, self.box, self.backend)

    def place(
        self, rotation: torch.Tensor, correction: torch.Tensor | None, vertices: torch.Tensor
    ) -> torch.Tensor:
        """Affines ``(b, c, 2, 4)``, to pixels, of vertices ``(b, v, 3)`` or ``(v, 3)`` Å seen along ``rotation``
        ``(b, 3, 3)``, corrected by ``correction`` ``(b, 5)`` Å where that is given.
        """
        if correction is None:
            return self.cloud.affines(vertices, rotation, self.box)
        rotation, offset = self.poses.view(rotation, correction)
        return self.cloud.affines(vertices, rotation, self.box, offset)

    def forward_several(
        self, batch: Batch, vertices: torch.Tensor, correction: torch.Tensor | None = None
    ) -> torch.Tensor:
        """As `forward`, for several motions of each image: vertices ``(b, m, v, 3)``, images ``(b, m, …)``.

        ``correction`` ``(b, m, 5)`` takes the place of the batch's own.
        """
        several = vertices.shape[1]
        rotation = batch.rotation.repeat_interleave(several, dim=0)
        if correction is None and batch.correction is not None:
            correction = batch.correction[:, None].expand(-1, several, -1)
        correction = None if correction is None else correction.flatten(0, 1)
        affine = self.place(rotation, correction, vertices.flatten(0, 1))
        images = self.projections(batch.rows.repeat_interleave(several), affine)
        return batch.transfer[:, None] * images.unflatten(0, (len(batch), several))

    def misfit(self, batch: Batch, model: torch.Tensor) -> torch.Tensor:
        """Negative log-likelihood ``(b,)`` of each image, nats up to a constant.

        ``model`` ``(b, box, box // 2 + 1)`` are the images that are predicted.
        """
        residual = batch.images - model
        return 0.5 * (self.weights * (residual.real**2 + residual.imag**2)).sum(dim=(1, 2))

    def least_squares(self, rows: np.ndarray, vertices_of) -> LeastSquares:
        """The density problem over ``rows``; ``vertices_of(batch)`` gives the vertices ``(b, v, 3)`` or ``(v, 3)``."""

        def placement(batch: Batch) -> torch.Tensor:
            with torch.no_grad():
                return self.place(batch.rotation, batch.correction, vertices_of(batch))

        return LeastSquares(self.cloud, lambda: self.batches(rows), placement, self.weights, self.backend)

    def with_density(self, density: torch.Tensor) -> Stage:
        """The same stage with another map, ``density`` ``(n,)`` mass per voxel."""
        return replace(self, density=density)

    def with_noise(self, noise: torch.Tensor, band: float) -> Stage:
        """The same stage with another power of the noise, ``(D // 2 + 1,)``; ``band`` as in `make_stage`."""
        return replace(self, weights=band_weights(self.box, band * self.box / 2, noise), noise=noise)

    def volume(self) -> np.ndarray:
        """The map ``(N, N, N)`` ``[z, y, x]``, float32, mass per voxel."""
        return self.cloud.scatter(self.density).cpu().numpy()


def make_stage(
    images: BatchCache,
    mesh: TetMesh,
    box: int,
    noise: torch.Tensor,
    band: float,
    poses: Poses,
    membership: Membership,
    signal: SignalScales,
    device: str | torch.device = "cpu",
    at_once: int = 64,
    backend: str = "auto",
) -> Stage:
    """A stage at ``box`` pixels with an empty map.

    ``noise`` ``(D // 2 + 1,)`` is the mean squared Fourier amplitude of the noise by shell; ``band`` the highest radius
    used, as a fraction of Nyquist.
    """
    pixel_size = images.source.pixel_size * images.source.box / box
    cells = voxel_cells(mesh, mask_on_grid(mesh, box, pixel_size), pixel_size)
    cloud = VoxelCloud.from_mesh(mesh, cells, pixel_size).to(device)
    weights = band_weights(box, band * box / 2, noise.to(device))
    empty = torch.zeros(len(cloud), device=device)
    return Stage(images, cloud, empty, weights, noise.to(device), poses, membership, signal, at_once, backend)


def carry_density(density: torch.Tensor, old: VoxelCloud, new: VoxelCloud) -> torch.Tensor:
    """A density ``(n,)`` on another cloud of the same field of view, by Fourier cropping or padding; mass is kept."""
    volume = resample_mass(old.scatter(density).cpu().numpy(), new.box)
    return new.gather(torch.from_numpy(volume).to(new.points.device))


def resample_mass(volume: np.ndarray, box: int) -> np.ndarray:
    """A map ``(N, N, N)`` of mass per voxel on another box over the same field of view, keeping its sum; float32."""
    return resample_box(volume, box) * np.float32((len(volume) / box) ** 3)


def vertex_share(stage: Stage, vertices: int) -> torch.Tensor:
    """`VoxelCloud.vertex_mass` of the stage's map as weights that sum to one, ``(v,)``."""
    mass = torch.from_numpy(stage.cloud.vertex_mass(stage.density, vertices)).float().to(stage.device)
    return mass / mass.sum().clamp(min=1e-30)
