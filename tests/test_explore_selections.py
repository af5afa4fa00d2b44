"""Selections of particles: made, combined, kept, exported; columns and clusters to make them by."""

from __future__ import annotations

import json
import pickle

import gemmi
import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.cluster_file import load_clusters, make_clusters
from chimerax.flexrec.explore.clusters import k_means
from chimerax.flexrec.explore.condition import rows_where
from chimerax.flexrec.explore.export import can_save_cs, note_on, save_particles
from chimerax.flexrec.explore.lasso import in_lasso
from chimerax.flexrec.explore.particle_columns import column, column_names
from chimerax.flexrec.explore.particle_images import available_images, lost_images, use_folder
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.jobs.demo_project import unpack
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.pickles import load_arrays_pickle
from chimerax.flexrec.particles.selection import (
    Selection,
    combined,
    inverted,
    load_selection,
    make_selection,
    remove_selection,
    save_selection,
    selection_names,
)
from chimerax.flexrec.particles.subset import save_rows
from explored_project import COUNT, make_project, source_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def trained(folder):
    return open_trained(folder)


def plain_even_odd(points, outline):
    inside = np.zeros(len(points), bool)
    for (x1, y1), (x2, y2) in zip(outline, np.roll(outline, -1, axis=0)):
        if y1 != y2:
            crosses = (y1 > points[:, 1]) != (y2 > points[:, 1])
            inside ^= crosses & (points[:, 0] < x1 + (points[:, 1] - y1) * (x2 - x1) / (y2 - y1))
    return inside


@pytest.mark.parametrize("shape", ["star", "scribble", "thin", "square"])
def test_a_lasso_holds_exactly_what_is_inside(shape):
    rng = np.random.default_rng(0)
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    wave = (1 + 0.5 * np.sin(9 * angle))[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    outline = {
        "star": wave, "scribble": rng.normal(size=(40, 2)), "square": np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]]),
        "thin": np.array([[-2, -2], [2, 2], [2, 2.001], [-2, -1.999]]),
    }[shape]  # fmt: skip
    points = rng.normal(size=(60_000, 2))
    assert (in_lasso(points, outline) == plain_even_odd(points, outline)).all()
    assert in_lasso(points, outline).any()
    mistaken = in_lasso(points.astype(np.float32), outline) != plain_even_odd(points, outline)
    assert mistaken.sum() <= 3  # on the outline, in single precision


def test_a_lasso_of_nothing_is_empty_or_refused():
    points = np.random.default_rng(0).normal(size=(10, 2))
    assert not in_lasso(points, [[0, 0], [1, 0], [2, 0]]).any()
    for outline in ([[0, 0], [1, 1]], [[0, 0], [1, np.nan], [2, 2]], [1, 2, 3]):
        with pytest.raises(InputError, match="three corners"):
            in_lasso(points, outline)


TABLE = {"a": np.array([1.0, 2, 3, 4]), "b": np.array([0, 1, 0, 1]), "rlnX/y.1": np.array([5, 6, 7, 8]),
         "name": np.array(["p", "q", "p", "r"], object)}  # fmt: skip


@pytest.mark.parametrize("condition, wanted", [
    ("a > 2", [0, 0, 1, 1]),
    ("a>=2 and b==0", [0, 0, 1, 0]),
    ("a < 2 or a > 3 and b = 0", [1, 0, 0, 0]),
    ("(a < 2 or a > 3) and b = 1", [0, 0, 0, 1]),
    ("not a > 2", [1, 1, 0, 0]),
    ("NOT (a > 2) AND not b == 1", [1, 0, 0, 0]),
    ("1 < a <= 3", [0, 1, 1, 0]),
    ("a > -1e3", [1, 1, 1, 1]),
    ("a<-1", [0, 0, 0, 0]),
    ("b < a", [1, 1, 1, 1]),
    ("rlnX/y.1 != 6.0", [1, 0, 1, 1]),
    ("name == 'p' and a != 1", [0, 0, 1, 0]),
    ('name != "p"', [0, 1, 0, 1]),
])  # fmt: skip
def test_conditions_mean_what_they_say(condition, wanted):
    assert rows_where(condition, TABLE.__getitem__).astype(int).tolist() == wanted


