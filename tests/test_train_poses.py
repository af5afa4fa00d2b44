"""Trained on particles whose poses are off and among which is junk: poses come nearer to the truth, junk is told."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.cli.program import main as flexrec
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.selection import load_selection
from chimerax.flexrec.simulate import load_truth
from scipy.spatial.transform import Rotation

pytestmark = pytest.mark.blank_pictures()


def run(project, words: str) -> None:
    assert flexrec([*words.split(), "--project", str(project)]) == 0


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("poses") / "project"
    run(folder, "simulate --particles 600 --box 32 --pixel-size 10 --snr 0.5 --pose-error 2,1.5 --junk 0.2")
    run(folder, f"prep --particles {folder}/001-simulate --box 32")
    run(folder, f"mesh --consensus {folder}/001-simulate/consensus.mrc")
    run(folder, "train --latent-dims 1 --epochs 3 --poses refine --junk weigh --device cpu")
    return folder


def test_junk_is_told_and_kept_as_a_selection(project):
    truth = load_truth(project / "001-simulate")
    junk = load_selection(project, "junk").mask
    assert (junk == (truth.kind == 1)).mean() > 0.97
    assert "lack a part" not in (project / "004-train" / "log.txt").read_text()
    probability = read_particles(project / "004-train" / "refined.star").columns["flexrecProbability"]
    assert ((probability.astype(float) < 0.5) == junk).all()


def test_refined_poses_are_nearer_to_the_truth(project):
    truth = load_truth(project / "001-simulate")
    own = truth.kind == 0

    def apart(particles):
        turn = Rotation.from_matrix(particles.rotation[own] @ truth.rotation[own].transpose(0, 2, 1)).magnitude()
        shift = np.linalg.norm(particles.shift[own] - truth.shift[own], axis=1)
        return np.degrees(np.sqrt(np.mean(turn**2))), np.sqrt(np.mean(shift**2))

    before = apart(read_particles(project / "002-prep" / "particles.star"))
    after = apart(read_particles(project / "004-train" / "refined.star"))
    assert after[0] < 0.75 * before[0] and after[1] < 0.75 * before[1], (before, after)
