"""Trainings in which some particles have no latent numbers: these are in no cluster, minimum, condition or middle."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from chimerax.flexrec.cli import program
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.choose_particles import chosen_by_cluster, chosen_where
from chimerax.flexrec.explore.cluster_file import load_clusters, make_clusters
from chimerax.flexrec.explore.landscape import energy_landscape
from chimerax.flexrec.explore.make_selection import select
from chimerax.flexrec.explore.particle_columns import column, column_names
from chimerax.flexrec.explore.plot_axes import make_view
from chimerax.flexrec.explore.selection_state import middle
from chimerax.flexrec.explore.trained_model import open_trained
from explored_project import COUNT, make_project

HOLES = np.arange(COUNT) % 10 == 0  # particle 0 is one


@pytest.fixture
def trained(tmp_path):
    rng = np.random.default_rng(0)
    latents = np.where(np.arange(COUNT)[:, None] % 2, [2.0, 0.0], [-2.0, 0.0]) + 0.3 * rng.normal(size=(COUNT, 2))
    latents[HOLES, 0] = np.nan
    return open_trained(make_project(tmp_path / "project", (3.0, 0.5), latents))


@pytest.mark.parametrize("in_angstroms", [False, True])
def test_particles_without_latents_are_in_no_cluster(trained, in_angstroms):
    made = make_clusters(trained, 2, in_angstroms)
    assert np.array_equal(made.label == 0, HOLES) and made.size.sum() == (~HOLES).sum()
    side = trained.latents[:, 0] > 0
    for label, row in enumerate(made.centre, 1):
        assert made.label[row] == label and not HOLES[row]
        assert len(set(side[made.label == label])) == 1
    assert np.array_equal(load_clusters(trained).label, made.label)
    assert np.array_equal(np.isnan(column(trained, "cluster").values), HOLES)
    assert np.array_equal(chosen_by_cluster(trained, [1, 2]), ~HOLES)
    with pytest.raises(InputError, match="from 1 to 2"):
        chosen_by_cluster(trained, [0])


def test_clusters_and_minima_are_printed_as_numbers(trained, capsys):
    project = ["--project", str(trained.project)]
    assert program.main(["cluster", trained.folder.name, "--count", "2", *project]) == 0
    assert program.main(["landscape", trained.folder.name, "--bins", "12", *project]) == 0
    assert "nan" not in capsys.readouterr().out


def test_minima_are_at_particles_with_latents(trained):
    minima = energy_landscape(trained, make_view(("z1", "z2"), trained.components), bins=12).minima
    assert minima and all(np.array_equal(trained.latents[one.row], one.z) for one in minima)
    assert sum(one.share for one in minima) <= 1 + 1e-6


def test_a_condition_and_its_contrary_leave_out_particles_without_a_value(trained):
    make_clusters(trained, 2)
    for condition in ("pc1 > 0", "z2 > 0", "z1 != 0", "-9 < z1 < 0", "cluster == 1", "z1 > 0 and (z2 > 0 or z2 < -1)"):
        chosen, others = chosen_where(trained, condition), chosen_where(trained, f"not ({condition})")
        assert chosen.any() and np.array_equal(chosen ^ others, ~HOLES), condition
    everything = "defocus > 0"
    assert chosen_where(trained, f"z1 > 0 or {everything}").all()
    assert not chosen_where(trained, f"not z1 > 0 and not {everything}").any()


def test_the_typical_particle_of_a_selection_has_latents(trained):
    assert middle(trained, select(trained, "all")) in np.flatnonzero(~HOLES)
    bad = select(trained, "bad", without=[select(trained, "good", where="z1 < 9").name])
    assert len(bad) == HOLES.sum()
    with pytest.raises(InputError, match="without latent numbers"):
        middle(trained, bad)


def test_columns_are_listed_when_the_folder_is_gone(trained):
    shutil.rmtree(trained.folder.parent)
    assert "z1" in column_names(trained) and "probability" not in column_names(trained)
