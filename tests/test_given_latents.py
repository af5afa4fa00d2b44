"""Latents from outside, brought into the order of prepared particles by what their images are known by."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import yaml
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.train.given_latents import given_latents
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.prepared import STAR, Prepared
from explored_project import COUNT, SOURCE_COUNT, make_project, source_rows
from trained_models import make_sliding
from variability_writer import coordinates, save

EXAMPLE = Path(__file__).parent / "cryodrgn_example"
Z = np.random.default_rng(3).normal(size=(SOURCE_COUNT, 2)).astype(np.float32)  # of the source's particles
UID = np.random.default_rng(4).permutation(10**6)[:SOURCE_COUNT].astype(np.uint64)


@pytest.fixture
def project(tmp_path):
    make_project(tmp_path / "p")
    return tmp_path / "p"


def prepared(project):
    folder = project / "001-prep"
    particles = read_particles(folder / STAR, require=())
    return Prepared(particles, 32, 3.0, np.ones((1, 17), np.float32), folder)


def order(seed=0):
    return np.random.default_rng(seed).permutation(SOURCE_COUNT)


def test_a_table_with_names_of_images_in_any_order(project, tmp_path):
    names = np.array([f"{row + 1:06d}@elsewhere/stack.mrcs" for row in range(SOURCE_COUNT)])
    np.savez(tmp_path / "outside.npz", z=Z[order()], image=names[order()])
    given = given_latents(tmp_path / "outside.npz", prepared(project))
    np.testing.assert_array_equal(given.z, Z[source_rows()])
    assert given.partner.all() and "name of the stack's path" in given.by
    lines = [f"{name},{a},{b}" for name, (a, b) in zip(names[order()], Z[order()].tolist())]
    (tmp_path / "outside.csv").write_text("\n".join(["rlnImageName,z1,z2", *lines]))
    np.testing.assert_allclose(given_latents(tmp_path / "outside.csv", prepared(project)).z, Z[source_rows()])


def test_those_without_a_partner_begin_in_the_middle_and_are_said(project, tmp_path):
    names = np.array([f"{row + 1:06d}@stack.mrcs" for row in range(SOURCE_COUNT)])
    np.savez(tmp_path / "some.npz", z=Z[:200], image=names[:200])
    given = given_latents(tmp_path / "some.npz", prepared(project))
    there = source_rows() < 200
    np.testing.assert_array_equal(given.partner, there)
    np.testing.assert_array_equal(given.z[there], Z[source_rows()[there]])
    np.testing.assert_allclose(given.z[~there], np.tile(Z[source_rows()[there]].mean(axis=0), ((~there).sum(), 1)),
                               atol=1e-6)  # fmt: skip
    sentence = given.sentence(tmp_path / "some.npz")
    assert f"{(~there).sum()} of {COUNT} particles have no partner there" in sentence


def test_a_table_that_names_no_images_is_in_the_particles_order(project, tmp_path):
    np.savez(tmp_path / "z.npz", z=Z[:COUNT])
    given = given_latents(tmp_path / "z.npz", prepared(project))
    np.testing.assert_array_equal(given.z, Z[:COUNT])
    assert "names no images" in given.sentence(tmp_path / "z.npz")


def test_a_half_model_gives_the_latents_that_it_has(project):
    train = project / "003-train"
    with np.load(train / "latents.npz") as file:
        arrays = dict(file)
    before = arrays["z"].copy()
    arrays["z"][::2] = np.nan
    np.savez(train / "latents.npz", **arrays)
    given = given_latents(train, prepared(project))
    assert np.array_equal(np.flatnonzero(given.partner), np.arange(1, COUNT, 2))
    np.testing.assert_array_equal(given.z[1::2], before[1::2])
    np.testing.assert_allclose(given.z[::2], np.tile(before[1::2].mean(axis=0), (COUNT // 2, 1)), atol=1e-6)
    np.savez(project / "z.npz", z=arrays["z"])
    with pytest.raises(InputError, match="finite numbers"):
        given_latents(project / "z.npz", prepared(project))


def as_from_cryosparc(project):
    """The prep's particles with the uid that cryoSPARC gave each; the file that prep was given is gone."""
    ready = prepared(project)
    ready.particles.columns["uid"] = UID[source_rows()]
    (project / "particles.star").unlink()
    return ready


def test_3d_variabilitys_table_is_matched_by_uid(project, tmp_path):
    ready = as_from_cryosparc(project)
    save(tmp_path / "J5_particles.cs", coordinates(UID[order()], Z[order()]))
    given = given_latents(tmp_path / "J5_particles.cs", ready)
    np.testing.assert_array_equal(given.z, Z[source_rows()])
    assert given.by == "uid"
    save(tmp_path / "J6_particles.cs", coordinates(UID + np.uint64(10**7), Z))
    with pytest.raises(InputError, match="latents of 0 of the 300 particles"):
        given_latents(tmp_path / "J6_particles.cs", ready)


