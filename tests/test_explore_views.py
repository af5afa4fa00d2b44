"""Views of latents: components, plots and their inverse, density pictures, neighbours, support."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.centre import mean_point, median_point
from chimerax.flexrec.explore.nearest import Nearest
from chimerax.flexrec.explore.plot_axes import make_view
from chimerax.flexrec.explore.plot_density import density_image, plot_limits
from chimerax.flexrec.explore.principal_components import components_of, latent_components
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.motion import principal_motions
from chimerax.flexrec.models.support import Support
from trained_models import make_trained


@pytest.fixture
def stretched():
    """Latents (5000, 3) that spread 5, 2 and 1 along known orthogonal axes, about (1, 2, 3)."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0].T
    return (np.array([1.0, 2.0, 3.0]) + rng.normal(size=(5000, 3)) * [5, 2, 1] @ axes).astype(np.float32), axes


def test_components_are_the_axes_of_spread_with_a_sign_that_is_no_accident(stretched):
    z, axes = stretched
    found = latent_components(z)
    assert np.allclose(found.mean, [1, 2, 3], atol=0.3)
    assert found.size == pytest.approx([5, 2, 1], rel=0.05)
    assert (np.abs((found.steps * axes).sum(axis=1)) > 0.999).all()
    assert (found.steps[np.arange(3), np.abs(found.steps).argmax(axis=1)] > 0).all()
    assert np.allclose(latent_components(-z + 7).steps, found.steps, atol=1e-4)
    assert np.allclose(found.latents(found.coordinates(z)), z, atol=1e-4)
    assert found.coordinates(z).std(axis=0) == pytest.approx(found.size, rel=1e-3)


def test_components_of_a_moving_model_are_its_motions_in_angstroms(tmp_path):
    model = open_model(make_trained(tmp_path / "train", 3)[0])
    found = components_of(model)
    assert np.allclose(found.steps, principal_motions(model)) and found.unit == "Å"
    assert (np.diff(found.size) <= 0).all() and found.size[0] > 1
    assert found.coordinates(model.latents).std(axis=0) == pytest.approx(np.ones(3), rel=0.01)


@pytest.mark.parametrize("names", [("z1", "z3"), ("pc1", "pc2"), ("pc3", "pc1"), ("z2", "pc1"), ("z2",), ("pc2",)])
def test_a_point_of_the_plot_is_an_exact_latent_point(stretched, names):
    z, _ = stretched
    components = latent_components(z)
    view = make_view(names, components)
    here, points = z[7], np.random.default_rng(1).normal(size=(10, len(names)))
    lifted = view.lift(points, here)
    assert np.allclose(view.project(lifted), points)
    assert np.allclose(view.lift(view.project(here), here), here, atol=1e-5)
    if all(name.startswith("z") for name in names):
        others = [k for k in range(3) if f"z{k + 1}" not in names]
        assert np.allclose(lifted[:, others], here[others])
    if all(name.startswith("pc") for name in names):
        others = [k for k in range(3) if f"pc{k + 1}" not in names]
        assert np.allclose(components.coordinates(lifted)[:, others], components.coordinates(here)[others], atol=1e-5)


def test_components_that_are_not_orthogonal_keep_the_others_too(tmp_path):
    model = open_model(make_trained(tmp_path / "train", 3)[0])
    components = components_of(model)
    lifted = make_view(("pc1", "pc3"), components).lift([[0.5, -2.0]], model.latents[3])
    coordinates = components.coordinates(lifted)[0]
    assert np.allclose(coordinates[[0, 2]], [0.5, -2]) and coordinates[1] == pytest.approx(
        components.coordinates(model.latents[3])[1], abs=1e-4
    )


def test_views_that_cannot_be_are_refused(stretched):
    components = latent_components(stretched[0])
    wrong = {
        ("z4", "z1"): "one of z1 to z3 or pc1 to pc3", ("z1", "z1"): "same direction", ("umap1", "z1"): "no axis",
        ("z1", "z2", "z3"): "one or two", ("z0",): "no axis",
    }  # fmt: skip
    for names, complaint in wrong.items():
        with pytest.raises(InputError, match=complaint):
            make_view(names, components)


