"""Models of different programs compared: particles matched by their images, whatever their order in either."""

from __future__ import annotations

import csv
import shutil

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.cli import program
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.compare_trainings import compare
from chimerax.flexrec.explore.compared_file import load_comparison
from chimerax.flexrec.explore.particle_columns import column, column_names
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles.image_match import Keys, matched
from explored_project import COUNT, make_project, source_rows
from trained_models import make_linear
from variability_writer import NAME, save, write_variability

GRID = np.array([(x, y) for x in (-2.5, 0, 2.5) for y in (-2.5, 0, 2.5)], np.float32)


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    rng = np.random.default_rng(8)
    model = open_model(make_linear(tmp_path_factory.mktemp("project") / "003-train"))
    object.__setattr__(model, "latents", rng.normal(size=(400, 2)).astype(np.float32))
    return model


@pytest.fixture
def job(linear, tmp_path):
    return write_variability(tmp_path / "J11", linear)


def maps_of_some(folder, job, linear, by):
    """Maps of the linear model, and the latents of 250 of its particles in another order, with noise; by uid or image.

    Returns the particles' rows in the job.
    """
    folder.mkdir()
    rows = np.random.default_rng(9).permutation(len(linear.latents))[:250]
    for number, point in enumerate(GRID):
        write_map(folder / f"v{number}.mrc", linear.decode(point), linear.pixel_size)
    with open(folder / "maps.csv", "w", newline="") as file:
        csv.writer(file).writerows([("map", "z1", "z2"), *((f"v{k}.mrc", *z) for k, z in enumerate(GRID.tolist()))])
    uid = np.load(job / f"{NAME}_particles.cs")["uid"][rows]
    passed = np.load(job / f"{NAME}_passthrough_particles.cs")
    images = dict(zip(passed["uid"].tolist(), passed["blob/idx"].tolist()))
    if by == "uid":
        np.savez(folder / "latents.npz", z=linear.latents[rows], uid=uid)
    else:
        names = np.array([f"{images[number] + 1:06d}@images.mrc" for number in uid.tolist()])
        np.savez(folder / "latents.npz", z=linear.latents[rows], image=names)
    save(folder / "particles.cs", passed)
    shutil.copy(job / "images.mrc", folder / "images.mrc")
    return rows


@pytest.mark.parametrize("by", ["uid", "image"])
def test_two_programs_models_of_the_same_images_agree(linear, job, tmp_path, by):
    rows = maps_of_some(tmp_path / "maps", job, linear, by)
    first, second = open_trained(job), open_trained(tmp_path / "maps")
    found = compare(first, second, maps=6)
    assert found.particles == 250 and found.correlation == pytest.approx([1, 1], abs=1e-4)
    np.testing.assert_array_equal(found.rows[0][np.argsort(found.rows[1])], rows)
    assert np.median(found.alike) > 0.9 and found.maps.count == 6
    assert found.maps.cc > 0.99 and found.maps.change > 0.95 and found.motion is None
    shuffled = np.random.default_rng(0).permutation(250)
    assert np.corrcoef(first.latents[:250, 0], second.latents[shuffled, 0])[0, 1] < 0.3  # row by row they do not


def test_maps_that_change_otherwise_are_told(linear, job, tmp_path):
    maps_of_some(tmp_path / "maps", job, linear, "uid")
    for number, point in enumerate(GRID):
        write_map(tmp_path / "maps" / f"v{number}.mrc", linear.decode(point[::-1] * [1, -1]), linear.pixel_size)
    found = compare(open_trained(job), open_trained(tmp_path / "maps"), maps=6)
    assert found.maps.cc > 0.5 and abs(found.maps.change) < 0.5


def test_the_columns_and_the_picture_stay(linear, job, tmp_path, monkeypatch, capfd):
    rows = maps_of_some(tmp_path / "maps", job, linear, "uid")
    monkeypatch.chdir(tmp_path)
    assert program.main(["compare", "J11", "maps", "--maps", "3"]) == 0
    out = capfd.readouterr().out
    assert "250 particles in common, matched by uid" in out and "maps of 3 particles: CC 1.00" in out
    assert (job / "explore" / "compared_maps.png").stat().st_size > 20_000
    first, second = open_trained(job), open_trained(tmp_path / "maps")
    assert {"alike", "other_pc1", "other_pc2"} <= set(column_names(first)) & set(column_names(second))
    alike = column(first, "alike").values
    assert np.isfinite(alike[rows]).all() and np.isnan(alike).sum() == 150
    theirs = second.components.coordinates(second.latents)[:, 0]
    np.testing.assert_allclose(column(first, "other_pc1").values[rows], theirs, atol=1e-4)
    assert load_comparison(second).name == "J11"
    assert program.main(["select", "J11", "--name", "same", "--where", "alike > 0.5"]) == 0
    assert "same" in capfd.readouterr().out
    assert program.main(["select", "J11", "--name", "there", "--box", "other_pc1=-9:9"]) == 0
    assert "250 of 400" in capfd.readouterr().out


def test_models_of_other_particles_are_refused(linear, job, tmp_path):
    other = write_variability(tmp_path / "J12", linear)
    for kind in ("particles", "passthrough_particles"):
        table = np.load(other / f"{NAME}_{kind}.cs")
        table["uid"] += 10**6
        save(other / f"{NAME}_{kind}.cs", table)
    with open(other / "images.mrc", "r+b") as file:  # a stack of the same name, with other images
        file.seek(1024)
        file.write(np.random.default_rng(0).normal(size=(400, 32, 32)).astype("<f4").tobytes())
    with pytest.raises(InputError, match="0 particles in common"):
        compare(open_trained(job), open_trained(other))


