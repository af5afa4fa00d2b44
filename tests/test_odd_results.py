"""Results of other programs as people really have them: files of another table, other units, twice, or not there."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import yaml
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.cluster_file import load_clusters
from chimerax.flexrec.explore.embedding import load_embedding
from chimerax.flexrec.explore.export import save_particles
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.variability.components_table import read_components
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.pickles import load_arrays_pickle
from chimerax.flexrec.particles.selection import make_selection
from recovar_files import COUNT as RECOVAR_COUNT
from recovar_files import USED, write_recovar
from trained_models import make_linear
from variability_writer import NAME, save, table_of, write_variability

EXAMPLE = Path(__file__).parent / "cryodrgn_example"
COUNT, BOX, PIXEL = 120, 16, 15.0


def dump(path, value):
    path.write_bytes(pickle.dumps(value))


def write_stack(path, images):
    path.parent.mkdir(parents=True, exist_ok=True)
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(images.astype(np.float32))
        file.voxel_size = PIXEL


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(COUNT, BOX, BOX)).astype(np.float32)


@pytest.fixture
def work(tmp_path, images):
    """A training of cryoDRGN's, with images."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "work")
    write_stack(folder / "particles.mrcs", images)
    return folder


def change(work, **values):
    config = yaml.safe_load((work / "config.yaml").read_text())
    config["dataset_args"].update(values)
    (work / "config.yaml").write_text(yaml.dump(config))


def first_pixels(trained, rows):
    """What the stacks have of these particles, as they were recorded."""
    particles = trained.particles
    return np.array([mrcfile.read(particles.stacks[particles.stack[row]])[particles.index[row]] for row in rows])


# cryoDRGN -------------------------------------------------------------------------------------------------------------


def test_particles_are_listed_in_a_text_file_and_one_stack_twice(work, images):
    """--ind then says which; a list may name a stack twice, and has empty lines."""
    write_stack(work / "stacks" / "a.mrcs", images[:50])
    write_stack(work / "stacks" / "b.mrcs", images[50:85])
    (work / "particles.txt").write_text("stacks/a.mrcs\n\nstacks/b.mrcs\n  stacks/b.mrcs \n")
    change(work, particles="particles.txt")
    trained = open_trained(work)
    wanted = np.concatenate([images[:85], images[50:85]])
    np.testing.assert_array_equal(first_pixels(trained, range(COUNT)), wanted)
    (work / "stacks" / "b.mrcs").unlink()
    with pytest.raises(InputError, match="b.mrcs"):
        open_trained(work).particles  # noqa: B018


def test_stacks_of_other_sizes_in_a_list_are_a_sentence(work, images):
    write_stack(work / "a.mrcs", images[:60])
    write_stack(work / "b.mrcs", np.zeros((60, 8, 8)))
    (work / "particles.txt").write_text("a.mrcs\nb.mrcs\n")
    change(work, particles="particles.txt")
    with pytest.raises(InputError, match="b.mrcs: .*8 pixels .* 16"):
        open_trained(work).particles  # noqa: B018


OPTICS = """data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnVoltage #3
_rlnSphericalAberration #4
_rlnAmplitudeContrast #5
_rlnImagePixelSize #6
_rlnImageSize #7
_rlnImageDimensionality #8
_rlnBeamTiltX #9
1 krios1 300 2.7 0.1 15.0 16 2 0.5
2 krios2 200 2.0 0.1 15.0 16 2 -0.2

data_particles

loop_
_rlnImageName #1
_rlnOpticsGroup #2
_rlnDefocusU #3
_rlnDefocusV #4
_rlnDefocusAngle #5
_rlnAngleRot #6
_rlnAngleTilt #7
_rlnAnglePsi #8
_rlnOriginXAngst #9
_rlnOriginYAngst #10
"""