@pytest.mark.parametrize("condition", [
    "", "a", "a >", "> 2", "a > 2 and", "a > 2 b < 1", "(a > 2", "a > 2)", "a => 2", "a > 'x'",
    "name < 'q'", "name == p1", "1 < 2", "a; b", "__import__('os')", "a > 2 or", "(" * 50 + "a > 1" + ")" * 50,
    "a > 1 or " * 300 + "a > 1",
    "name == 3",
])  # fmt: skip
def test_conditions_that_cannot_be_read_are_refused(condition):
    def column(name):
        if name not in TABLE:
            raise InputError(f"no column {name}")
        return TABLE[name]

    with pytest.raises(InputError):
        rows_where(condition, column)


def test_selections_are_combined_as_sets():
    a, b = make_selection("a", np.array([5, 1, 1, 3]), 8), make_selection("b", np.array([3, 4, 5]), 8)
    assert a.rows.tolist() == [1, 3, 5] and len(a) == 3
    assert combined(a, "and", b).rows.tolist() == [3, 5]
    assert combined(a, "or", b).rows.tolist() == [1, 3, 4, 5]
    assert combined(a, "not", b).rows.tolist() == [1]
    assert inverted(a).rows.tolist() == [0, 2, 4, 6, 7]
    assert make_selection("m", a.mask, 8).rows.tolist() == [1, 3, 5]
    with pytest.raises(InputError, match="different particles"):
        combined(a, "and", make_selection("c", np.array([1]), 9))
    with pytest.raises(InputError, match="different particles"):
        combined(make_selection("a", a.rows, 8, "x"), "and", make_selection("c", a.rows, 8, "y"))


@pytest.mark.parametrize("name, rows, colour", [
    ("../a", [1], "#000000"), ("", [1], "#000000"), ("a" * 70, [1], "#000000"), ("a/b", [1], "#000000"),
    ("a", [8], "#000000"), ("a", [-1], "#000000"), ("a", [1], "red"), (".a", [1], "#000000"),
])  # fmt: skip
def test_selections_that_cannot_be_are_refused(name, rows, colour):
    with pytest.raises(InputError):
        make_selection(name, np.array(rows), 8, colour=colour)


def test_selections_are_kept_in_the_project(tmp_path):
    made = make_selection("open state 2", np.array([2, 7]), 10, "abc", "#AA00bb", "lasso in pc1,pc2")
    save_selection(tmp_path, made)
    again = load_selection(tmp_path, "open state 2")
    assert again.rows.tolist() == [2, 7] and again.count == 10
    assert (again.particles, again.colour, again.made) == ("abc", "#aa00bb", "lasso in pc1,pc2")
    assert list(selection_names(tmp_path)) == ["open state 2"]
    for name in ("none", "../open state 2"):
        with pytest.raises(InputError, match="it has open state 2"):
            load_selection(tmp_path, name)
    (tmp_path / "selections" / "bad.npz").write_bytes(b"PK nothing")
    with pytest.raises(InputError, match="not a selection"):
        load_selection(tmp_path, "bad")
    np.savez(tmp_path / "selections" / "bad.npz", format="flexrec-selection", version=1, rows=np.array([99]), count=3,
             particles="", colour="#000000", made="")  # fmt: skip
    with pytest.raises(InputError, match="not among the 3"):
        load_selection(tmp_path, "bad")
    remove_selection(tmp_path, "open state 2")
    assert list(selection_names(tmp_path)) == ["bad"]


