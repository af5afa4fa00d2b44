"""Folders of maps with tables of latents, or none: written from a linear model, whose map at any point is known."""

from __future__ import annotations

import csv
import shutil

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.jobs.find_model import named_model, trained_folder
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.map_series.latent_table import read_table
from chimerax.flexrec.models.opening import program_of
from chimerax.flexrec.reading import FORMATS, LINEAR, NEAREST, RADIAL, Reading
from trained_models import make_linear
from variability_writer import write_variability

GRID = np.array([(x, y) for x in (-1.5, 0, 1.5) for y in (-1.0, 0, 1.0)], np.float32)


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    return open_model(make_linear(tmp_path_factory.mktemp("project") / "003-train"))


def write_maps(folder, model, points, name="map_{:03d}.mrc"):
    folder.mkdir(parents=True, exist_ok=True)
    names = [name.format(number) for number in range(len(points))]
    for file, point in zip(names, points):
        write_map(folder / file, model.decode(point), model.pixel_size)
    return names


def write_csv(file, head, rows):
    with open(file, "w", newline="") as opened:
        csv.writer(opened).writerows([head, *rows])


@pytest.fixture
def folder(linear, tmp_path):
    """Maps, a table that names them in another order, and the particles' latents."""
    names = write_maps(tmp_path / "maps", linear, GRID)
    rows = [(name, *point) for name, point in zip(names, GRID.tolist())]
    write_csv(tmp_path / "maps" / "points.csv", ("map", "z1", "z2"), rows[::-1])
    np.savez(tmp_path / "maps" / "latents.npz", z=linear.latents)
    return tmp_path / "maps"


def apart(first, second):
    return float(np.abs(first - second).max() / np.abs(second).max())


def test_given_maps_come_back_and_linear_ones_are_met_between(linear, folder):
    for how in (RADIAL, LINEAR, NEAREST):
        model = open_model(folder, Reading(between=how))
        assert apart(model.decode(GRID[5]), linear.decode(GRID[5])) < 1e-6
        assert how in model.progress and model.reading.between == how
    between, wanted = [0.4, -0.3], linear.decode([0.4, -0.3])
    assert apart(open_model(folder, Reading(between=LINEAR)).decode(between), wanted) < 1e-5
    # not exact, but nearer than the nearest map is
    nearest = open_model(folder, Reading(between=NEAREST)).decode(between)
    np.testing.assert_array_equal(nearest, open_model(folder).decode([0, 0]))
    assert apart(open_model(folder).decode(between), wanted) < 0.5 * apart(nearest, wanted)


def test_a_folder_of_maps_is_a_model_with_states_and_particles(linear, folder):
    trained = open_trained(folder)
    np.testing.assert_array_equal(trained.latents, linear.latents)
    assert trained.model.kind == "map series" and trained.model.moving is None
    np.testing.assert_array_equal(trained.model.origin.states["map_002"], GRID[2])
    assert program_of(folder).format == "maps" and trained_folder(folder / "map_001.mrc") == folder
    coarse = trained.model.coarser(16)
    assert coarse.decode([0.4, -0.3]).shape == (16, 16, 16)
    assert coarse.pixel_size == pytest.approx(2 * linear.pixel_size)
    with pytest.raises(InputError, match="no particle file"):
        trained.particles  # noqa: B018


def test_particles_are_found_by_uid_whatever_their_order(linear, folder, tmp_path):
    job = write_variability(tmp_path / "J11", linear)
    table = np.load(next(job.glob("*passthrough*")))
    np.save(open(folder / "particles.cs", "wb"), table)
    uid = np.load(job / "cryosparc_P3_J11_particles.cs")["uid"]
    order = np.random.default_rng(0).permutation(len(uid))
    np.savez(folder / "latents.npz", z=linear.latents[order], uid=uid[order])
    trained = open_trained(folder)
    np.testing.assert_array_equal(trained.particles.columns["uid"], uid[order])
    np.savez(folder / "latents.npz", z=linear.latents[order], uid=uid[order] + 10**9)
    with pytest.raises(InputError, match="are not in .*particles.cs"):
        open_trained(folder).particles  # noqa: B018


def test_a_numbered_series_without_a_table_lies_along_its_numbers(linear, tmp_path):
    along = np.linspace(-1, 1, 5, dtype=np.float32)[:, None] * [[1.0, 0.5]]
    write_maps(tmp_path / "series", linear, along, "J7_series_000_frame_{:03d}.mrc")
    trained = open_trained(tmp_path / "series")
    np.testing.assert_array_equal(trained.latents, np.arange(5)[:, None])
    assert apart(trained.model.decode([1.25]), linear.decode(along[1] + 0.25 * (along[2] - along[1]))) < 1e-5
    assert any("number in the map's name" in sentence for sentence in trained.model.origin.notes)
    assert any("each point in the plot is a map" in sentence for sentence in trained.model.origin.notes)


