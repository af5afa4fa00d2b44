"""What benchmarks/bench_peers.py does of its own with other programs: each command runs once; linear maps."""

from __future__ import annotations

import sys
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.errors import InputError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from peer_programs import Program, linear_maps

COUNT = "import sys; open(sys.argv[1], 'a').write('x'); sys.exit('it broke' if 'bad' in sys.argv else 0)"


def test_a_command_runs_once_and_its_time_counts_again(tmp_path):
    made = tmp_path / "made"
    first, again = (Program(sys.executable, COUNT, tmp_path / "work", 1) for _ in range(2))
    first.run(made, "one")
    again.run(made, "one")
    assert made.read_text() == "x"
    assert again.seconds == first.seconds
    again.run(made, "two words")
    assert made.read_text() == "xx"


def test_a_command_that_fails_is_told_and_run_again(tmp_path):
    made, program = tmp_path / "made", Program(sys.executable, COUNT, tmp_path / "work", 1)
    for _ in range(2):
        with pytest.raises(InputError, match="it broke"):
            program.run(made, "bad")
    assert made.read_text() == "xx"


def test_linear_maps_are_the_mean_and_the_axes(tmp_path):
    volumes = tmp_path / "output" / "volumes"
    volumes.mkdir(parents=True)
    maps = np.random.default_rng(0).normal(size=(3, 4, 4, 4)).astype(np.float32)
    for name, each in zip(("mean", "eigen_pos0000", "eigen_pos0001"), maps):
        mrcfile.write(volumes / f"{name}.mrc", each)
    made = linear_maps(tmp_path, 2)(np.array([[0.0, 0.0], [2.0, -1.0]]))
    assert np.allclose(made, [maps[0], maps[0] + 2 * maps[1] - maps[2]], atol=1e-6)