def test_columns_of_the_model_and_of_the_particle_file(trained):
    rows = source_rows()
    assert np.array_equal(column(trained, "z2").values, trained.latents[:, 1])
    assert column(trained, "pc1").values.std() == pytest.approx(1, rel=0.01)
    assert np.allclose(column(trained, "defocus").values, 10050 + 10 * rows)
    assert np.allclose(column(trained, "astigmatism").values, 100)
    assert column(trained, "class").values.tolist() == (1 + rows % 3).tolist() and column(trained, "class").categories
    assert column(trained, "half").values.tolist() == (1 + rows % 2).tolist()
    distinct, code = column(trained, "micrograph").coded()
    assert (distinct[code] == [f"MotionCorr/mic{row // 50}.mrc" for row in rows]).all() and len(distinct) == 8
    # 3 Å per unit of z1, 0.5 Å of z2; the precision of the fixture is 9
    slid = np.linalg.norm(trained.latents * [3, 0.5], axis=1)
    assert np.allclose(column(trained, "amplitude").values, slid, rtol=1e-3)
    assert np.allclose(column(trained, "uncertainty_in_z").values, np.sqrt(2 / 9), rtol=1e-3)
    assert np.allclose(column(trained, "uncertainty").values, np.sqrt((9 + 0.25) / 9), rtol=1e-2)
    names = column_names(trained)
    assert {"z1", "pc2", "defocus", "optics_group", "rlnMicrographName"} <= set(names) and "cluster" not in names
    for name in names:
        assert len(column(trained, name).values) == COUNT
    with pytest.raises(InputError, match="perhaps defocus"):
        column(trained, "defokus")
    with pytest.raises(InputError, match="run flexrec cluster"):
        column(trained, "cluster")


def test_columns_that_need_no_particle_file_do_without(folder, tmp_path):
    import shutil

    alone = open_trained(shutil.copytree(folder, tmp_path / "elsewhere" / "003-train"))
    assert column(alone, "z1").values.shape == (COUNT,) and "defocus" not in column_names(alone)
    assert alone.identity == ""
    with pytest.raises(InputError, match="prepared particles of this training are not at"):
        column(alone, "defocus")


def test_clusters_are_found_largest_first_and_always_the_same():
    rng = np.random.default_rng(0)
    middles = np.array([[0, 0, 0], [8, 0, 0], [0, 8, 0]])
    truth = np.repeat([0, 1, 2], [100, 300, 200])
    z = (middles[truth] + rng.normal(size=(600, 3))).astype(np.float32)
    found = k_means(z, 3)
    assert found.size.tolist() == [300, 200, 100]
    assert (found.label == np.array([3, 1, 2])[truth]).mean() > 0.995
    assert found.label[found.centre].tolist() == [1, 2, 3]
    assert np.linalg.norm(z[found.centre] - middles[[1, 2, 0]], axis=1).max() < 1
    assert np.array_equal(k_means(z, 3).label, found.label)
    for count in (0, 601):
        with pytest.raises(InputError, match="ask for"):
            k_means(z, count)
    with pytest.raises(InputError, match="fewer clusters"):
        k_means(np.zeros((10, 2), np.float32), 3)


def test_clusters_in_angstroms_follow_the_motion(tmp_path):
    # four groups at the corners of a square: z1 moves the molecule by 4 Å a unit, z2 hardly
    corner = np.array([[-1, -1.5], [-1, 1.5], [1, -1.5], [1, 1.5]])[np.arange(COUNT) % 4]
    z = corner + 0.1 * np.random.default_rng(0).normal(size=(COUNT, 2))
    trained = open_trained(make_project(tmp_path / "p", (4.0, 0.2), z))
    assert (len(np.unique((k_means(trained.latents, 2).label == 1) == (z[:, 1] > 0)))) == 1
    assert (len(np.unique((k_means(trained.latents, 2, trained.motion).label == 1) == (z[:, 0] > 0)))) == 1


def test_clusters_are_a_column_until_the_latents_change(tmp_path):
    folder = make_project(tmp_path / "p")
    trained = open_trained(folder)
    clusters = make_clusters(trained, 4)
    assert np.array_equal(column(trained, "cluster").values, clusters.label) and "cluster" in column_names(trained)
    about = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**about, "epoch": about["epoch"] + 1}))
    assert load_clusters(open_trained(folder)) is None


# ---------------------------------------------------------------------------- export


def test_a_star_file_is_copied_word_by_word(trained, tmp_path):
    project = trained.project
    rows = trained.source_rows(np.array([0, 10, 299]))
    save_rows(trained.source, rows, project / "part.star")
    before, after = (
        [words for words in map(str.split, (project / name).read_text().splitlines()) if words]
        for name in ("particles.star", "part.star")
    )
    wanted = [words for words in before if "@" not in words[0] or int(words[0][:6]) - 1 in rows]
    assert after == wanted and len(after) == len(before) - 397
    part = read_particles(project / "part.star")
    assert part.index.tolist() == rows.tolist() and part.stacks[0] == project / "stack.mrcs"
    (project / "part.star").unlink()


