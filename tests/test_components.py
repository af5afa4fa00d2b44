"""The first guess of large motions: central slices, linear components, and the flow followed from state to state."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.linear.density_components import Samples, fit_components
from chimerax.flexrec.engine.latents.table import posterior_noise
from chimerax.flexrec.engine.latents.whitening import whitening_transform
from chimerax.flexrec.engine.projector.central_slices import SliceGrid
from chimerax.flexrec.engine.projector.mesh_projector import VoxelCloud
from chimerax.flexrec.engine.training.batches import half_plane_weights
from scipy.spatial.transform import Rotation

BOX = 24
PLACES = np.array([[3.0, -2.0, 5.0], [-4.0, 1.5, 0.0]])  # voxels from the middle
WIDTH = 1.6


@pytest.fixture(scope="module")
def grid() -> SliceGrid:
    return SliceGrid(torch.from_numpy(half_plane_weights(BOX, 0.5, 0.8 * BOX / 2)))


@pytest.fixture(scope="module")
def rotation() -> torch.Tensor:
    return torch.from_numpy(Rotation.random(20, rng=0).as_matrix().astype(np.float32))


def blob(place: np.ndarray) -> np.ndarray:
    """A Gaussian of unit mass at a place (x, y, z), ``[z, y, x]``."""
    axis = np.arange(BOX) - BOX // 2
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    squared = (x - place[0]) ** 2 + (y - place[1]) ** 2 + (z - place[2]) ** 2
    return (np.exp(-squared / (2 * WIDTH**2)) / (2 * np.pi * WIDTH**2) ** 1.5).astype(np.float32)


def image(place: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Fourier transform of a blob's projection, analytically, origin at pixel ``BOX // 2``."""
    ky, kx = np.meshgrid(np.fft.fftfreq(BOX), np.fft.rfftfreq(BOX), indexing="ij")
    x, y = (rotation @ place)[:2] + BOX // 2
    return np.exp(-2 * np.pi**2 * WIDTH**2 * (kx**2 + ky**2) - 2j * np.pi * (kx * x + ky * y)).astype(np.complex64)


def test_a_slice_is_the_transform_of_the_projection(grid, rotation):
    volumes = torch.from_numpy(np.stack([blob(place) for place in PLACES]))
    cut = grid.cut(grid.spectra(volumes), grid.nodes(rotation)).numpy()
    for column, place in enumerate(PLACES):
        images = torch.from_numpy(np.stack([image(place, one) for one in rotation.numpy()]))
        expected = grid.samples(images).numpy()
        error = np.linalg.norm(cut[..., column] - expected) / np.linalg.norm(expected)
        assert error < 0.12  # of linear interpolation, this far from the middle


def test_spreading_is_the_adjoint_of_cutting(grid, rotation):
    generator = torch.Generator().manual_seed(0)
    nodes = grid.nodes(rotation[:3])
    spectrum = torch.randn(grid.side**3, 2, generator=generator)
    values = torch.randn(3, len(grid.kx), 2, generator=generator)
    total = torch.zeros_like(spectrum)
    grid.spread(total, nodes, values)
    assert float((total * spectrum).sum()) == pytest.approx(float((values * grid.cut(spectrum, nodes)).sum()), rel=1e-4)


def test_samples_spread_and_divided_by_their_weight_are_the_map(grid):
    turns = torch.from_numpy(Rotation.random(600, rng=3).as_matrix().astype(np.float32))
    nodes = grid.nodes(turns)
    images = torch.from_numpy(np.stack([image(PLACES[0], one) for one in turns.numpy()]))
    total, weight = torch.zeros(grid.side**3, 2), torch.zeros(grid.side**3, 1)
    grid.spread(total, nodes, torch.view_as_real(grid.samples(images)))
    grid.spread(weight, nodes, torch.ones(600, len(grid.kx), 1))
    spectrum = grid.with_mates(torch.view_as_complex(total)) / (grid.with_mates(weight[:, 0]) + 1e-3)
    found = grid.volumes(torch.where(grid.solved, spectrum, 0)[:, None])[0].numpy()
    expected = blob(PLACES[0])
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.98
    assert found.max() == pytest.approx(expected.max(), rel=0.1)
    assert np.unravel_index(found.argmax(), found.shape) == np.unravel_index(expected.argmax(), expected.shape)


class Stage:
    """A map and its mask, as much of a stage as the components need."""

    def __init__(self, mean: np.ndarray) -> None:
        count = BOX**3
        nothing = torch.zeros(0)
        self.cloud = VoxelCloud(nothing, torch.arange(count), nothing, nothing, nothing, BOX, 1.0)
        self.density = torch.from_numpy(mean.reshape(-1))
        self.device = self.density.device


def test_components_find_what_comes_and_goes(rotation):
    """Two blobs fade independently, one twice as much as the other: two components, in that order."""
    rng = np.random.default_rng(1)
    turns = Rotation.random(600, rng=2).as_matrix().astype(np.float32)
    amount = rng.normal(0, (1, 0.5), (600, 2))
    views = [[image(place, one) for place in PLACES] for one in turns]
    noise = np.fft.rfft2(rng.normal(0, 1, (600, BOX, BOX)))
    level = 0.3
    images = np.stack([(1 + a[0]) * view[0] + (1 + a[1]) * view[1] for view, a in zip(views, amount)])
    images = torch.from_numpy((images + level / BOX * noise).astype(np.complex64))
    weights = torch.from_numpy(half_plane_weights(BOX, 0.5, 0.8 * BOX / 2)) / level**2
    grid = SliceGrid(weights)
    transfer = torch.ones(100, len(grid.kx))
    parts = zip(images.split(100), torch.from_numpy(turns).split(100))
    samples = [Samples(grid.samples(some), transfer, turn) for some, turn in parts]
    seen = []
    found = fit_components(Stage(blob(PLACES[0]) + blob(PLACES[1])), samples, grid, 2, 0, report=seen.append)
    assert found.gain > 1 and sum(seen) % 600 == 0
    for column in (0, 1):
        assert abs(np.corrcoef(found.latents[:, column].numpy(), amount[:, column])[0, 1]) > 0.9
        volume = found.volumes[1 + column].numpy()
        likeness = [abs(np.corrcoef(volume.ravel(), blob(place).ravel())[0, 1]) for place in PLACES]
        assert likeness[column] > 0.9 > 0.3 > likeness[1 - column]
    spread = found.latents.var(dim=0) + torch.linalg.inv(found.precision).mean(dim=0).diagonal()
    assert torch.allclose(spread, torch.ones(2), atol=0.3)


def test_noise_is_drawn_from_the_posterior():
    precision = torch.tensor([[4.0, 1.0], [1.0, 0.5]])
    white = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0))
    draws = posterior_noise(precision.expand(len(white), 2, 2), white)
    assert torch.allclose(torch.cov(draws.T), torch.linalg.inv(precision), rtol=0.03)


def test_a_dimension_without_information_is_not_magnified():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(5000, 2, generator=generator) * torch.tensor([2.0, 0.01])
    precision = torch.diag(torch.tensor([100.0, 1.0])).expand(5000, 2, 2)
    mean, factor = whitening_transform(z, precision)
    white = torch.linalg.solve(factor.T, (z - mean).T).T
    assert white.std(dim=0).numpy() == pytest.approx([1, 0.01], rel=0.03)
    assert whitening_transform(z)[1][1, 1] == pytest.approx(0.01, rel=0.05)
