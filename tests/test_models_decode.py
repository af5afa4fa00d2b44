"""Decoded maps against truth: rigid motion, mass, atoms, larger maps, and the two backends of the push."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.engine.projector.push import push
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.interface import DecodeOptions
from chimerax.flexrec.particles.resample import resample_box
from mesh_shapes import voxel_grid
from scipy.ndimage import affine_transform, center_of_mass
from scipy.spatial.transform import Rotation
from trained_models import (
    BOX,
    PIXEL,
    make_trained,
    random_flow,
    save_trained,
    set_rigid,
    two_blobs,
    two_part_mesh,
    white,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return open_model(make_trained(tmp_path_factory.mktemp("project") / "003-train", motion=0.2)[0])


def rigid_model(folder, volume, rotation, translation, pixel_size=PIXEL):
    mesh = two_part_mesh(volume, pixel_size)
    flow = random_flow(mesh, 1)
    set_rigid(flow, rotation, np.asarray(translation, float))
    return open_model(save_trained(folder, mesh, flow, volume, white(50, 1), pixel_size=pixel_size))


def shells(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fourier shell correlation, and amplitude of the first over the second, by shell up to Nyquist."""
    a, b = np.fft.fftn(first), np.fft.fftn(second)
    k = np.fft.fftfreq(len(first)) * len(first)
    radius = np.rint(np.sqrt(k[:, None, None] ** 2 + k[:, None] ** 2 + k**2)).astype(int)
    wanted = np.arange(len(first) // 2 + 1)
    total = lambda x: np.bincount(radius.ravel(), x.ravel())[wanted]  # noqa: E731
    aa, bb, ab = total(np.abs(a) ** 2), total(np.abs(b) ** 2), total((a * b.conj()).real)
    return ab / np.sqrt(aa * bb), np.sqrt(aa / bb)


def test_a_flow_at_rest_gives_the_map_back(trained):
    still = trained.decoder.map(trained.mesh.vertices.astype(np.float32))
    assert np.abs(still - trained.volume).max() < 1e-3 * trained.volume.max()
    correlation, amplitude = shells(still, trained.volume)
    low = slice(0, int(0.8 * BOX / 2))
    assert correlation[low].min() > 0.9999
    assert np.abs(amplitude[low] - 1).max() < 0.01
    fine = trained.decoder.map(trained.mesh.vertices.astype(np.float32), DecodeOptions(oversampling=2))
    correlation, amplitude = shells(fine, trained.volume)
    assert correlation[low].min() > 0.9999
    assert np.abs(amplitude[low] - 1).max() < 0.01


def test_a_rigid_turn_and_shift_are_those_of_interpolation(tmp_path):
    volume = two_blobs(48)
    rotation = Rotation.from_euler("zyx", (25, 40, -10), degrees=True).as_matrix()
    model = rigid_model(tmp_path / "train", volume, rotation, (4.0, -2.5, 1.0))
    back = rotation.T[::-1, ::-1]  # from [z, y, x] of the turned map to that of the map at rest
    shift = np.array([1.0, -2.5, 4.0]) / PIXEL
    centre = np.full(3, 24.0)
    wanted = affine_transform(volume, back, centre - back @ (centre + shift), order=5)
    correlation, amplitude = shells(model.decode([0.0]), wanted)
    half = slice(0, 13)
    assert correlation[half].min() > 0.995
    assert np.abs(amplitude[half] - 1).max() < 0.03
    assert np.corrcoef(model.decode([0.0]).ravel(), wanted.ravel())[0, 1] > 0.999


def test_mass_is_conserved_when_cells_stretch(trained):
    moved = trained.decode(2 * trained.latents[5])
    assert moved.sum() == pytest.approx(trained.volume.sum(), rel=1e-4)
    assert np.abs(moved - trained.volume).max() > 0.15 * trained.volume.max()


def test_atoms_and_density_move_alike(tmp_path):
    x, y, z = voxel_grid(BOX)
    for centre in ((7, 0, 0), (-7, 2, 1)):
        spot = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2) / 2.0)
        body = two_blobs()
        volume = np.where(body != 0, spot, 0).astype(np.float32)
        mesh = two_part_mesh(body)
        model = open_model(save_trained(tmp_path / "train", mesh, random_flow(mesh, 2, 0.1), volume, white(50, 2)))
        middle = (np.array(center_of_mass(volume))[::-1] - BOX // 2) * PIXEL
        moved = (np.array(center_of_mass(model.decode([1.0, -0.5])))[::-1] - BOX // 2) * PIXEL
        atom = model.displace([1.0, -0.5], middle[None])[0]
        assert np.linalg.norm(moved - middle) > 1.0
        assert np.linalg.norm(moved - atom) < 0.25 * np.linalg.norm(moved - middle)


def test_a_larger_map_moves_as_the_models_own(trained):
    from chimerax.flexrec.engine.training.stage import resample_mass

    sharp = resample_mass(trained.volume, 2 * BOX)  # keeps the sum
    z = trained.latents[7]
    large = trained.with_map(sharp, PIXEL / 2).decode(z)
    assert large.shape == (2 * BOX,) * 3
    cropped = resample_box(large, BOX) * 8
    correlation, amplitude = shells(cropped, trained.decode(z))
    assert correlation[:10].min() > 0.99
    assert np.abs(amplitude[:10] - 1).max() < 0.05


def test_what_lies_outside_the_mesh_is_left_out_or_kept_unmoved(trained):
    volume = trained.volume.copy()
    volume[1, 2, 3] = 5.0
    z = trained.latents[2]
    assert np.abs(trained.with_map(volume, PIXEL).decode(z) - trained.decode(z)).max() < 1e-4
    kept = trained.with_map(volume, PIXEL, keep_outside=True).decode(z)
    assert kept[1, 2, 3] == pytest.approx(5.0, abs=1e-4)
    assert kept.sum() == pytest.approx(volume.sum(), rel=1e-4)


def test_both_backends_push_the_same(trained):
    pytest.importorskip("numba")
    for z in (trained.latents[0], 4 * trained.latents[1]):
        for fine in (1, 2):
            maps = [trained.decode(z, DecodeOptions(name, oversampling=fine)) for name in ("numpy", "numba")]
            assert np.abs(maps[0] - maps[1]).max() < 1e-5 * np.abs(maps[0]).max()


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_points_that_leave_the_box_are_lost_and_no_others(backend):
    if backend == "numba":
        pytest.importorskip("numba")
    points = np.array([[0, 0, 0], [3, 1, 2], [500, 0, 0], [0, -1e6, 0]], np.float32)
    affine = np.concatenate([np.eye(3), np.full((3, 1), 5.0)], axis=1)[None].astype(np.float32)
    volume = push(np.ones(4, np.float32), points, np.array([0, 4]), affine, 12, backend)
    wanted = np.zeros((12, 12, 12))
    wanted[5, 5, 5] = wanted[7, 6, 8] = 1
    assert np.abs(volume - wanted).max() < 1e-3
    gone = push(np.ones(2, np.float32), points[2:], np.array([0, 2]), affine, 12, backend)
    assert np.abs(gone).max() < 1e-6
    assert push(np.ones(0, np.float32), points[:0], np.array([0, 0]), affine, 12, backend).sum() == 0


@pytest.mark.parametrize("oversampling, reach, error", [(1, 8, 0.05), (2, 13, 0.01)])
def test_a_turned_cloud_of_atoms_has_the_amplitudes_of_the_truth(oversampling, reach, error):
    box, random = 32, np.random.default_rng(0)
    atoms = random.uniform(-5, 5, (400, 3))
    rotation = Rotation.from_euler("zyx", (30, 20, 10), degrees=True).as_matrix()
    shift = np.array([0.5, 0.3, 0.4])
    still, wanted = draw_atoms(atoms, box), draw_atoms(atoms @ rotation.T + shift, box)
    index = np.argwhere(still > 1e-5 * still.max())
    points = (index[:, ::-1] - box // 2).astype(np.float32)
    affine = np.concatenate([rotation, (shift + box // 2)[:, None]], axis=1)[None].astype(np.float32)
    density = still[tuple(index.T)].astype(np.float32)
    moved = push(density, points, np.array([0, len(points)]), affine, box, oversampling=oversampling)
    correlation, amplitude = shells(moved, wanted)
    assert correlation[:reach].min() > 0.995
    assert np.abs(amplitude[:reach] - 1).max() < error
    assert moved.sum() == pytest.approx(wanted.sum(), rel=1e-3)


def draw_atoms(atoms: np.ndarray, box: int, width: float = 0.8) -> np.ndarray:
    """Gaussians at ``atoms`` (m, 3) xyz, in voxels."""
    along = np.arange(box) - box // 2
    x, y, z = (np.exp(-((along - atoms[:, axis, None]) ** 2) / (2 * width**2)) for axis in range(3))
    return np.einsum("az,ay,ax->zyx", z, y, x, optimize=True)


def test_the_map_seen_from_above_is_the_image_that_training_projects(trained):
    import torch
    from chimerax.flexrec.engine.projector.mesh_projector import VoxelCloud, project
    from chimerax.flexrec.mesh import voxel_cells

    cells = voxel_cells(trained.mesh, trained.volume != 0, PIXEL)
    cloud = VoxelCloud.from_mesh(trained.mesh, cells, PIXEL)
    vertices = trained.vertices(trained.latents[4])
    affine = cloud.affines(torch.from_numpy(vertices)[None], torch.eye(3)[None], BOX)
    image = project(cloud, cloud.gather(torch.from_numpy(trained.volume)), affine, BOX)[0].numpy()
    seen = np.fft.rfft2(trained.decoder.map(vertices, DecodeOptions(oversampling=2)).sum(axis=0))
    k = np.hypot(np.fft.fftfreq(BOX)[:, None], np.fft.rfftfreq(BOX))
    assert np.abs(seen - image)[k < 0.4].max() < 1e-3 * np.abs(image).max()