def test_a_star_file_elsewhere_finds_its_images(trained, tmp_path):
    save_rows(trained.source, np.array([7, 3]), tmp_path / "part.star")
    part = read_particles(tmp_path / "part.star")
    assert part.index.tolist() == [7, 3] and part.stacks == (trained.project / "stack.mrcs",)
    assert part.columns["rlnMicrographName"].tolist() == ["MotionCorr/mic0.mrc"] * 2


def test_a_star_file_beside_other_images_of_the_same_name_keeps_its_own(trained, tmp_path):
    write_stack(tmp_path / "stack.mrcs", 3)
    write_stack(trained.project / "stack.mrcs")
    save_rows(trained.source, np.array([7, 3]), tmp_path / "part.star")
    (trained.project / "stack.mrcs").unlink()
    assert f"@{trained.project / 'stack.mrcs'}" in (tmp_path / "part.star").read_text()


def test_tables_of_bodies_lose_the_same_rows(trained, tmp_path):
    """RELION's multi-body refinement has a table for each body, row by row with the particles."""
    path, count = tmp_path / "run_data.star", len(trained.source_particles)
    body = "\ndata_images_body_{}\n\nloop_\n_rlnAngleRot\n_rlnAngleTilt\n"
    bodies = [body.format(b) + "".join(f"{b}.{i} 90\n" for i in range(count)) for b in (1, 2)]
    path.write_text(trained.source.read_text() + "".join(bodies))
    save_rows(path, np.array([7, 3]), tmp_path / "part.star")
    blocks = gemmi.cif.read(str(tmp_path / "part.star"))
    for b in (1, 2):
        assert list(blocks.find_block(f"images_body_{b}").find_values("_rlnAngleRot")) == [f"{b}.7", f"{b}.3"]


def test_what_relion_does_not_know_of_a_cs_is_said_of_its_star(tmp_path):
    trained = open_trained(make_project(tmp_path / "project"))
    for name, dark in (("all.cs", "dark"), ("all.cs", "white"), ("all.star", "dark")):
        (trained.project / name).touch()
        record = json.loads((trained.prepared / "prep.json").read_text())
        text = json.dumps({**record, "source": f"../{name}", "contrast": dark})
        (trained.prepared / "prep.json").write_text(text)
        note = note_on(open_trained(trained.folder), tmp_path / "few.star")
        assert ("all.cs" in note and "invert" in note) == (name == "all.cs" and dark == "dark")
        (tmp_path / "mrc.star").write_text("data_\nloop_\n_rlnAnglePsi\n_rlnImageName\n1 '000001@J1/a b.mrc'\n")
        note = note_on(open_trained(trained.folder), tmp_path / "mrc.star")
        assert ("named .mrc, which RELION takes for maps" in note) == (name == "all.cs")


def test_names_of_images_that_are_nowhere_stay_as_they_are(trained, tmp_path):
    path = tmp_path / "moved.star"
    path.write_text(trained.source.read_text().replace("@stack.mrcs", "@Extract/gone.mrcs"), newline="\r\n")
    (tmp_path / "sub").mkdir()
    save_rows(path, np.array([399, 2]), tmp_path / "sub" / "part.star")
    written = (tmp_path / "sub" / "part.star").read_bytes()
    lines = [line.split() for line in written.split(b"\n")]
    before = {line[:6]: line.split() for line in path.read_bytes().split(b"\r\n") if b"@" in line}
    assert [words for words in lines if words and b"@" in words[0]] == [before[b"000400"], before[b"000003"]]
    assert any(b"mtf.star" in words for words in lines) and b"\r" not in written  # which RELION refuses


def test_a_star_file_with_odd_lines_is_still_exported(trained):
    path = trained.project / "odd.star"
    text = trained.source.read_text()
    first = text.index("000001@")
    path.write_text(text[:first] + text[first:].replace(" 1 ", "\n1 ", 1))
    save_rows(path, np.array([0, 2]), trained.project / "part.star")
    assert read_particles(trained.project / "part.star").index.tolist() == [0, 2]
    path.unlink()