def test_images_are_matched_by_the_names_that_tell_stacks_apart():
    stacks = ["000001@/data/a/stack.mrcs", "000002@/data/a/stack.mrcs", "000001@/data/b/stack.mrcs"]
    first = Keys.of_names(stacks)
    moved = Keys.of_names(["000001@/new/b/stack.mrc", "000002@/new/a/stack.mrc"])
    match = matched(first, moved)
    assert (match.first.tolist(), match.second.tolist()) == ([1, 2], [1, 0]) and "last 2 names" in match.by
    same = matched(first, first)
    assert len(same) == 3 and not same.shortened
    assert len(matched(first, Keys(np.arange(3, dtype=np.uint64)))) == 0


@pytest.mark.parametrize("off", [0.0, 0.5])
def test_given_maps_are_met_where_their_latents_say_or_so_many_angstroms_away(tmp_path, off):
    """A flow that slides 3 Å for each z1, and its own maps as another program's series, in other units."""
    rng = np.random.default_rng(7)
    state = rng.normal(size=(COUNT, 2)).astype(np.float32)
    first = open_trained(make_project(tmp_path / "p", (3.0, 3.0), state))
    folder = tmp_path / "p" / "series"
    folder.mkdir()
    theirs = 2 * state[:, ::-1] + 1
    along = np.linspace(-1.2, 1.2, 5, dtype=np.float32)[:, None] * [[1.0, -0.5]]
    for number, z in enumerate(along):
        write_map(folder / f"v{number}.mrc", first.model.decode(z + [off, 0]), first.model.pixel_size)
    rows = [(f"v{k}.mrc", *z) for k, z in enumerate((2 * along[:, ::-1] + 1).tolist())]
    with open(folder / "maps.csv", "w", newline="") as file:
        csv.writer(file).writerows([("map", "z1", "z2"), *rows])
    names = np.array([f"{row + 1:06d}@stack.mrcs" for row in source_rows()])
    np.savez(folder / "latents.npz", z=theirs, image=names)
    shutil.copy(tmp_path / "p" / "particles.star", folder)
    found = compare(first, open_trained(folder), maps=3)
    assert found.particles == COUNT and found.given.count == 5 and found.given.cc > 0.99
    assert found.given.distance == pytest.approx(3 * off, abs=0.15)
    assert found.given.motion == pytest.approx(3 * np.sqrt(1.25) * 1.2 * np.sqrt(0.5), rel=0.1)


def test_stacks_of_other_names_are_no_images_in_common(linear, job, tmp_path):
    """No name of a path, not even the last, is the same."""
    for table in (work := write_variability(tmp_path / "J12", linear)).glob("*.cs"):
        rows = np.load(table)
        rows["uid"] += 10**6
        if "blob/path" in rows.dtype.names:
            rows["blob/path"] = b"others.mrc"
        save(table, rows)
    images = mrcfile.read(work / "images.mrc")
    (work / "images.mrc").unlink()
    write_images(work / "others.mrc", np.random.default_rng(1).normal(size=images.shape))
    with pytest.raises(InputError, match="have 0 particles in common"):
        compare(open_trained(job), open_trained(work))


def write_images(path, images):
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(images.astype(np.float32))


def test_a_stack_written_anew_with_smaller_images_is_known_by_how_these_look(linear, job, tmp_path):
    """As after cryodrgn downsample: other names, all images in their order."""
    images = np.random.default_rng(5).normal(size=(400, 16, 16))
    write_images(job / "images.mrc", images)
    kept = np.fft.fftshift(np.fft.fft2(images), axes=(1, 2))[:, 4:12, 4:12]
    small = np.fft.ifft2(np.fft.ifftshift(kept, axes=(1, 2))).real
    folder = tmp_path / "J12"
    for table in write_variability(folder, linear).glob("*.cs"):
        rows = np.load(table)
        rows["uid"] += 10**6
        if "blob/path" in rows.dtype.names:
            rows["blob/path"], rows["blob/shape"] = b"small.mrc", 8
            rows["blob/psize_A"] *= 2
        save(table, rows)
    (folder / "images.mrc").unlink()
    write_images(folder / "small.mrc", -3 * small)
    found = compare(open_trained(job), open_trained(folder), maps=2)
    assert found.particles == 400 and "look alike" in found.by
    np.testing.assert_array_equal(*found.rows)
    for other in (np.roll(small, 1, axis=0), np.broadcast_to(small[:1], small.shape)):
        write_images(folder / "small.mrc", other)
        with pytest.raises(InputError, match="have 0 particles in common.*flexrec images"):
            compare(open_trained(job), open_trained(folder))


def test_a_model_of_one_map_places_nothing_alike(linear, job, tmp_path):
    """As of a training of one map, whose particles are all at one point."""
    still = write_variability(tmp_path / "J12", linear)
    table = np.load(still / f"{NAME}_particles.cs")
    table["components_mode_0/value"] = table["components_mode_1/value"] = 0
    save(still / f"{NAME}_particles.cs", table)
    for pair in ((job, still), (still, job)):
        found = compare(*map(open_trained, pair), maps=2)
        assert found.particles == 400 and not found.alike.any() and not found.correlation.any()