def test_density_counts_what_numpy_counts():
    points = np.random.default_rng(0).normal(size=(20_000, 2)).astype(np.float32)
    image = density_image(points, bins=(30, 20), limits=[[-2, 3], [-1, 2]])
    wanted = np.histogram2d(points[:, 1], points[:, 0], bins=[image.y, image.x])[0]
    assert image.counts.shape == (20, 30) and np.abs(image.counts - wanted).sum() <= 4  # float32 against float64 edges
    assert image.extent == (-2, 3, -1, 2)
    assert image.logarithm().max() == pytest.approx(np.log1p(image.counts.max()))


def test_density_of_one_axis_of_blur_and_of_points_that_are_not_numbers():
    values = np.array([[0.0], [0.1], [0.9], [1.0], [np.nan], [7.0]])
    strip = density_image(values, bins=2, limits=[[0, 1]])
    assert strip.counts.tolist() == [[2, 2]]
    blurred = density_image(np.zeros((50, 2)), bins=41, limits=[[-1, 1], [-1, 1]], blur=2)
    assert blurred.counts.sum() == pytest.approx(50, rel=1e-4) and 1 < blurred.counts.max() < 5
    assert blurred.counts[20, 20] == blurred.counts.max()
    assert np.allclose(plot_limits(np.full((10, 1), 3.0)), [[2, 4]])


@pytest.mark.parametrize("with_tree", [False, True])
def test_neighbours_are_those_that_are_near(with_tree):
    points = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    search, here = Nearest(points), np.array([0.3, -0.2, 0.1])
    if with_tree:
        search.tree  # noqa: B018
    assert search.has_tree == with_tree
    distance = np.linalg.norm(points - here, axis=1)
    row, far = search.nearest(here)
    assert row == distance.argmin() and far == pytest.approx(distance.min(), rel=1e-5)
    assert search.nearest_of(here, 12)[0].tolist() == np.argsort(distance)[:12].tolist()
    assert search.within(here, 0.4).tolist() == np.flatnonzero(distance <= 0.4).tolist()
    assert len(search.nearest_of(here, 9999)[0]) == 5000


def test_exploring_needs_only_numpy_and_scipy():
    code = """
import importlib, pkgutil, sys
from chimerax.flexrec import explore
for module in pkgutil.iter_modules(explore.__path__):
    importlib.import_module(f"{explore.__name__}.{module.name}")
print(*[name for name in ("torch", "numba", "matplotlib", "umap", "sklearn", "qtpy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_the_middle_leaves_out_particles_without_latents():
    z = np.array([[0, 4], [1, 5], [5, 9], [np.nan, 1]], np.float32)
    assert mean_point(z).tolist() == [2, 6] and median_point(z).tolist() == [1, 5]


def test_three_grades_of_support():
    z = np.random.default_rng(0).normal(size=(4000, 2))
    support = Support.of(z)
    assert support.grade(np.array([[0.0, 0.0], [40.0, 0.0]])).tolist() == ["inside", "outside"]
    share = {grade: (support.grade(z) == grade).mean() for grade in ("inside", "edge", "outside")}
    assert share["inside"] == pytest.approx(0.92, abs=0.03) and share["outside"] < 0.02 < share["edge"]
    outward = support.grade(np.stack([np.linspace(0, 8, 200), np.zeros(200)], axis=1)).tolist()
    assert outward[0] == "inside" and "edge" in outward and outward[-1] == "outside"


@pytest.mark.parametrize(("number", "dims"), [(12, 2), (300, 2), (5000, 2), (5000, 5), (60_000, 3)])
def test_a_grade_follows_from_how_many_particles_are_around_and_small_gaps_are_no_edge(number, dims):
    z = np.random.default_rng(1).normal(size=(number, dims))
    support = Support.of(z)
    tried = np.random.default_rng(2).uniform(-5, 5, size=(290, dims)) * np.linspace(0.02, 1, 290)[:, None]
    count = support.density.count(tried)
    worst = np.array(["inside", "edge", "outside"])
    order = [worst.tolist().index(grade) for grade in support.grade(tried)[np.argsort(-count)]]
    assert order == sorted(order) and (support.grade(tried)[count == 0] == "outside").all()
    middle = np.random.default_rng(3).uniform(-0.5, 0.5, size=(1000, dims))
    assert (support.grade(middle) == "inside").all()


def test_a_point_beside_very_many_particles_in_one_place_is_supported():
    """As classes have it: half of the particles at one point, the others at another."""
    support = Support.of(np.repeat([-1.0, 1.0], 200)[:, None].astype(np.float32))
    assert support.density.radius == pytest.approx(0.01)
    assert support.grade(np.array([[1.005], [0.95], [0.0]])).tolist() == ["inside", "outside", "outside"]
