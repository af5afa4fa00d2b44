"""Random users of a real ChimeraX: a few of the sequences that benchmarks/chimerax_fuzz.py runs by the hundred."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from chimerax_fuzz import SCREEN, fuzz


def test_nothing_fails_and_the_panel_shows_what_is_after_each_action_of_a_random_user(chimerax):
    if shutil.which("xvfb-run") is None:
        pytest.skip("no xvfb-run, without which a window needs a screen")
    folder = chimerax.new_folder()
    found = fuzz(chimerax.command(*SCREEN, chimerax.program), folder, range(4), actions=12, seed=1)
    output = (folder / "output.txt").read_text(errors="replace")[-3000:]
    assert found.failures == [], output
    assert found.sequences == 4 and sum(found.actions.values()) == 48, output
