"""The map with the motion held fixed: the exact operator, a known map found again, and what two halves agree on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.maps.conjugate_gradients import ShellOperator, slice_power, solve_density
from chimerax.flexrec.engine.maps.fsc import fourier_shell_correlation, signal_share
from chimerax.flexrec.engine.maps.half_maps import HalfMaps, solve_halves, supported_map
from chimerax.flexrec.engine.maps.least_squares import LeastSquares, band_weights
from chimerax.flexrec.engine.projector.mesh_projector import VoxelCloud, project
from chimerax.flexrec.engine.training.batches import Batch
from chimerax.flexrec.mesh import build_mesh
from chimerax.flexrec.particles.ctf import ctf_of
from mesh_shapes import ball, blurred, voxel_grid
from scipy.spatial.transform import Rotation

BOX, PIXEL, COUNT = 20, 6.0, 240


class Scene:
    """Noiseless images, with CTF, of a ball of uneven density that bends by an amount of its own in every image."""

    def __init__(self, noise: float = 0.0) -> None:
        x, y, z = voxel_grid(BOX)
        mask = ball(BOX, 7)
        mesh = build_mesh(mask, PIXEL, 7)
        self.cloud = VoxelCloud.from_mesh(mesh, mesh.voxel_cell, PIXEL)
        lumps = sum(blurred(ball(BOX, 1.8, c), 1.2) for c in ((3, 1, 0), (-3, 2, 1), (0, -3, -2), (1, 1, 4)))
        self.volume = torch.from_numpy((lumps * mask).astype(np.float32))
        self.truth = self.cloud.gather(self.volume)
        rng = np.random.default_rng(1)
        self.bend = torch.from_numpy(rng.uniform(-1, 1, COUNT)).float()
        self.rest = torch.from_numpy(mesh.vertices)
        self.rotation = torch.from_numpy(Rotation.random(COUNT, random_state=2).as_matrix()).float()
        defocus = rng.uniform(8000, 20000, COUNT)
        kv, cs, amplitude = np.full(COUNT, 300.0), np.full(COUNT, 2.7), np.full(COUNT, 0.1)
        astigmatic = np.stack([defocus, defocus - 300, np.full(COUNT, 30.0)], axis=1)
        self.transfer = torch.from_numpy(ctf_of(astigmatic, np.zeros(COUNT), kv, cs, amplitude, BOX, PIXEL))
        self.weights = band_weights(BOX, 0.9 * BOX / 2, torch.full((BOX // 2 + 1,), float(BOX**2)))
        every = torch.arange(COUNT)
        affine = self.cloud.affines(self.vertices(every), self.rotation, BOX)
        self.images = self.transfer * project(self.cloud, self.truth, affine, BOX)
        real = rng.normal(0, noise, (COUNT, BOX, BOX)) if noise else np.zeros((COUNT, BOX, BOX))
        self.images += torch.from_numpy(np.fft.rfft2(real).astype(np.complex64))

    def vertices(self, rows: torch.Tensor) -> torch.Tensor:
        """Vertices ``(b, v, 3)``: x is pushed up by up to 30 Å at the sides."""
        lift = 30 * self.bend[rows][:, None] * (self.rest[:, 0] / 40) ** 2
        return self.rest + torch.stack([torch.zeros_like(lift), lift, torch.zeros_like(lift)], dim=-1)

    def problem(self, rows: np.ndarray | None = None, moving: bool = True) -> LeastSquares:
        chosen = torch.arange(COUNT) if rows is None else torch.from_numpy(rows)

        def batches():
            for part in chosen.split(60):
                yield Batch(part, self.images[part], self.transfer[part], self.rotation[part])

        def placement(batch: Batch) -> torch.Tensor:
            vertices = self.vertices(batch.rows) if moving else self.rest
            return self.cloud.affines(vertices, batch.rotation, BOX)

        return LeastSquares(self.cloud, batches, placement, self.weights)

    def agreement(self, density: torch.Tensor) -> torch.Tensor:
        return fourier_shell_correlation(self.cloud.scatter(density).numpy(), self.volume.numpy())

    def error(self, density: torch.Tensor) -> float:
        return float((density - self.truth).norm() / self.truth.norm())


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def test_conjugate_gradients_find_the_map_of_a_moving_body(scene):
    early, found = (solve_density(scene.problem(), None, iterations) for iterations in (2, 20))
    assert scene.error(found) < min(0.25, scene.error(early))
    inside = scene.agreement(found)[:8]  # the band ends at 9 of 10 shells
    assert inside.min() > 0.97
    still = solve_density(scene.problem(moving=False), None, 20)
    assert scene.agreement(still)[4:8].mean() < 0.9 < inside.mean(), "without its motion the map is blurred"


def test_going_on_from_a_start_is_nearer_than_starting_anew(scene):
    first = solve_density(scene.problem(), None, 3)
    again = solve_density(scene.problem(), first, 2)
    assert scene.error(again) < scene.error(first)
    assert scene.error(solve_density(scene.problem(), scene.truth, 3)) < 1e-3


def test_the_normal_operator_is_symmetric_and_positive(scene):
    generator = torch.Generator().manual_seed(3)
    a, b = torch.randn(2, len(scene.cloud), generator=generator)
    problem = scene.problem()
    ab, ba = float(b @ problem.normal(a)), float(a @ problem.normal(b))
    size = float(a @ problem.normal(a))
    assert abs(ab - ba) < 1e-4 * size and size > 0
    precondition = ShellOperator(scene.cloud, slice_power(problem.right_side()[1])).inverse
    assert float(b @ precondition(a)) == pytest.approx(float(a @ precondition(b)), rel=1e-3, abs=1e-5 * size)
    assert float(a @ precondition(a)) > 0


def test_the_right_side_is_the_gradient_at_an_empty_map(scene):
    """Of Σ w |I − C P v|² / 2 at v = 0, by autograd through the projection."""
    density = torch.zeros(len(scene.cloud), requires_grad=True)
    loss = 0.0
    problem = scene.problem()
    for batch in problem.batches():
        model = batch.transfer * project(scene.cloud, density, problem.placement(batch), BOX)
        loss = loss + 0.5 * (scene.weights * (batch.images - model).abs() ** 2).sum()
    loss.backward()
    right, _ = problem.right_side()
    torch.testing.assert_close(right, -density.grad, rtol=1e-3, atol=1e-4 * float(right.abs().max()))


def test_every_image_is_counted_in_every_pass(scene):
    seen = []
    solve_density(scene.problem().counted(seen.append), None, 2)
    assert sum(seen) == 3 * COUNT


def test_halves_agree_without_noise_and_only_where_there_is_signal_with_it(scene):
    halves = (np.arange(0, COUNT, 2), np.arange(1, COUNT, 2))
    clean = solve_halves(scene.problem, halves, None, 8)
    assert clean.fsc.shape == (BOX // 2 + 1,) and clean.fsc[0] == 1
    assert (clean.fsc[:6] > 0.97).all()
    assert not torch.equal(clean.first, clean.second)
    noisy = Scene(noise=4 * float(torch.fft.irfft2(scene.images, s=(BOX, BOX)).std()))
    fsc = solve_halves(noisy.problem, halves, None, 3).fsc
    assert fsc[1:4].min() > 0.5 and fsc[8:10].mean() < 0.5 * fsc[1:4].mean()
    twice = solve_halves(scene.problem, (halves[0], halves[0]), None, 2)
    torch.testing.assert_close(twice.fsc, torch.ones_like(twice.fsc))


def test_shell_correlation_of_a_map_with_noise_is_what_it_must_be():
    generator = torch.Generator().manual_seed(4)
    signal, a, b = torch.randn(3, 32, 32, 32, generator=generator).numpy()
    fsc = fourier_shell_correlation(signal + a, signal + b)
    assert fsc[4:].mean() == pytest.approx(0.5, abs=0.03)
    assert np.abs(fourier_shell_correlation(a, b)[5:]).max() < 0.2
    assert fourier_shell_correlation(signal, 3 * signal) == pytest.approx(np.ones(17))
    assert fourier_shell_correlation(signal, -signal) == pytest.approx(-np.ones(17))


def test_only_what_the_halves_support_is_kept(scene):
    x, y, z = voxel_grid(BOX)
    wave = torch.from_numpy(np.cos(2 * np.pi * 8 * x / BOX)).float()  # all its power at radius 8
    cloud_wave = scene.cloud.gather(wave) * 0.3 * scene.truth.std()
    fsc = torch.ones(BOX // 2 + 1)
    fsc[6:] = 0
    maps = HalfMaps(scene.truth + cloud_wave, scene.truth + cloud_wave, fsc)
    kept = supported_map(scene.cloud, maps)

    def power(density: torch.Tensor, shell: int) -> float:
        spectrum = torch.fft.fftn(scene.cloud.scatter(density)).abs() ** 2
        radius = np.rint(np.sqrt(sum(np.fft.fftfreq(BOX)[np.indices((BOX,) * 3)[i]] ** 2 for i in range(3))) * BOX)
        return float(spectrum[torch.from_numpy(radius == shell)].sum())

    assert power(kept, 8) < 0.1 * power(maps.first, 8)
    assert power(kept, 2) == pytest.approx(power(maps.first, 2), rel=0.05)
    half = supported_map(scene.cloud, HalfMaps(scene.truth, scene.truth, torch.full((BOX // 2 + 1,), 1 / 3)))
    assert float(half @ scene.truth / (scene.truth @ scene.truth)) == pytest.approx(0.5, abs=0.05)


def test_the_signal_ends_at_the_first_shell_of_noise():
    weights = signal_share(np.array([1.0, 1.0, 0.9, 0.6, 0.0, -0.1, 0.0, 0.0, 0.9, 0.9]))
    assert weights[0] == 1 and weights[3] == pytest.approx(2 * 0.5 / 1.5) and (weights[6:] == 0).all()
    assert (weights >= 0).all() and (weights <= 1).all()