def test_numbers_of_particles(tmp_path):
    for name in ("i.txt", "i.npy", "i.npz", "i.pkl"):
        save_rows(tmp_path / "none.star", np.array([5, 2]), tmp_path / name)
    assert (tmp_path / "i.txt").read_text() == "5\n2\n"
    assert np.load(tmp_path / "i.npy").tolist() == np.load(tmp_path / "i.npz")["ind"].tolist() == [5, 2]
    with open(tmp_path / "i.pkl", "rb") as file:  # as cryoDRGN reads its --ind
        rows = pickle.load(file)
    assert rows.dtype == np.int64 and rows.tolist() == [5, 2]
    assert load_arrays_pickle(tmp_path / "i.pkl").tolist() == [5, 2]  # and as FlexRec reads others'


def test_cryosparc_particles_keep_every_field(tmp_path):
    kind = [("uid", "u8"), ("blob/path", "S40"), ("blob/idx", "u4"), ("blob/shape", "u4", 2), ("blob/psize_A", "f4"),
            ("ctf/df1_A", "f4"), ("odd/field", "f8", 3)]  # fmt: skip
    data = np.zeros(6, kind)
    data["uid"], data["blob/idx"], data["odd/field"] = np.arange(6) + 2**60, np.arange(6), np.arange(18).reshape(6, 3)
    data["blob/path"], data["blob/shape"], data["blob/psize_A"] = b"J1/stack.mrc", 32, 1.5
    with open(tmp_path / "all.cs", "wb") as file:
        np.save(file, data)
    save_rows(tmp_path / "all.cs", np.array([4, 1]), tmp_path / "part.cs")
    part = np.load(tmp_path / "part.cs")
    assert part.dtype == data.dtype and (part == data[[4, 1]]).all()
    save_rows(tmp_path / "all.cs", np.array([4, 1]), tmp_path / "part.star")
    assert read_particles(tmp_path / "part.star", require=()).columns["uid"].tolist() == [2**60 + 4, 2**60 + 1]


