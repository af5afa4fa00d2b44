"""Damaged particle files, stacks and maps are read rightly or refused in a sentence; see benchmarks/fuzz_inputs.py."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError, printable
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.frame import choose_frame

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
from fuzz_cs_mutations import MARK, Trap, saved
from fuzz_inputs import BAD, RIGHT, outcome, run
from fuzz_seeds import COUNT, cryosparc_table, simulated


def test_sixty_damaged_files_are_read_rightly_or_refused():
    found = run(60, 0, None, None)
    assert len(found) == 60 and [one for one in found if one[1] == BAD] == []
    assert len({verdict for _, verdict, _ in found}) == 2  # some are fine, some are not


@pytest.fixture
def folder(tmp_path):
    simulated(tmp_path)
    return tmp_path


def test_the_good_files_are_read(folder):
    (folder / "particles.npy").rename(folder / "particles.cs")
    assert outcome(folder / "particles.star") == outcome(folder / "particles.cs") == (RIGHT, "")
    both = [read_particles(folder / f"particles{kind}") for kind in (".star", ".cs")]
    assert both[0].half.tolist() == both[1].half.tolist() == [1, 2] * (COUNT // 2)


def changed(name, kind=None, value=None):
    """The bytes of the good .cs with one field of another type, or of another value."""
    table = cryosparc_table()
    if kind is not None:
        types = [(field, kind if field == name else table.dtype[field]) for field in table.dtype.names]
        made = np.zeros(len(table), types)
        for field in set(table.dtype.names) - {name}:
            made[field] = table[field]
        table = made
    if value is not None:
        table[name] = value
    return saved(table)


@pytest.mark.parametrize("data, says", [
    (changed("alignments3D/pose", ("f4", 4)), "alignments3D/pose is .* not 3 numbers for each"),
    (changed("ctf/tilt_A", ("f4", 3)), "ctf/tilt_A is .* not 2 numbers"),
    (changed("ctf/cs_mm", "S8"), "ctf/cs_mm is .* not one number"),
    (changed("blob/idx", "f4"), "blob/idx is .* whole number"),
    (changed("blob/path", "u4"), "blob/path is uint32, no text"), (changed("blob/idx", "i8", -1), "no image's number"),
    (changed("blob/sign", value=0.5), "neither 1 nor -1"), (changed("blob/shape", value=0), "image size"),
    (changed("blob/shape", value=2**32 - 1), "image size"), (changed("alignments3D/pose", value=3e38), "pose that"),
    (changed("alignments3D/shift", value=np.inf), "shift that"), (changed("ctf/scale", "O", Trap()), "holds a pickle"),
    (changed("uid").replace(b"(12,)", b"(99,)"), "ends before the last particle"),
    (changed("uid")[:300], "not a readable"),
    (changed("uid").replace(b"'descr': [", b"'descr': (("), "not a readable"), (b"", "not a readable"),
    (saved(np.zeros(3)), "no table of fields"), (saved(cryosparc_table()[:0]), "has no particles"),
    (saved(np.array([Trap()], object)), "holds a pickle"),
])  # fmt: skip
def test_fields_of_a_cs_file_are_of_the_kind_expected(folder, data, says):
    path = folder / "particles.cs"
    path.write_bytes(data)
    MARK.unlink(missing_ok=True)
    with warnings.catch_warnings(), pytest.raises(InputError, match=says) as error:
        warnings.simplefilter("error")
        read_particles(path)
    assert str(path) in str(error.value) and not MARK.exists() and "allow_pickle" not in str(error.value)


def test_a_cs_file_of_very_many_fields_is_read(folder):
    """numpy refuses headers of more than 10,000 letters unless it is told otherwise."""
    table = cryosparc_table()
    more = [(f"components_mode_{k}/some_long_name_of_a_value", "f4") for k in range(400)]
    made = np.zeros(len(table), table.dtype.descr + more)
    for field in table.dtype.names:
        made[field] = table[field]
    (folder / "particles.cs").write_bytes(saved(made))
    assert len(read_particles(folder / "particles.cs").columns) > 400


def test_splits_other_than_0_and_1_are_no_halves(folder):
    table = cryosparc_table()
    table["alignments3D/split"][:2] = 7, 2**32 - 1
    (folder / "particles.cs").write_bytes(saved(table))
    assert read_particles(folder / "particles.cs").half.tolist()[:4] == [0, 0, 1, 2]


@pytest.mark.parametrize("word", ["inf", "1e300", "nan", "99999999999"])
def test_angles_that_cannot_be_are_refused(folder, word):
    path = folder / "particles.star"
    words = path.read_text().splitlines()
    row = next(line for line in words if "@" in line)
    parts = row.split(" ")
    path.write_text(path.read_text().replace(row, " ".join([*parts[:2], word, *parts[3:]])))
    with warnings.catch_warnings(), pytest.raises(InputError, match="have a pose that is no number or cannot be"):
        warnings.simplefilter("error")
        read_particles(path)


def test_images_too_small_for_any_box_are_told_of_with_their_file(folder):
    path = folder / "particles.star"
    path.write_text(path.read_text().replace(" 16 2\n", " 4 2\n"))
    with pytest.raises(InputError, match=f"{path}: 4 pixels remain"):
        choose_frame(read_particles(path), None, None)


def test_what_is_said_is_one_line_that_can_be_written():
    assert printable("a\nb\x1b[2J é日本Å…\udcfc") == "a\\nb\\x1b[2J é日本Å…\\udcfc"
    assert len(str(InputError("x" * 100_000 + " is long"))) < 600
