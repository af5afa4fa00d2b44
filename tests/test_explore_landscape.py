"""Landscapes with known minima, and what an embedding without an inverse gives."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from chimerax.flexrec.cli import program
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.choose_particles import chosen_by_box
from chimerax.flexrec.explore.embedding import load_embedding, make_embedding
from chimerax.flexrec.explore.landscape import energy_landscape
from chimerax.flexrec.explore.particle_columns import column, column_names
from chimerax.flexrec.explore.plot_axes import make_view
from chimerax.flexrec.explore.results import save_result
from chimerax.flexrec.explore.trained_model import open_trained
from explored_project import COUNT, make_project
from trained_models import make_sliding, random_flow, save_trained, two_blobs, two_part_mesh


def wells(count: int) -> np.ndarray:
    """Latents (count, 2) in two Gaussian wells: three quarters about (-2, 0), a quarter about (2, 1)."""
    rng = np.random.default_rng(0)
    second = np.arange(count) % 4 == 0
    return np.where(second[:, None], [2.0, 1.0], [-2.0, 0.0]) + 0.6 * rng.normal(size=(count, 2))


@pytest.fixture(scope="module")
def two_wells(tmp_path_factory):
    return open_trained(make_sliding(tmp_path_factory.mktemp("wells") / "003-train", (3.0, 0.5), wells(40_000)))


def test_minima_are_found_with_their_population_and_energy(two_wells):
    found = energy_landscape(two_wells, make_view(("z1", "z2"), two_wells.components), blur=2)
    assert len(found.minima) == 2
    first, second = found.minima
    assert np.linalg.norm(first.z - [-2, 0]) < 0.35 and np.linalg.norm(second.z - [2, 1]) < 0.35
    assert (first.share, second.share) == pytest.approx((0.75, 0.25), abs=0.01)
    assert first.energy == 0 and second.energy == pytest.approx(np.log(3), abs=0.15)
    assert np.array_equal(two_wells.latents[first.row], first.z)
    assert np.nanmin(found.energy) == 0 and np.isnan(found.energy[0, 0]) and found.basin[0, 0] == 0
    assert set(np.unique(found.basin)) == {0, 1, 2}


def test_the_lowest_minimum_is_the_first_also_where_a_wide_one_holds_more(tmp_path):
    rng = np.random.default_rng(0)
    narrow = np.arange(40_000) % 4 == 0
    latents = np.where(narrow[:, None], [2.0, 1.0], [-2.0, 0.0]) + rng.normal(size=(40_000, 2)) * np.where(
        narrow[:, None], 0.2, 0.9
    )
    trained = open_trained(make_sliding(tmp_path / "003-train", (3.0, 0.5), latents))
    found = energy_landscape(trained, make_view(("z1", "z2"), trained.components), blur=2)
    first, *others = found.minima
    assert np.linalg.norm(first.z - [2, 1]) < 0.3 and first.energy == 0 and max(o.share for o in others) > first.share
    assert [one.energy for one in found.minima] == sorted(one.energy for one in found.minima)
    y, x = np.unravel_index(np.nanargmin(found.energy), found.energy.shape)
    assert found.basin[y, x] == 1


def test_one_axis_has_a_landscape_too(two_wells):
    found = energy_landscape(two_wells, make_view(("z1",), two_wells.components), bins=50)
    assert found.energy.shape == (1, 50) and len(found.minima) == 2
    assert found.minima[1].z[0] == pytest.approx(2, abs=0.3)


def test_energies_in_angstroms_are_of_densities_per_angstrom(tmp_path):
    volume = two_blobs()
    mesh = two_part_mesh(volume)
    state = np.random.default_rng(0).normal(size=(30_000, 2))
    plain = open_trained(save_trained(tmp_path / "train", mesh, random_flow(mesh, 2, 0.4), volume, state))
    energy = energy_landscape(plain, make_view(("z1",), plain.components), bins=40, in_angstroms=False)
    in_angstroms = energy_landscape(plain, make_view(("z1",), plain.components), bins=40)
    centre = (energy.x[1:] + energy.x[:-1]) / 2
    z = np.stack([centre, np.full(40, np.median(plain.latents[:, 1]))], axis=1)
    speed = np.sqrt(plain.motion.tensor(z)[:, 0, 0])
    shift = (in_angstroms.energy - energy.energy)[0] - np.log(speed)
    assert np.nanstd(shift) < 1e-6 and np.ptp(np.log(speed)) > 0.05


def test_landscapes_that_cannot_be_are_refused(two_wells):
    view = make_view(("z1", "z2"), two_wells.components)
    for bins, blur in ((2, 1.0), (2000, 1.0), (64, -1.0)):
        with pytest.raises(InputError, match="4 to 1000 bins"):
            energy_landscape(two_wells, view, bins, blur)


def test_the_terminal_lists_minima(two_wells, monkeypatch, capfd):
    monkeypatch.chdir(two_wells.project)
    assert program.main(["landscape", "--axes", "z1,z2", "--blur", "2"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split()[0] == "minimum" and len(lines) == 3
    assert lines[1].split()[:3] == ["1", "0.0", "kT"]
    assert float(lines[1].split()[3].strip("%")) == pytest.approx(75, abs=1)
    with np.load(two_wells.folder / "explore" / "landscape.npz", allow_pickle=False) as file:
        assert file["energy"].shape == (64, 64) and file["z"].shape == (2, 2) and file["axes"].tolist() == ["z1", "z2"]


def test_umap_is_a_column_when_it_has_been_computed(tmp_path):
    trained = open_trained(make_project(tmp_path / "p", (3.0, 0.5, 1.0)))
    assert load_embedding(trained) is None and "umap1" not in column_names(trained)
    with pytest.raises(InputError, match="run flexrec umap"):
        column(trained, "umap1")
    if importlib.util.find_spec("umap") is None:
        with pytest.raises(InputError, match="pip install umap-learn"):
            make_embedding(trained)
    points = np.random.default_rng(0).normal(size=(COUNT, 2)).astype(np.float32)
    save_result(trained, "umap", points=points)
    assert np.array_equal(column(trained, "umap2").values, points[:, 1])
    assert chosen_by_box(trained, {"umap1": (0, 9)}).sum() == (points[:, 0] >= 0).sum()
    with pytest.raises(InputError, match="need no UMAP"):
        make_embedding(open_trained(make_project(tmp_path / "two")))
