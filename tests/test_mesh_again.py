"""A mesh that another molecule went into is made again without it, but never one that somebody has drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from chimerax.flexrec.cli.program import main as flexrec
from chimerax.flexrec.jobs.mesh.mesh_again import mesh_again, numbered_alike
from chimerax.flexrec.jobs.project import new_job_folder
from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.mesh.storage import load_mesh
from trained_models import two_blobs, two_part_mesh

pytestmark = pytest.mark.blank_pictures()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Particles among which are a quarter of another molecule, and 004-train that began with them."""
    folder = tmp_path_factory.mktemp("again") / "project"
    for words in ("simulate --particles 700 --box 32 --pixel-size 10 --snr 0.5 --strangers 0.25",
                  f"prep --particles {folder}/001-simulate --box 32",
                  f"mesh --consensus {folder}/001-simulate/consensus.mrc --coarseness 14",
                  "train --latent-dims 1 --epochs 1 --start modes --device cpu --devices cpu"):  # fmt: skip
        assert flexrec([*words.split(), "--project", str(folder)]) == 0
    return folder


def test_training_makes_the_mesh_again_and_keeps_it(project):
    said = (project / "004-train" / "log.txt").read_text()
    assert "The mesh was made again" in said
    assert "lack a part" not in said  # another molecule is not this one without a part
    old, new = (load_mesh(project / name / "mesh.npz") for name in ("003-mesh", "004-train"))
    assert len(new.cells) < len(old.cells) and np.array_equal(old.centre, new.centre)
    with np.load(project / "004-train" / "flow.npz") as file:
        assert len(file["vertices"]) == len(new.vertices)


def test_a_mesh_that_was_drawn_is_kept(project, tmp_path):
    consensus = project / "001-simulate" / "consensus.mrc"
    volume, pixel_size = read_map(consensus)
    job, told = project / "003-mesh", []
    old = load_mesh(job / "mesh.npz")
    again = mesh_again(job, old, volume, pixel_size, told.append)
    assert np.array_equal(again.cells, old.cells) and np.allclose(again.vertices, old.vertices)
    assert mesh_again(job / "mesh.npz", old, volume, pixel_size, told.append).parts == old.parts
    words = f"mesh --consensus {consensus} --rigid 1 --project {tmp_path}/drawn".split()
    assert flexrec(words) == 0
    for folder in (tmp_path / "drawn" / "001-mesh", tmp_path / "gone"):
        assert mesh_again(folder, old, volume, pixel_size, told.append) is old
        assert "kept" in told[-1]


def test_parts_of_a_mesh_made_again_keep_their_numbers():
    old = two_part_mesh(two_blobs())
    swapped = replace(old, part=(1 - old.part).astype(old.part.dtype), joints=((1, 0),))
    found = numbered_alike(swapped, old)
    assert np.array_equal(found.part, old.part) and found.joints == old.joints and found.part.dtype == old.part.dtype
    one = replace(old, part=np.zeros_like(old.part), joints=())
    assert np.array_equal(numbered_alike(one, old).part, one.part)  # a part less
    assert np.array_equal(numbered_alike(swapped, one).part, numbered_alike(old, one).part)  # and one more
    drawn = replace(swapped, labels=(4, 2))
    assert numbered_alike(drawn, old) is drawn


def test_a_map_of_which_no_mesh_comes_leaves_the_old_one(project):
    told = []
    old = load_mesh(project / "003-mesh" / "mesh.npz")
    assert mesh_again(project / "003-mesh", old, np.zeros((32, 32, 32), np.float32), 10.0, told.append) is old
    assert "none can be made" in told[-1]


def test_a_threshold_of_nothing_was_chosen_too(tmp_path):
    asked = {"mask_threshold": 0.0}
    job = new_job_folder(tmp_path, {"verb": "mesh", "parameters": asked, "inputs": {"consensus": "c.mrc"}, "seed": 0})
    told, old = [], object()
    assert mesh_again(job, old, np.zeros((32, 32, 32), np.float32), 10.0, told.append) is old
    assert told == ["The mesh was drawn by hand, or its job is gone: it is kept, soft where the map has lost density."]