def test_the_maps_of_a_generate_job_open_when_they_are_asked_for(linear, tmp_path):
    folder = tmp_path / "004-generate"
    names = write_maps(folder, linear, GRID)
    (folder / "job.json").write_text('{"verb": "generate"}')
    rows = [(name, "pc1", *point, 0.1, "no") for name, point in zip(names, GRID.tolist())]
    write_csv(folder / "z.csv", ("map", "series", "z1", "z2", "distance", "outside"), rows)
    np.savez(folder / "z.npz", z=GRID)
    with pytest.raises(InputError, match="generate job has no model"):
        open_model(folder)
    assert named_model(folder, "maps") == folder
    assert apart(open_model(folder, Reading("maps")).decode(GRID[7]), linear.decode(GRID[7])) < 1e-6


def test_a_projects_own_jobs_come_before_maps_that_lie_beside_them(linear, folder):
    job = make_linear(folder / "003-train")
    assert trained_folder(folder) == job and trained_folder(folder, "maps") == folder


def test_two_programs_in_one_folder_are_a_sentence_that_format_answers(linear, tmp_path):
    job = write_variability(tmp_path / "J11", linear)
    (job / "weights.3.pkl").write_bytes(b"")
    with pytest.raises(InputError, match=r"files of cryoDRGN and 3D Variability; .*cryodrgn and 3dva"):
        open_model(job)
    with pytest.raises(InputError, match="cryoDRGN and 3D Variability"):
        trained_folder(job)
    model = open_model(job, Reading("3dva"))
    np.testing.assert_array_equal(model.decode([1, 1]), linear.decode([1, 1]))
    assert model.reading.fields() == {"format": "3dva"} and trained_folder(job, "3dva") == job
    with pytest.raises(InputError, match="config.yaml"):
        open_model(job, Reading("cryodrgn"))
    with pytest.raises(InputError, match="leave out between"):
        open_model(job, Reading("3dva", NEAREST))
    with pytest.raises(InputError, match="no FlexRec project"):
        open_model(job, Reading("flexrec"))


def test_formats_are_those_of_the_programs_that_can_be_opened():
    from chimerax.flexrec.models.opening import _PROGRAMS

    known = {program.format for program in _PROGRAMS.values() if program.format}
    assert {"flexrec", *known} == set(FORMATS)


def _odd_box(folder):
    write_map(folder / "map_003.mrc", np.ones((16, 16, 16), np.float32), 6.0)


def _no_cube(folder):
    with mrcfile.new(folder / "map_003.mrc", overwrite=True) as file:
        file.set_data(np.ones((8, 16, 16), np.float32))


def _rename(folder):
    (folder / "map_004.mrc").rename(folder / "elsewhere.mrc")


@pytest.mark.parametrize("damage, sentence", [
    (lambda folder: (folder / "points.csv").write_text("map,z1,z2\nmap_000.mrc,1,x\n"), "no column|could not convert"),
    (lambda folder: (folder / "points.csv").write_text("map,z1,z2\nmap_000.mrc,1,2,3\n"), "not of one length"),
    (lambda folder: (folder / "points.csv").write_text("map,z1,z2\nmap_000.mrc,nan,2\n"), "not a number"),
    (lambda folder: (folder / "points.csv").write_bytes(b"map,z1\0\n\xff\n"), "cannot be read as a table"),
    (lambda folder: (folder / "latents.npz").write_bytes(b"PK\x03\x04"), "cannot be read as a table"),
    (lambda folder: np.savez(folder / "latents.npz", z=np.array([{}], object)), "cannot be read as a table"),
    (lambda folder: np.savez(folder / "latents.npz", z=np.ones((50, 3))), "3 number"),
    (lambda folder: np.savez(folder / "latents.npz", z=np.full((50, 2), np.nan)), "nothing to show"),
    (lambda folder: np.savez(folder / "latents.npz", z=np.ones((50, 2)), uid=np.arange(9)), "50 points, and uid"),
    (lambda folder: np.savez(folder / "more.npz", z=np.ones((50, 2))), "could each be the particles"),
    (lambda folder: write_csv(folder / "again.csv", ("map", "z1", "z2"), [("map_001", 9, 9)]), "differ on where"),
    (lambda folder: (folder / "map_003.mrc").write_bytes(b"short"), "bytes long"),
    (_odd_box, "of one size"), (_no_cube, "cubes"), (_rename, "names the map map_004.mrc"),
])  # fmt: skip
def test_what_is_amiss_is_one_sentence(folder, damage, sentence):
    damage(folder)
    with pytest.raises(InputError, match=sentence) as refused:
        open_model(folder, Reading("maps"))
    assert "\n" not in str(refused.value) and str(folder) in str(refused.value)


