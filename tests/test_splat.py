"""The splat: the backends agree, gradients are exact, and a projection is the central slice of the map's transform."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.projector.mesh_projector import VoxelCloud, back_project, project
from chimerax.flexrec.engine.projector.splat import gather, splat
from chimerax.flexrec.mesh import build_mesh
from scipy.spatial.transform import Rotation

SIZE = 24


def scene(dtype: torch.dtype = torch.float64, images: int = 3, rows: int = 2, times: int = 1):
    """Points in four groups of uneven size (one empty), some outside the image, and an affine per image and group.

    60 points, or so many ``times`` as many.
    """
    generator = torch.Generator().manual_seed(1)
    points = (torch.rand(60 * times, 3, generator=generator, dtype=dtype) - 0.5) * 20
    offsets = torch.tensor([0, 10, 10, 35, 60]) * times
    density = torch.rand(60 * times, generator=generator, dtype=dtype) + 0.1
    affine = torch.randn(images, 4, rows, 4, generator=generator, dtype=dtype) * 0.4
    affine[..., :2, 3] = SIZE / 2 + torch.randn(images, 4, 2, generator=generator, dtype=dtype)
    return density, points, offsets, affine


ROWS = pytest.mark.parametrize("rows", [2, 3], ids=["all mass", "a share of it"])


@ROWS
@pytest.mark.parametrize("times", [1, 41], ids=["one block", "several blocks"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numba_equals_the_reference(dtype, times, rows):
    density, points, offsets, affine = scene(dtype, rows=rows, times=times)
    results = []
    for backend in ("torch", "numba"):
        d, a = density.clone().requires_grad_(), affine.clone().requires_grad_()
        images = splat(d, points, offsets, a, SIZE, backend)
        probe = torch.sin(torch.arange(images.numel(), dtype=dtype)).view_as(images)
        (images * probe).sum().backward()
        results.append((images.detach(), d.grad, a.grad))
    for reference, fast in zip(*results, strict=True):
        torch.testing.assert_close(fast, reference, rtol=1e-4 if dtype == torch.float32 else 1e-10, atol=1e-5 * times)


@ROWS
@pytest.mark.parametrize("backend", ["torch", "numba"])
def test_gradients_are_exact(backend, rows):
    density, points, offsets, affine = scene(images=2, rows=rows)
    torch.autograd.gradcheck(
        lambda d, a: splat(d, points, offsets, a, SIZE, backend),
        (density.requires_grad_(), affine.requires_grad_()),
        atol=1e-6,
    )


def test_mass_is_conserved_and_outside_points_are_dropped():
    density, points, offsets, affine = scene()
    images = splat(density, points * 0.3, offsets, affine, SIZE)
    torch.testing.assert_close(images.sum(dim=(1, 2)), density.sum().expand(len(images)))
    for nowhere in (1e6, -1e30, float("nan")):
        affine[..., 3] = nowhere
        assert splat(density, points, offsets, affine, SIZE).abs().max() == 0


def blob(box: int) -> np.ndarray:
    """A band-limited lump without symmetry, well inside its box, ``[z, y, x]``."""
    grid = np.indices((box, box, box)) - box // 2
    z, y, x = (axis / box for axis in grid)
    lumps = [((0.1, 0.0, 0.05), 0.06, 1.0), ((-0.12, 0.08, 0.0), 0.05, 0.7), ((0.0, -0.1, -0.13), 0.055, 1.3)]
    return sum(a * np.exp(-((x - c[0]) ** 2 + (y - c[1]) ** 2 + (z - c[2]) ** 2) / 2 / s**2) for c, s, a in lumps)


def fourier_slice(volume: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """The central slice by direct summation, rfft2 layout with the particle's origin at pixel ``box // 2``."""
    box = volume.shape[0]
    z, y, x = (axis.ravel() - box // 2 for axis in np.indices(volume.shape))
    placed = rotation[:2] @ np.stack([x, y, z]) + box // 2
    ky, kx = np.fft.fftfreq(box), np.fft.rfftfreq(box)
    wave_x = np.exp(-2j * np.pi * kx[:, None] * placed[0])
    wave_y = np.exp(-2j * np.pi * ky[:, None] * placed[1])
    return (wave_y * volume.ravel()) @ wave_x.T


@pytest.mark.parametrize("box", [16, 17])
def test_projection_is_the_central_slice(box):
    volume, pixel_size = blob(box), 3.0
    mask = np.ones(volume.shape, bool)
    mesh = build_mesh(mask, pixel_size, coarseness=4)
    cloud = VoxelCloud.from_mesh(mesh, mesh.voxel_cell, pixel_size)
    density = cloud.gather(torch.from_numpy(volume.astype(np.float32)))
    rotations = Rotation.random(3, random_state=2).as_matrix()
    affine = cloud.affines(torch.from_numpy(mesh.vertices), torch.from_numpy(rotations).float(), box)
    ours = project(cloud, density, affine, box).numpy()
    radius = np.hypot(np.fft.fftfreq(box)[:, None], np.fft.rfftfreq(box)[None, :])
    for image, rotation in zip(ours, rotations, strict=True):
        truth = fourier_slice(volume, rotation)
        band = radius < 0.4
        assert np.abs(image - truth)[band].max() < 5e-3 * np.abs(truth).max()


def test_pose_gradient_reaches_the_rotation():
    volume, box = blob(16).astype(np.float32), 16
    mesh = build_mesh(np.ones(volume.shape, bool), 3.0, coarseness=4)
    cloud = VoxelCloud.from_mesh(mesh, mesh.voxel_cell, 3.0).to("cpu", torch.float64)
    density = cloud.gather(torch.from_numpy(volume).double())
    vertices = torch.from_numpy(mesh.vertices).double()
    base = torch.from_numpy(Rotation.random(1, random_state=3).as_matrix())
    generator = torch.tensor([[0.0, -0.3, 0.2], [0.3, 0.0, -0.1], [-0.2, 0.1, 0.0]], dtype=torch.float64)

    def energy(angle: torch.Tensor) -> torch.Tensor:
        rotation = torch.linalg.matrix_exp(angle * generator) @ base
        image = project(cloud, density, cloud.affines(vertices, rotation, box), box)
        return (image.abs() ** 2 * torch.arange(image.numel()).view_as(image)).sum()

    angle = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(energy, (angle,), rtol=1e-4)


def test_a_share_of_the_mass_at_each_vertex_is_a_density_weighed_by_it():
    mesh = build_mesh(np.ones((16, 16, 16), bool), 3.0, coarseness=4)
    cloud = VoxelCloud.from_mesh(mesh, mesh.voxel_cell, 3.0).to("cpu", torch.float64)
    rotations = torch.from_numpy(Rotation.random(2, random_state=5).as_matrix())
    vertices = torch.from_numpy(mesh.vertices).double()
    share = 0.5 + vertices[:, 0] / 100
    density = cloud.gather(torch.from_numpy(blob(16)))
    expected = project(cloud, density * (0.5 + cloud.points[:, 0] / 100), cloud.affines(vertices, rotations, 16), 16)
    image = project(cloud, density, cloud.affines(torch.cat([vertices, share[:, None]], 1), rotations, 16), 16)
    torch.testing.assert_close(image, expected)
    assert (image - project(cloud, density, cloud.affines(vertices, rotations, 16), 16)).abs().max() > 0.1


@ROWS
@pytest.mark.parametrize("backend", ["torch", "numba"])
def test_gather_is_the_adjoint(backend, rows):
    density, points, offsets, affine = scene(rows=rows)
    images = torch.randn(len(affine), SIZE, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    there = (splat(density, points, offsets, affine, SIZE, backend) * images).sum()
    back = (density * gather(images, points, offsets, affine, backend)).sum()
    torch.testing.assert_close(there, back)


@pytest.mark.parametrize("box", [16, 17])
def test_back_projection_is_the_adjoint(box):
    volume = blob(box)
    mesh = build_mesh(np.ones(volume.shape, bool), 3.0, coarseness=4)
    cloud = VoxelCloud.from_mesh(mesh, mesh.voxel_cell, 3.0).to("cpu", torch.float64)
    rotations = torch.from_numpy(Rotation.random(2, random_state=5).as_matrix())
    affine = cloud.affines(torch.from_numpy(mesh.vertices).double(), rotations, box)
    density = cloud.gather(torch.from_numpy(volume))
    image = project(cloud, density, affine, box)
    probe = torch.randn(image.shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(6))
    there = (torch.conj(probe) * image).real.sum()
    torch.testing.assert_close(there, density @ back_project(cloud, probe, affine))