def write_body_star(work, stack):
    """A body's table: two optics groups, one after the other, with poses of the body's own."""
    lines = [f"{row + 1:06d}@{stack} {1 + row % 2} 10000 11000 {row} 10 20 30 7 -7" for row in range(COUNT)]
    (work / "run_data_body001.star").write_text(OPTICS + "\n".join(lines) + "\n")
    table = load_arrays_pickle(work / "ctf.pkl").astype(np.float32)
    table[:, [2, 3]] = 10000, 11000
    table[:, 4], table[:, 5], table[:, 6], table[:, 7] = np.arange(COUNT), 300, 2.7, 0.1
    table[1::2, 5], table[1::2, 6] = 200, 2.0
    dump(work / "ctf.pkl", table)


def test_a_star_file_with_a_data_folder_keeps_its_optics_groups(work, images, tmp_path):
    """Poses and CTF are of cryoDRGN's tables; what these have no word for, such as beam tilt, is of the STAR file."""
    write_body_star(work, "Extract/job007/particles.mrcs")
    shutil.rmtree(work / "Extract", ignore_errors=True)
    (work / "particles.mrcs").unlink()
    write_stack(tmp_path / "disk" / "Extract" / "job007" / "particles.mrcs", images)
    change(work, particles="run_data_body001.star", datadir=str(tmp_path / "disk"))
    trained = open_trained(work)
    rotation, shift = load_arrays_pickle(work / "poses.pkl")
    np.testing.assert_array_equal(first_pixels(trained, [0, 7, 119]), images[[0, 7, 119]])
    np.testing.assert_allclose(trained.particles.rotation, rotation, atol=1e-6)
    np.testing.assert_allclose(trained.particles.shift, shift * BOX * PIXEL, rtol=1e-5)
    selection = make_selection("some", np.array([3, 4]), COUNT, trained.identity)
    save_particles(trained, selection, tmp_path / "some.star")
    written = read_particles(tmp_path / "some.star")
    assert written.optics.odd.any() and {"krios1", "krios2"} == set(written.optics.name)
    assert written.optics.voltage[written.group].tolist() == [200.0, 300.0]


def test_a_ctf_table_of_other_microscopes_counts_against_the_star_file(work):
    write_body_star(work, "particles.mrcs")
    table = load_arrays_pickle(work / "ctf.pkl")
    table[:, 5] = 300
    dump(work / "ctf.pkl", table)
    change(work, particles="run_data_body001.star")
    assert set(open_trained(work).particles.optics.voltage) == {300.0}


def test_poses_without_shifts_are_of_centred_images(work):
    """Not of images that the STAR file's own shifts centre."""
    write_body_star(work, "particles.mrcs")
    rotation, _ = load_arrays_pickle(work / "poses.pkl")
    dump(work / "rotations.pkl", rotation)
    change(work, particles="run_data_body001.star", poses="rotations.pkl")
    assert not open_trained(work).particles.shift.any()


@pytest.mark.parametrize("mask", [True, False])
def test_a_filtered_training_whose_tables_are_filtered_too(work, images, mask):
    """cryodrgn_utils filter_pkl makes tables of the chosen alone; an index may be a mask or a list."""
    chosen = np.sort(np.random.default_rng(1).choice(COUNT, 70, replace=False))
    dump(work / "ind.pkl", np.isin(np.arange(COUNT), chosen) if mask else chosen.tolist())
    rotation, shift = load_arrays_pickle(work / "poses.pkl")
    dump(work / "poses.pkl", (rotation[chosen], shift[chosen]))
    dump(work / "ctf.pkl", load_arrays_pickle(work / "ctf.pkl")[chosen])
    for epoch in (2, 3):
        dump(work / f"z.{epoch}.pkl", load_arrays_pickle(work / f"z.{epoch}.pkl")[chosen])
    change(work, ind="ind.pkl")
    trained = open_trained(work)
    np.testing.assert_allclose(trained.particles.rotation, rotation[chosen], atol=1e-6)
    np.testing.assert_array_equal(first_pixels(trained, range(70)), images[chosen])
    assert np.isfinite(trained.particles.defocus).all() and (trained.particles.optics.voltage == 300).all()
    change(work, ind="gone.pkl")
    with pytest.raises(InputError, match="its ind are not at"):
        open_trained(work).particles  # noqa: B018