def test_maps_without_places_are_a_sentence(linear, tmp_path):
    write_maps(tmp_path / "maps", linear, GRID[:3])
    (tmp_path / "maps" / "map_000.mrc").rename(tmp_path / "maps" / "first.mrc")
    assert program_of(tmp_path / "maps") is None
    with pytest.raises(InputError, match="no table says where"):
        open_model(tmp_path / "maps", Reading("maps"))


def test_points_on_a_line_span_no_plane(linear, tmp_path):
    names = write_maps(tmp_path / "maps", linear, GRID[:3])
    write_csv(tmp_path / "maps" / "z.csv", ("map", "z1", "z2"), [(name, x, x) for x, name in enumerate(names)])
    with pytest.raises(InputError, match="do not span"):
        open_model(tmp_path / "maps", Reading(between=LINEAR))
    assert np.isfinite(open_model(tmp_path / "maps").decode([0.5, 0.6])).all()


def write_numbered(folder):
    """Three small maps, of values 0, 1 and 2."""
    folder.mkdir()
    for number in range(3):
        write_map(folder / f"vol_{number:03d}.mrc", np.full((8, 8, 8), number, np.float32), 2.0)
    return folder


NAMED = ("vol_000.mrc", "vol_001.mrc", "vol_002.mrc")
PLACES = np.array([[0.5, 10], [1.5, 20], [2.5, 30]], np.float32)


@pytest.mark.parametrize("head, row", [
    ("map;z1;z2", "{name};{x:.1f};{y:.0f},0"),
    ("", "{x};{y}"),
    ("", "{name},{x},{y}"),
    ("", "{name} {x} {y}"),
    ("map,z2,z1", "{name},{y},{x}"),
    (",0,1", "{k},{x},{y}"),
    ("id,map,z_0,z_1", "{k},{name},{x},{y}"),
    ("map,z1,z2", r"C:\\maps\\{name},{x},{y}"),
])  # fmt: skip
def test_tables_as_programs_and_spreadsheets_write_them(tmp_path, head, row):
    folder = write_numbered(tmp_path / "maps")
    lines = [row.format(k=k, name=NAMED[k], x=x, y=y) for k, (x, y) in enumerate(PLACES.tolist())]
    text = "\n".join([head, *lines] if head else lines)
    (folder / "z.csv").write_text(text.replace(".5", ",5") if ";" in text else text)
    model = open_model(folder)
    np.testing.assert_array_equal(model.points, PLACES)
    assert [path.name for path in model.maps.files] == list(NAMED) and (model.decode(PLACES[2]) == 2).all()


def test_names_of_maps_count_whatever_heads_them(tmp_path):
    folder = write_numbered(tmp_path / "maps")
    rows = [(f"kmeans20/{name}", *place) for name, place in zip(NAMED, PLACES.tolist())]
    write_csv(folder / "z.csv", ("file name", "z1", "z2"), rows[::-1])
    model = open_model(folder)
    assert (model.decode(PLACES[0]) == 0).all() and (model.decode(PLACES[2]) == 2).all()
    write_csv(folder / "latents.csv", ("image", "micrograph", "z1", "z2"), [("1@a.mrcs", "m1.mrc", 0, 0)] * 4)
    assert len(open_model(folder).latents) == 4  # a particle's micrograph is no map


@pytest.mark.parametrize("name, what", [("", "its first column"), ("row", "the column row")])
def test_points_in_another_order_than_their_numbers_are_not_laid_by_row(tmp_path, name, what):
    """As pandas writes a table that was sorted by a value; with names of maps any order is right."""
    folder = write_numbered(tmp_path / "maps")
    rows = [(k + 1, *PLACES[k].tolist()) for k in (2, 0, 1)]
    write_csv(folder / "z.csv", (name, "z1", "z2"), rows)
    with pytest.raises(InputError, match=f"z.csv: .* not in the order of {what}"):
        open_model(folder)
    write_csv(folder / "z.csv", (name, "z1", "z2"), sorted(rows))
    np.testing.assert_array_equal(open_model(folder).points, PLACES)
    write_csv(folder / "z.csv", (name, "z1", "z2", "map"), [(*row, NAMED[row[0] - 1]) for row in rows])
    assert (open_model(folder).decode(PLACES[2]) == 2).all()


def test_a_table_of_a_head_alone_is_told(tmp_path):
    write_csv(tmp_path / "z.csv", ("id", "z1"), [])
    with pytest.raises(InputError, match=r"holds an array of shape \(0, 1\)"):
        read_table(tmp_path / "z.csv")


