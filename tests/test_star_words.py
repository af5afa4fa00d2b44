"""STAR files word by word: what RELION reads is read, and what is written is read by it, gemmi and others."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.particles import ImageStack, read_particles, write_star
from chimerax.flexrec.particles.columns import Columns
from chimerax.flexrec.particles.mrc import stack_header
from chimerax.flexrec.particles.star_table import read_parts, read_tables
from chimerax.flexrec.particles.star_words import quoted, split_words
from chimerax.flexrec.particles.subset import save_rows
from hypothesis import given
from hypothesis import strategies as st

OPTICS = """data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnVoltage #3
_rlnSphericalAberration #4
_rlnAmplitudeContrast #5
_rlnImagePixelSize #6
_rlnImageSize #7
1 Krios_Zürich 300 2.7 0.1 1.5 8

"""
TAGS = (
    "rlnImageName", "rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle",
    "rlnOpticsGroup", "rlnMicrographName", "rlnTomoName", "rlnGroupName", "rlnCoordinateX", "rlnLogLikeliContribution",
    "rlnAutopickFigureOfMerit", "someLabel",
)  # fmt: skip
ROWS = [
    ["000001@a.mrcs", "10.500000", "20", "1e1", "15000.50", "1.4e4", "012.0", "1", "00255", "1e5", "001", "1000.123456",
     "5.162431234567e+05", "-0.000000", "1_000"],
    ["2@a.mrcs", "-0.0", "+20", "30.", ".5e5", "14000", "0", "01", "00256", "2E3", "1", "7.10", "1e+06", "nan", "x"],
    ["0003@a.mrcs", "1", "2", "3", "4", "5", "6", "1", "255", "1e5", "0001", "12345678901234567890123", "3", "4", "''"],
]  # fmt: skip


def loop(name, tags, rows, end="\n"):
    lines = [f"data_{name}", "", "loop_", *(f"_{tag} #{i}" for i, tag in enumerate(tags, 1)), *map(" ".join, rows), ""]
    return end.join(lines) + end


def write_stack(path, count=3, box=8):
    path.write_bytes(stack_header(count, box, 1.5) + np.arange(count * box * box, dtype="<f4").tobytes())


def make_star(folder, rows=ROWS, tags=TAGS, name="p.star"):
    (folder / name).write_text("# version 30001\n\n" + OPTICS + "# version 30001\n\n" + loop("particles", tags, rows))
    return folder / name


def words_of(path, table="particles"):
    table = read_tables(path)[table]
    return {tag: table.texts(tag) for tag in table.tags}


@pytest.mark.parametrize("line, words", [
    ("a  b\tc\r\n", ["a", "b", "c"]), ("'a b' \"c d\" e # f", ["a b", "c d", "e"]), ("a#b #c", ["a#b"]), ("# a", []),
    ("it's \"it's b\" a\"b", ["it's", "it's b", 'a"b']), ("'' \"\"", ["", ""]), ('"a"b c" d', ['a"b c', "d"]),
    ("000001@'a b'", ["000001@'a", "b'"]), ("\"a\a\" b\"", ['a" b']),
    ("_a $b [c] ;d ?", ["_a", "$b", "[c]", ";d", "?"]),
    ("Müller a\xa0b 日本", ["Müller", "a\xa0b", "日本"]), ("", []),
])  # fmt: skip
def test_a_line_falls_into_words_as_in_relion(line, words):
    assert [word.decode() for word in split_words(line.encode())] == words
    with pytest.raises(ValueError, match="quote"):
        split_words(line.encode().replace(b"#", b"") + b" 'open")


LETTERS = st.characters(exclude_characters="\0\a\r\n", codec="utf-8")


@given(st.lists(st.text(LETTERS, max_size=12), min_size=1, max_size=6))
def test_whatever_is_written_is_the_same_word_again(words):
    assert [word.decode() for word in split_words(" ".join(map(quoted, words)).encode())] == words


ODD = ["Müller", "_a", "$x", "[1,2]", "#1", "a#b", ";a", "it's b", "it's", 'a"b c', "a b", "", "?", ".", "data_x",
       "loop_", "save_x", "stop_", "global_", "'tis", "\"x", "日本", "a\xa0b", "00255", "1e5", "C:\\new\\x", "%x",
       "a\tb"]  # fmt: skip


@pytest.mark.parametrize("word", ODD)
def test_every_word_that_is_written_is_read_by_relions_rules_and_by_gemmi(word, tmp_path):
    from gemmi import cif

    path = make_star(tmp_path, [[*row[:-1], quoted(word)] for row in ROWS])
    write_star(tmp_path / "q.star", read_particles(path))
    save_rows(path, np.array([2, 0]), tmp_path / "r.star")
    for name, count in (("q.star", 3), ("r.star", 2)):
        assert words_of(tmp_path / name)["someLabel"] == [word] * count
        table = cif.read_file(str(tmp_path / name)).find_block("particles")
        assert [cif.as_string(text) for text in table.find_values("_someLabel")] == [word] * count


@pytest.mark.parametrize("word", [word for word in ODD if "'" not in word and '"' not in word])
def test_every_word_that_is_written_is_read_by_the_starfile_package(word, tmp_path):
    # a word with a quote in it, the package does not read however it is written: it takes ' for "
    starfile = pytest.importorskip("starfile")
    path = make_star(tmp_path, [[*row[:-1], quoted(word)] for row in ROWS])
    write_star(tmp_path / "q.star", read_particles(path))
    table = starfile.read(tmp_path / "q.star", parse_as_string=list(TAGS), always_dict=True)["particles"]
    assert table["someLabel"].tolist() == [word] * 3
    assert table["rlnMicrographName"].tolist() == ["00255", "00256", "255"]


def test_bytes_that_are_no_utf8_stay_as_they_are(tmp_path):
    path = make_star(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"00255", b"M\xfcller"))
    write_star(tmp_path / "q.star", read_particles(path))
    save_rows(path, np.array([0]), tmp_path / "r.star")
    assert all(b'"M\xfcller"' in (tmp_path / name).read_bytes() for name in ("q.star", "r.star"))
    path.write_bytes(path.read_bytes().replace(b"000001@a", b"00000x@\xfc"))
    with pytest.raises(InputError) as error:
        ImageStack(read_particles(path)).check()
    assert str(error.value).encode()  # it can be written into a log


def test_text_stays_text_in_what_is_written_anew(tmp_path):
    path = make_star(tmp_path)
    particles = read_particles(path)
    write_star(tmp_path / "q.star", particles.take(np.array([2, 0, 1])))
    before, after = words_of(path), words_of(tmp_path / "q.star")
    for tag in TAGS[8:]:
        assert after[tag] == [before[tag][row] for row in (2, 0, 1)], tag
    assert words_of(tmp_path / "q.star", "optics")["rlnOpticsGroupName"] == ["Krios_Zürich"]
    again = read_particles(tmp_path / "q.star")
    assert {k: again.columns.stored[k].tolist() for k in again.columns} == {
        k: particles.take(np.array([2, 0, 1])).columns.stored[k].tolist() for k in particles.columns
    }


def test_names_are_words_and_numbers_are_numbers(tmp_path):
    columns = read_particles(make_star(tmp_path)).columns
    for tag in ("rlnMicrographName", "rlnTomoName", "rlnGroupName", "someLabel"):
        assert columns[tag].dtype.kind == "O"
    assert columns["rlnLogLikeliContribution"].tolist() == [516243.1234567, 1e6, 3]
    assert columns["rlnAutopickFigureOfMerit"].dtype.kind == "f"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_export_keeps_every_word_of_its_rows(tmp_path, end):
    """Poses and CTF too, other tables, single pairs, and what tells RELION the version of each table."""
    write_stack(tmp_path / "a.mrcs")
    text = (
        "\n# version 50001\n\n" + OPTICS + "# version 50001\n\ndata_general\n\n_rlnTomoSubTomosAre2DStacks  0\n"
        "_aName 'x y'\n\n# version 50001\n\n" + loop("particles", TAGS, ROWS)
        + loop("other", ["a", "b"], [["1", "'2 3'"]])
    )
    path = tmp_path / "p.star"
    path.write_bytes(text.replace("\n", end).encode())
    (tmp_path / "sub").mkdir()
    for target in (tmp_path / "q.star", tmp_path / "sub" / "q.star"):
        save_rows(path, np.array([2, 0]), target)
        before, after = words_of(path), words_of(target)
        assert {tag: [words[2], words[0]] for tag, words in before.items()} == after
        for name in ("optics", "general", "other"):
            assert words_of(path, name) == words_of(target, name)
        assert list(read_tables(target)) == ["optics", "general", "particles", "other"]
        assert [part.comments for part in read_parts(target)] == [("# version 50001",)] * 3 + [()]
        assert b"\r" not in target.read_bytes()
    save_rows(path, np.array([1]), tmp_path.parent / "away.star")
    away = words_of(tmp_path.parent / "away.star")
    assert away.pop("rlnImageName") == [f"2@{tmp_path}/a.mrcs"]
    assert away == {tag: [words[1]] for tag, words in words_of(path).items() if tag != "rlnImageName"}
    assert words_of(tmp_path.parent / "away.star", "optics") == words_of(path, "optics")


def test_numbers_of_a_cs_file_are_written_with_all_their_digits(tmp_path):
    particles = read_particles(make_star(tmp_path))
    exact = np.array([np.pi, 1 / 3, 1e-300])
    columns = {"f8": exact, "f4": exact.astype("f4"), "u8": np.array([2**63 + 1, 1, 0], "u8"), "a b#c": exact,
               "b": np.array([True, False, True])}  # fmt: skip
    write_star(tmp_path / "q.star", replace(particles, columns=Columns(columns)))
    again = read_particles(tmp_path / "q.star").columns
    assert again["f8"].tolist() == exact.tolist() == again["a_b_c"].tolist()
    assert again["f4"].astype("f4").tolist() == columns["f4"].tolist()
    assert again["u8"].tolist() == columns["u8"].tolist()


@pytest.mark.parametrize("name, stack, number", [
    ("3@user@host/a.mrcs", "user@host/a.mrcs", 2), ("user@host/a.mrcs", "user@host/a.mrcs", 0),
    ("3@user@host/a.mrcs:mrcs", "user@host/a.mrcs", 2), ("3@Müller/a.mrcs", "Müller/a.mrcs", 2),
    ("'3@with blanks/a.mrcs'", "with blanks/a.mrcs", 2), ("3@_x/$a.mrcs", "_x/$a.mrcs", 2),
])  # fmt: skip
def test_an_image_name_is_parted_at_the_first_at(tmp_path, name, stack, number):
    (tmp_path / stack).parent.mkdir()
    write_stack(tmp_path / stack)
    path = make_star(tmp_path, [[name, *ROWS[0][1:]]])
    (tmp_path / "out").mkdir()
    write_star(tmp_path / "out" / "q.star", read_particles(path))
    save_rows(path, np.array([0]), tmp_path / "r.star")
    for file in (path, tmp_path / "out" / "q.star", tmp_path / "r.star"):
        particles = read_particles(file)
        ImageStack(particles).check()
        assert particles.stacks == (tmp_path / stack,) and particles.index.tolist() == [number]


def test_stacks_lie_beside_a_link_or_beside_its_target(tmp_path):
    for folder in ("real", "here/deep"):
        (tmp_path / folder).mkdir(parents=True)
    write_stack(tmp_path / "here" / "a.mrcs")
    make_star(tmp_path / "real")
    os.symlink(tmp_path / "real" / "p.star", tmp_path / "here" / "deep" / "p.star")
    os.symlink(tmp_path / "real", tmp_path / "here" / "linked")
    for file in ("deep/p.star", "linked/p.star"):
        particles = read_particles(tmp_path / "here" / file)
        ImageStack(particles).check()
        save_rows(particles.source, np.array([2]), tmp_path / "real" / "q.star")
        assert read_particles(tmp_path / "real" / "q.star").stacks == (tmp_path / "here" / "a.mrcs",)
    write_stack(tmp_path / "real" / "a.mrcs")
    assert read_particles(tmp_path / "here" / "deep" / "p.star").stacks == (tmp_path / "real" / "a.mrcs",)


PLAIN = OPTICS + loop("particles", TAGS, ROWS)


@pytest.mark.parametrize("text", [
    "\ufeff" + PLAIN, PLAIN.replace("\n", "\r\n"), PLAIN.replace("\n", "\r"), PLAIN.replace("\n\n", "\n"),
    PLAIN.replace(" ", "  \t "), PLAIN.rstrip(), PLAIN.replace("data_", "DATA_").replace("loop_", "LOOP_"),
    PLAIN.replace(" #", "\t#"), PLAIN.replace("2@a", "# a comment\n\n2@a"), PLAIN.replace("255 1e5", "255\n1e5"),
    PLAIN.replace(" 1.5 8", " 1.5 8 # its optics"), PLAIN.replace("Krios_Zürich", "'Krios_Zürich'"),
    "# made by hand\n" + PLAIN + "data_other\n_single 'a b'\nloop_\n_x\n_y\n1 2\n", PLAIN + "data_empty\n",
])  # fmt: skip
def test_files_of_other_programs_read_the_same(tmp_path, text):
    path = make_star(tmp_path)
    plain = {name: words_of(path, name) for name in ("optics", "particles")}
    path.write_bytes(text.encode())
    assert {name: words_of(path, name) for name in ("optics", "particles")} == plain


@pytest.mark.parametrize("text, says", [
    (PLAIN.replace("2@a.mrcs ", ""), "line 32: .* 14 words for 15"),
    (PLAIN.replace(" 0.1 1.5 8", " 0.1 8"), "line 11"),
    (PLAIN.replace("_rlnTomoName #10\n", ""), "15 words for 14"), (PLAIN + PLAIN, "second table is named data_optics"),
    (PLAIN.replace("_rlnTomoName", "_rlnGroupName"), "column _rlnGroupName twice"),
    (PLAIN.replace("1e5", "'1e5"), "quote"),
    ("\0" + PLAIN, "zero bytes"), (PLAIN.replace("loop_\n_rlnImageName", "_rlnImageName"), "no value"),
    ("loop_\n_a\n1\n", "before the first data_"), ("nonsense " + PLAIN, "'nonsense' stands"), ("", "no table"),
    (PLAIN.encode("utf-16").decode("latin-1"), "zero bytes"), (PLAIN + "x " * 9, "9 words"),
])  # fmt: skip
def test_files_that_are_no_star_are_refused_in_a_sentence(tmp_path, text, says):
    path = tmp_path / "p.star"
    path.write_bytes(text.encode("latin-1" if "zero" in says else "utf-8", "ignore"))
    with pytest.raises(InputError, match=says) as error:
        read_particles(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_long_files_read_the_same_as_short_ones(tmp_path):
    """Over the edges of the pieces that a file is read in, and where words grow long on the way."""
    rows = [[f"{i + 1:06d}@a.mrcs", *ROWS[i % 3][1:-1], "x" * (60 if i > 50_000 else 3)] for i in range(60_000)]
    path = make_star(tmp_path, rows)
    assert path.stat().st_size > 5 << 20
    words = words_of(path)
    assert list(zip(*words.values())) == [tuple(row) for row in rows]
    assert read_particles(path).columns.stored["rlnTomoName"].nbytes == 3 * len(rows)