def test_windowed_images_that_were_not_inverted_are_dark(work):
    """Its CTF has the other sign, so that the default is right for white protein; without a CTF it is the reverse."""
    change(work, invert_data=False, window=True, window_r=0.85)
    assert open_trained(work).particles.contrast == -1
    change(work, invert_data=True)
    assert open_trained(work).particles.contrast == 1
    change(work, ctf=None)
    assert open_trained(work).particles.contrast == -1


def test_an_analysis_without_umap_has_all_else(work):
    trained = open_trained(work)
    assert not (work / "analyze.3" / "umap.pkl").exists()
    assert load_embedding(trained) is None and load_clusters(trained) is not None


@pytest.mark.parametrize("name", ["weights", "z"])
def test_a_newer_epoch_without_its_other_half_is_passed_over_and_said(work, name):
    """Latents may be of a later epoch than the weights that were copied, and the other way round."""
    shutil.copy(work / f"{name}.3.pkl", work / f"{name}.9.pkl")
    other = {"weights": "z", "z": "weights"}[name]
    model = open_model(work)
    assert model.epoch == 3 and f"A newer epoch is passed over, since {other}.9.pkl is missing" in model.notes[0]


def test_a_training_without_a_ctf_table_has_the_pixel_size_of_its_star_file(work):
    """Of phase-flipped images no CTF is given."""
    write_body_star(work, "particles.mrcs")
    change(work, particles="run_data_body001.star", ctf=None)
    for file in work.glob("analyze*/**/*.mrc"):
        file.unlink()
    model = open_model(work)
    assert model.pixel_size == PIXEL * BOX / model.box and "pixel size" not in " ".join(model.origin.notes)
    text = (work / "run_data_body001.star").read_text()
    (work / "run_data_body001.star").write_text(text + "a row that is none\n")  # not read for it
    assert open_model(work).pixel_size == model.pixel_size
    # groups that differ: which of them the particles are of is told by their table
    other = text.replace(" 15.0 16 2 0.5", " 7.5 16 2 0.5").replace("mrcs 1 ", "mrcs 2 ")
    (work / "run_data_body001.star").write_text(other)
    assert open_model(work).pixel_size == model.pixel_size


def test_a_folder_before_its_first_epoch_or_of_latents_alone_is_told(work):
    latents = (work / "z.3.pkl").rename(work / "kept")
    for file in [*work.glob("weights*.pkl"), *work.glob("z*.pkl")]:
        file.unlink()
    with pytest.raises(InputError, match="has written no epoch there yet"):
        open_model(work)
    latents.rename(work / "z.3.pkl")
    (work / "config.yaml").unlink()
    with pytest.raises(InputError, match="neither its weights .* nor its config.yaml"):
        open_model(work)


# RECOVAR --------------------------------------------------------------------------------------------------------------


def test_the_particles_of_a_pipeline_were_filtered(tmp_path):
    """Its rows are those of the file that it was given: of one with fewer particles they are none."""
    work = write_recovar(tmp_path / "pipeline")
    trained = open_trained(work)
    np.testing.assert_array_equal(trained.particles.index, USED)
    stack = mrcfile.read(work / "particles.mrcs")
    with mrcfile.new(work / "particles.mrcs", overwrite=True) as file:
        file.set_data(stack[USED])
    with pytest.raises(InputError, match=f"row {RECOVAR_COUNT} of .*|of {RECOVAR_COUNT} particles"):
        open_trained(work).particles  # noqa: B018


# cryoSPARC ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    return open_model(make_linear(tmp_path_factory.mktemp("project") / "003-train"))


@pytest.fixture
def job(linear, tmp_path):
    return write_variability(tmp_path / "J11", linear)