def test_a_table_that_cannot_be_read_is_named_and_a_large_z_is_a_z(tmp_path):
    folder = write_numbered(tmp_path / "maps")
    for number in range(3):  # no series that opens without a table
        (folder / f"vol_{number:03d}.mrc").rename(folder / f"state{number}.mrc")
    np.savez(folder / "points.npz", latents=PLACES)
    with pytest.raises(InputError, match="points.npz: .*no array z"):
        open_model(folder)
    np.savez(folder / "points.npz", Z=PLACES)
    np.testing.assert_array_equal(open_model(folder).points, PLACES)


def test_columns_that_are_taken_for_coordinates_are_named(tmp_path):
    folder = write_numbered(tmp_path / "maps")
    rows = [(name, *place, 500) for name, place in zip(NAMED, PLACES.tolist())]
    write_csv(folder / "z.csv", ("map", "x", "y", "population"), rows)
    assert "taken: z1 is x, z2 is y, z3 is population" in " ".join(open_model(folder).notes)


def test_particles_are_not_laid_along_the_numbers_of_the_maps(tmp_path):
    folder = write_numbered(tmp_path / "maps")
    np.savetxt(folder / "z.csv", np.linspace(-2, 2, 20))
    with pytest.raises(InputError, match=r"no table says where its 3 maps lie \(z.csv is of 20 points\)"):
        open_model(folder)


def test_an_empty_cell_is_no_number(tmp_path):
    folder = write_numbered(tmp_path / "maps")
    write_csv(folder / "points.csv", ("map", "z1"), [(name, x) for name, (x, _) in zip(NAMED, PLACES.tolist())])
    write_csv(folder / "latents.csv", ("image", "z1"), [("1@a.mrcs", 0.5), ("2@a.mrcs", ""), ("3@a.mrcs", 2)])
    assert open_model(folder).finite.tolist() == [True, False, True]


def test_what_macos_leaves_beside_files_is_not_looked_at(tmp_path):
    folder = write_numbered(tmp_path / "maps")
    np.savez(folder / "latents.npz", z=np.ones((4, 2), np.float32))
    write_csv(folder / "z.csv", ("map", "z1", "z2"), [(name, *place) for name, place in zip(NAMED, PLACES.tolist())])
    for name in ("vol_000.mrc", "z.csv", "latents.npz"):
        (folder / f"._{name}").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    assert len(open_model(folder).points) == 3


def test_maps_of_other_programs_lie_where_their_text_says(tmp_path):
    folder = write_numbered(tmp_path / "kmeans3")
    np.savetxt(folder / "z_values.txt", PLACES)
    np.savetxt(folder / "centers_ind.txt", [4, 9, 1], fmt="%d")
    np.testing.assert_array_equal(open_model(folder).points, PLACES)
    np.savetxt(folder / "z_values.txt", np.ones((20, 2)))  # of maps that were not copied
    assert "number in the map's name" in " ".join(open_model(folder).notes)


def test_maps_that_the_table_does_not_name_are_said_to_be_passed_over(linear, folder):
    assert "passed over" not in " ".join(open_model(folder).origin.notes)
    for name in ("mean", "mask", "half1", "half2"):
        shutil.copy(folder / "map_000.mrc", folder / f"{name}.mrc")
    model = open_model(folder)
    assert len(model.points) == len(GRID)
    assert "4 map(s) of the folder are passed over, as points.csv does not" in model.origin.notes[0]
    assert "half1.mrc, half2.mrc, mask.mrc and so on" in model.origin.notes[0]


def test_what_lies_there_in_place_of_a_model_is_said(linear, tmp_path):
    folder = write_numbered(tmp_path / "maps")
    (folder / "vol_000.mrc").rename(folder / "first.mrc")
    with pytest.raises(InputError, match="has 3 maps, and no table says where in latent space they lie"):
        open_model(folder)
    job = write_variability(tmp_path / "J11", linear)
    for file in job.glob("*_particles.cs"):
        file.unlink()
    with pytest.raises(InputError, match=r"components of 3D Variability and no cryosparc_P3_J11_particles.cs"):
        open_model(job)


def test_the_states_that_recovar_has_reconstructed_open_at_their_latents(tmp_path):
    """Its maps lie beside their half-maps, and its record is named as those of FlexRec's jobs are."""
    folder = write_numbered(tmp_path / "states")
    for number in range(3):
        (folder / f"vol_{number:03d}.mrc").rename(folder / f"state{number:03d}.mrc")
        for half in ("half1_unfil", "half2_unfil"):
            shutil.copy(folder / f"state{number:03d}.mrc", folder / f"state{number:03d}_{half}.mrc")
    np.savetxt(folder / "latent_coords.txt", PLACES)
    (folder / "job.json").write_text('{"command": "compute_state", "parameters": {}}')
    model = open_model(folder)
    np.testing.assert_array_equal(model.points, PLACES)
    assert list(model.states) == ["state000", "state001", "state002"]
