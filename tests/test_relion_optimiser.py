"""RELION's optimiser.star as what prep is given: its particles, and its map as the consensus."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.prep.prep_parameters import PREP
from chimerax.flexrec.jobs.prep.prep_read import read_input, with_refinement
from chimerax.flexrec.jobs.reconstruct.full_images import recorded_particles
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.relion_optimiser import is_optimiser, read_optimiser
from test_prep import PIXEL, density, simulate

OPTIMISER = """
# version 30001

data_optimiser_general

_rlnOutputRootName                    Refine3D/job019/run
_rlnModelStarFile                     Refine3D/job019/run_model.star
{second}_rlnExperimentalDataStarFile          Refine3D/job019/run_data.star
_rlnDoSolventFlattening                          1

"""
MODEL = """
# version 30001

data_model_general

_rlnReferenceDimensionality                      3
_rlnNrClasses                            {count}


# version 30001

data_model_classes

loop_
_rlnReferenceImage #1
_rlnClassDistribution #2
{rows}

"""


def write_refinement(project, classes=1, second=""):
    """A RELION project with the end of a refinement; returns the optimiser's file."""
    job = project / "Refine3D" / "job019"
    job.mkdir(parents=True)
    simulate(job, count=200)
    (job / "particles.star").rename(job / "run_data.star")
    names = [f"run_class{number + 1:03d}.mrc" for number in range(classes)]
    for name in names:
        write_map(job / name, density(), PIXEL)
    rows = "\n".join(f"Refine3D/job019/{name} {1 / classes:.3f}" for name in names)
    (job / "run_model.star").write_text(MODEL.format(count=classes, rows=rows))
    (job / "run_optimiser.star").write_text(OPTIMISER.format(second=second))
    return job / "run_optimiser.star"


def test_prep_takes_the_particles_and_the_map_of_a_refinement(tmp_path):
    path = write_refinement(tmp_path)
    parameters = PREP.build({"particles": path, "box": 32, "workers": 1})
    folder = tmp_path / "001-prep"
    folder.mkdir()
    PREP.function()(parameters, JobRun(folder))
    record = json.loads((folder / "prep.json").read_text())
    assert record["count"] == 200 and record["source"].endswith("job019/run_data.star")
    assert "run_class001.mrc" in (folder / "log.txt").read_text()
    agreement = np.array(record["backprojection"]["fsc_consensus"])
    assert agreement[2:6].mean() > 0.5  # the particles are checked against the map


def test_what_the_user_gives_counts(tmp_path):
    path = write_refinement(tmp_path)
    parameters = PREP.build({"particles": path, "consensus": tmp_path / "own.mrc"})
    said = []
    assert with_refinement(parameters, said.append).consensus == tmp_path / "own.mrc" and len(said) == 1


def test_of_several_classes_or_two_halves_none_is_the_consensus(tmp_path):
    files = read_optimiser(write_refinement(tmp_path / "classes", 3))
    assert len(files.maps) == 3 and files.consensus is None
    second = "_rlnModelStarFile2                    Refine3D/job019/run_it003_half2_model.star\n"
    files = read_optimiser(write_refinement(tmp_path / "halves", 1, second))
    assert files.maps == () and files.consensus is None and files.data.name == "run_data.star"


def test_without_its_model_the_particles_are_taken_alone(tmp_path):
    path = write_refinement(tmp_path)
    path.with_name("run_model.star").unlink()
    assert read_optimiser(path).consensus is None
    assert is_optimiser(path) and not is_optimiser(path.with_name("run_data.star"))


@pytest.mark.parametrize("damage, sentence", [
    (lambda path: path.with_name("run_data.star").unlink(), "particles' table is not at .*run_data.star"),
    (lambda path: path.write_text("data_\n\n_rlnModelStarFile  x.star\n"), "names no particles' table"),
    (lambda path: path.write_bytes(b"\x00\x01"), "optimiser"),
    (lambda path: path.unlink(), "there is no such file"),
])  # fmt: skip
def test_what_is_amiss_is_one_sentence(tmp_path, damage, sentence):
    path = write_refinement(tmp_path)
    damage(path)
    with pytest.raises(InputError, match=sentence) as refused:
        read_optimiser(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("tag, state", [
    ("rlnCtfDataArePhaseFlipped", "phase-flipped"),
    ("rlnCtfDataAreCtfPremultiplied", "multiplied"),
    ("rlnOther", "auto"),
])  # fmt: skip
def test_what_was_done_to_the_images_stands_in_the_optimiser_alone(tmp_path, tag, state):
    """RELION's ml_optimiser.cpp writes --ctf_phase_flipped there, and nowhere else."""
    path = write_refinement(tmp_path)
    path.write_text(path.read_text().replace("_rlnDoSolventFlattening", f"_{tag}  1\n_rlnDoSolventFlattening"))
    said = []
    assert with_refinement(PREP.build({"particles": path}), said.append).ctf_state == state
    assert any(state in text for text in said) == (state != "auto")
    given = PREP.build({"particles": path, "ctf_state": "recorded"})
    assert with_refinement(given, said.append).ctf_state == "recorded"


def test_the_recorded_images_are_read_again_as_prep_took_them(tmp_path):
    """The particle file itself does not say that they were phase-flipped; prep.json does."""
    source = read_particles(write_refinement(tmp_path).with_name("run_data.star"))
    (tmp_path / "prep.json").write_text(json.dumps({"ctf_state": "phase-flipped"}))
    trained = SimpleNamespace(source_particles=source, source_rows=lambda rows: rows)
    again = recorded_particles(trained, SimpleNamespace(particles=source, folder=tmp_path))
    assert again.optics.ctf_state.tolist() == [1] and again.stacks == source.stacks


def test_a_folder_of_relions_is_answered_with_the_file_in_it(tmp_path):
    path = write_refinement(tmp_path)
    for name in ("run_optimiser.star", "run_data.star"):
        with pytest.raises(InputError, match=f"job019: has no particles.star; give a file in it, such as {name}"):
            read_input(PREP.build({"particles": path.parent}), 0, None)
        (path.parent / name).unlink()