@pytest.mark.parametrize("name, rows, complaint", [
    ("part.cs", [1], "only particles of a .cs"), ("part.xls", [1], "choose one of these"), ("part.star", [], "nothing"),
    ("part.star", [400], "row 400 is wanted"), ("none/part.star", [1], "no folder"),
])  # fmt: skip
def test_exports_that_cannot_be_are_refused(trained, tmp_path, name, rows, complaint):
    with pytest.raises(InputError, match=complaint):
        save_rows(trained.source, np.array(rows), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def example(tmp_path):
    """The shipped example, which has no particle file and no images."""
    unpack(tmp_path / "example")
    return open_trained(tmp_path / "example/004-train")


def test_without_the_particle_file_preps_own_is_exported(example, tmp_path):
    few = Selection("few", np.array([3, 7, 4000]), len(example.latents))
    note = save_particles(example, few, tmp_path / "few.star")
    assert "002-prep/particles.star" in note and "64 pixels of 4 Å" in note and "is gone" in note
    assert note.endswith("which are not here either")
    whole, part = (gemmi.cif.read(str(path)) for path in (example.prepared / "particles.star", tmp_path / "few.star"))
    optics, before, after = (document.find_block(name) for document, name in (
        (part, "optics"), (whole, "particles"), (part, "particles")))  # fmt: skip
    assert str(optics[0].loop.values) == str(whole.find_block("optics")[0].loop.values)
    assert optics[0].loop.tags == whole.find_block("optics")[0].loop.tags and after[0].loop.tags == before[0].loop.tags
    width = before[0].loop.width()
    for row, source in enumerate(few.rows):
        one = [after[0].loop.values[row * width + k] for k in range(width)]
        other = [before[0].loop.values[source * width + k] for k in range(width)]
        assert one[0] == f"{source + 1:06d}@example/002-prep/particles.mrcs"
        assert np.allclose(np.array(one[1:], float), np.array(other[1:], float), rtol=1e-8, atol=1e-8)
    save_particles(example, few, tmp_path / "few.txt")
    assert (tmp_path / "few.txt").read_text().split() == ["3", "7", "4000"]
    with pytest.raises(InputError, match=r"few\.cs: a \.cs is .*001-simulate/particles\.star is no longer"):
        save_particles(example, few, tmp_path / "few.cs")
    assert not can_save_cs(example) and not (tmp_path / "few.cs").exists()


# ---------------------------------------------------------------------------- images


def write_stack(path, count=400):
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(np.arange(count, dtype=np.float32)[:, None, None] * np.ones((1, 32, 32), np.float32))


def test_images_that_moved_are_found_in_the_folder_that_is_named(tmp_path):
    trained = open_trained(make_project(tmp_path / "project"))
    rows, away = np.array([5, 0, 299]), tmp_path / "away"
    away.mkdir()
    (trained.project / "stack.mrcs").unlink()
    assert list(available_images(trained, rows)) == []
    assert lost_images(trained, rows) == f"The images are not here: there is no {trained.project / 'stack.mrcs'}."
    for folder, complaint in ((away, "none of the image stacks, such as stack.mrcs"), (tmp_path / "no", "no folder")):
        with pytest.raises(InputError, match=complaint):
            use_folder(trained, folder)
    assert not (trained.project / "images.json").exists()
    write_stack(away / "stack.mrcs")
    assert use_folder(trained, away) == "300 of 300 particles have their images here now"
    for one in (trained, open_trained(trained.folder)):  # it is remembered
        raw = next(available_images(one, rows))
        assert raw.kind == "raw" and raw.read(rows)[:, 0, 0].tolist() == trained.source_rows(rows).tolist()


def test_raw_images_have_the_contrast_that_prep_found(tmp_path):
    trained = open_trained(make_project(tmp_path / "project"))
    write_stack(trained.project / "stack.mrcs")
    record = trained.prepared / "prep.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "contrast": "dark"}))
    rows = np.array([1, 2])
    assert next(available_images(trained, rows)).read(rows)[:, 0, 0].tolist() == (-trained.source_rows(rows)).tolist()


def test_a_particle_file_that_moved_is_found_beside_its_images(tmp_path):
    trained = open_trained(make_project(tmp_path / "project"))
    away = tmp_path / "away"
    away.mkdir()
    write_stack(away / "stack.mrcs")
    text = (trained.project / "particles.star").read_text()
    for name in ("stack.mrcs", "particles.star"):
        (trained.project / name).unlink()
    few = Selection("few", np.array([3, 7]), COUNT)
    assert lost_images(trained, few.rows).endswith(f"particle file is no longer at {trained.project}/particles.star.")
    with pytest.raises(InputError, match="has no particles.star"):
        use_folder(trained, away)
    lines = text.splitlines(keepends=True)
    first = next(k for k, line in enumerate(lines) if "@" in line)
    (away / "particles.star").write_text("".join(lines[:first] + lines[first:][::-1]))
    with pytest.raises(InputError, match="is of other particles than 001-prep"):
        use_folder(trained, away)
    (away / "particles.star").write_text(text)
    use_folder(trained, away)
    assert save_particles(trained, few, away / "few.star") == ""
    assert read_particles(away / "few.star").index.tolist() == trained.source_rows(few.rows).tolist()


def test_some_images_are_better_than_none(tmp_path):
    trained = open_trained(make_project(tmp_path / "project"))
    text = (trained.project / "particles.star").read_text()
    name = f"{trained.source_rows(np.array([7]))[0] + 1:06d}@"
    (trained.project / "particles.star").write_text(text.replace(f"{name}stack.mrcs", f"{name}other.mrcs"))
    write_stack(trained.project / "stack.mrcs")
    raw = next(available_images(trained, np.array([7, 9, 20])))
    assert raw.rows.tolist() == [9, 20]
    assert [one.kind for one in available_images(trained, np.array([7]))] == ["prepared"]


def test_a_damaged_list_of_folders_is_refused_in_a_sentence(tmp_path):
    trained = open_trained(make_project(tmp_path / "project"))
    for text in ("{", "[]", '{"format": "flexrec-images", "version": 1, "folders": 3}'):
        (trained.project / "images.json").write_text(text)
        with pytest.raises(InputError, match=r"images\.json: not a list of folders"):
            next(available_images(trained, np.arange(3)))
