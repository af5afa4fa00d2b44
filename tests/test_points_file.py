"""Latent points in tables as spreadsheets and people write them."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.models.points_file import read_points

POINTS = [[-0.5, 1.0], [2.5, 3.0]]


@pytest.mark.parametrize("text", [
    "-0.5,1\n2.5,3\n",
    "\ufeff-0.5,1\n2.5,3\n",  # a spreadsheet's mark of UTF-8 is no part of the first number
    "\u2212.5 1\n2.5 3\n",  # the sign that stands for minus in print
    "z1;z2\r\n-0,5;1\r\n2,5;3\r\n",
    '"z1","z2"\n"-0.5","1"\n"2.5","3"\n',
    "-0.5, 1,\n2.5, 3,\n",
])  # fmt: skip
def test_a_table_is_read_whoever_wrote_it(tmp_path, text):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    assert np.allclose(read_points(tmp_path / "points.csv", 2), POINTS)


@pytest.mark.parametrize("text, complaint", [
    ("0.5,,1\n2,,3\n", "line 1 has a gap"),
    ("z1 z2\n0.5 1\n2\n", "line 3 has 1 numbers, line 2 has 2"),
    ("0.5.,1\n2,3\n", "line 1: '0.5.' is no number"),
    ("a,1,2\nb,3,4\n", "line 1: 'a' is no number"),
    ("(0.5,1)\n2,3\n", r"line 1: '\(0.5' is no number"),
    ("0,5 1,5\n", "line 1: '5 1' is no number"),
])  # fmt: skip
def test_no_point_and_no_gap_is_passed_over_in_silence(tmp_path, text, complaint):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        read_points(tmp_path / "points.csv", 2)