def test_a_folder_of_3d_flex_is_matched_by_uid(project, tmp_path):
    ready = as_from_cryosparc(project)
    folder = tmp_path / "J20"
    folder.mkdir()
    table = coordinates(UID[order()], Z[order()])
    fields = [("uid", "<u8"), ("blob/path", "S20"), ("blob/idx", "<u4"), ("blob/shape", "<u4", 2)]
    images = np.zeros(SOURCE_COUNT, fields)
    images["uid"], images["blob/path"], images["blob/idx"] = UID, b"stack.mrcs", np.arange(SOURCE_COUNT)
    save(folder / "J20_latents_010.cs", table)
    save(folder / "J20_passthrough_particles.cs", images)
    write_map(folder / "J20_map.mrc", np.ones((16, 16, 16), np.float32), 3.0)
    for named in (folder, folder / "J20_latents_010.cs"):
        given = given_latents(named, ready)
        np.testing.assert_array_equal(given.z, Z[source_rows()])
        assert given.by == "uid"


def cryodrgn_folder(folder, project, rows, z):
    """The example's work folder, with latents of these rows of the project's particle file."""
    shutil.copytree(EXAMPLE, folder)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["dataset_args"] |= {"particles": str(project / "particles.star"), "poses": None, "ctf": None,
                               "ind": str(folder / "ind.pkl")}  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    for name, value in (("ind.pkl", rows), ("z.3.pkl", z[rows])):
        with open(folder / name, "wb") as file:
            pickle.dump(value, file)
    return folder


def test_cryodrgns_latents_are_matched_by_its_own_particles(project, tmp_path):
    rows = np.sort(order()[:350])
    with open(EXAMPLE / "z.3.pkl", "rb") as file:
        dims = pickle.load(file).shape[1]
    z = np.random.default_rng(5).normal(size=(SOURCE_COUNT, dims)).astype(np.float32)
    work = cryodrgn_folder(tmp_path / "work", project, rows, z)
    there = np.isin(source_rows(), rows)
    for named in (work / "z.3.pkl", work):
        given = given_latents(named, prepared(project))
        np.testing.assert_array_equal(given.partner, there)
        np.testing.assert_array_equal(given.z[there], z[source_rows()[there]])
    with pytest.raises(InputError, match="not named as cryoDRGN"):
        given_latents(work / "ind.pkl", prepared(project))
    # of an epoch whose weights were not kept they are its own, not those of another epoch
    with open(work / "z.9.pkl", "wb") as file:
        pickle.dump(2 * z[rows], file)
    given = given_latents(work / "z.9.pkl", prepared(project))
    np.testing.assert_array_equal(given.z[there], 2 * z[source_rows()[there]])


def test_those_of_a_stack_that_was_made_smaller_are_matched_by_how_its_images_look(project, tmp_path):
    images = np.random.default_rng(6).normal(size=(SOURCE_COUNT, 32, 32))
    kept = np.fft.fftshift(np.fft.fft2(images), axes=(1, 2))[:, 8:24, 8:24]
    small = np.fft.ifft2(np.fft.ifftshift(kept, axes=(1, 2))).real
    with open(EXAMPLE / "z.3.pkl", "rb") as file:
        dims = pickle.load(file).shape[1]
    z = np.random.default_rng(5).normal(size=(SOURCE_COUNT, dims)).astype(np.float32)
    rows = np.sort(order()[:350])
    work = cryodrgn_folder(tmp_path / "work", project, rows, z)
    config = yaml.safe_load((work / "config.yaml").read_text())
    config["dataset_args"]["particles"] = str(work / "small.mrcs")
    (work / "config.yaml").write_text(yaml.safe_dump(config))
    for path, stack in ((project / "stack.mrcs", images), (work / "small.mrcs", small)):
        with mrcfile.new(path, overwrite=True) as file:
            file.set_data(stack.astype(np.float32))
    there = np.isin(source_rows(), rows)
    for named in (work, work / "z.3.pkl"):
        given = given_latents(named, prepared(project))
        np.testing.assert_array_equal(given.partner, there)
        np.testing.assert_array_equal(given.z[there], z[source_rows()[there]])
        assert "look alike" in given.by


def test_a_training_of_another_prep_is_matched_by_image(project):
    rows = source_rows()[::-1][:250]
    other = project / "004-prep"
    other.mkdir()
    text = (project / "001-prep" / "prep.json").read_text()
    (other / "prep.json").write_text(text)
    particles = read_particles(project / "001-prep" / STAR, require=()).take(np.arange(COUNT)[::-1][:250])
    from chimerax.flexrec.particles import write_star

    write_star(other / STAR, particles)
    train = make_sliding(project / "005-train", (3.0, 0.5), Z[rows], prepared="../004-prep")
    given = given_latents(train, prepared(project))
    np.testing.assert_array_equal(given.partner, np.isin(source_rows(), rows))
    np.testing.assert_array_equal(given.z[given.partner], Z[source_rows()[given.partner]])
    same = given_latents(project / "003-train", prepared(project))
    assert same.partner.all() and same.by == "their order, as they are of the same prep job"


@pytest.mark.parametrize("name, contents, sentence", [
    ("z.cs", b"nonsense", "not a readable cryoSPARC"),
    ("z.npz", b"nonsense", "cannot be read as a table"),
    ("z.csv", b"a,b\n1\n", "not of one length"),
    ("z.3.pkl", b"nonsense", "no config.yaml"),
    ("z.json", b"{}", "points, dimensions"),
])  # fmt: skip
def test_what_is_no_latents_is_one_sentence(project, tmp_path, name, contents, sentence):
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(InputError, match=sentence) as refused:
        given_latents(tmp_path / name, prepared(project))
    assert "\n" not in str(refused.value) and str(tmp_path) in str(refused.value)