def joined(first, second):
    """A table with the fields of both."""
    new = [name for name in second.dtype.names if name not in first.dtype.names]
    table = np.zeros(len(first), [*first.dtype.descr, *((name, second.dtype[name]) for name in new)])
    for name in first.dtype.names:
        table[name] = first[name]
    for name in new:
        table[name] = second[name]
    return table


def test_the_passthrough_table_alone_is_a_sentence(job):
    (job / f"{NAME}_particles.cs").unlink()
    with pytest.raises(InputError, match=f"no {NAME}_particles.cs, with their particles' coordinates"):
        open_model(job)
    with pytest.raises(InputError, match="no reaction coordinates"):
        read_components(job / f"{NAME}_passthrough_particles.cs")


def test_coordinates_may_be_in_the_passthrough_table(linear, job):
    """As of a job after 3D Variability, which passes them through."""
    own, passed = table_of(job), table_of(job, "passthrough_particles")
    kept = [name for name in own.dtype.names if not name.startswith("components")]
    moved = own[[name for name in own.dtype.names if name.startswith(("uid", "components"))]]
    save(job / f"{NAME}_passthrough_particles.cs", joined(passed, moved[::-1]))
    save(job / f"{NAME}_particles.cs", own[kept])
    np.testing.assert_array_equal(open_model(job).latents, linear.latents)
    np.testing.assert_array_equal(read_components(job / f"{NAME}_particles.cs").latents, linear.latents)


def test_coordinates_of_an_earlier_job_are_not_mixed_with_its_own(linear, job):
    """A job of two components after one of three passes the third through."""
    passed = table_of(job, "passthrough_particles")
    earlier = np.zeros(len(passed), [("components_mode_0/value", "<f4"), ("components_mode_2/value", "<f4"),
                                     ("components_mode_2/component", "<u4")])  # fmt: skip
    earlier["components_mode_0/value"] = earlier["components_mode_2/value"] = 99
    save(job / f"{NAME}_passthrough_particles.cs", joined(passed, earlier))
    np.testing.assert_array_equal(open_model(job).latents, linear.latents)
    np.testing.assert_array_equal(read_components(job / f"{NAME}_particles.cs").latents, linear.latents)


def expand(job, poses_passed, order=None):
    """Each particle twice with one uid, as where symmetry was expanded outside of cryoSPARC."""
    own, passed = table_of(job), table_of(job, "passthrough_particles")[::-1]
    own, passed = np.repeat(own, 2), np.repeat(passed, 2)
    own["components_mode_0/value"] = np.arange(len(own))
    if poses_passed:
        poses = np.zeros(len(own), [("alignments3D/pose", "<f4", (3,))])
        poses["alignments3D/pose"] = np.random.default_rng(8).normal(size=(len(own), 3))
        passed = joined(passed, poses)
        own = own[[name for name in own.dtype.names if name != "alignments3D/pose"]]
    save(job / f"{NAME}_particles.cs", own)
    save(job / f"{NAME}_passthrough_particles.cs", passed if order is None else passed[order(len(passed))])
    return own, passed


@pytest.mark.parametrize("order", [None, lambda count: np.arange(count)[::-1]])
def test_copies_of_one_uid_with_one_image(job, order):
    own, passed = expand(job, False, order)
    trained = open_trained(job)
    np.testing.assert_array_equal(trained.latents[:, 0], np.arange(len(own)))
    np.testing.assert_array_equal(trained.particles.index, passed["blob/idx"])


def test_copies_of_one_uid_with_poses_of_their_own_row_by_row(job):
    _, passed = expand(job, True)
    vectors = open_model(job).origin.table["alignments3D/pose"]
    np.testing.assert_array_equal(vectors, passed["alignments3D/pose"])


def test_copies_of_one_uid_that_cannot_be_told_apart_are_a_sentence(job):
    expand(job, True, lambda count: np.arange(count)[::-1])
    with pytest.raises(InputError, match="has several particles of one uid, .* whose alignments3D/pose"):
        open_model(job)
