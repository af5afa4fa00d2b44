"""How a training begins: guesses are judged by images that they were not fitted to, and nonsense is taken back."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from chimerax.flexrec.cli.program import main as flexrec
from chimerax.flexrec.engine.decoders.flow.first_guess import apart_by_group, hold_out
from chimerax.flexrec.particles.copies import image_numbers
from chimerax.flexrec.simulate.experiment import Experiment, draw_defocus, draw_views

pytestmark = pytest.mark.blank_pictures()


def particles(count: int):
    rotation, shift = draw_views(count, 0.0, 0)
    return Experiment(
        np.zeros((count, 0)), np.zeros(count, np.int32), rotation, shift, draw_defocus(count, (1e4, 2e4), 0.0, 0), 32,
        5.0, 300.0, 2.7, 0.1, 0.1, 1.0, 0,
    ).particles()  # fmt: skip


def test_copies_of_an_image_are_held_out_together():
    several = particles(100)
    index = np.repeat(np.arange(25), 4)  # each image four times
    trainer = SimpleNamespace(image=image_numbers(replace(several, index=index)))
    apart = hold_out(trainer, np.arange(100))
    assert apart.sum() == 20
    assert all(len(set(apart[index == image])) == 1 for image in range(25))


def test_a_component_that_optics_groups_explain_is_seen():
    rng = np.random.default_rng(0)
    group, latents = rng.integers(0, 3, 900), rng.normal(size=(900, 2))
    assert abs(apart_by_group(latents, group)) < 0.02
    assert abs(apart_by_group(latents, rng.integers(0, 450, 900))) < 0.15  # two particles in each
    latents[:, 1] += 2 * group
    assert apart_by_group(latents, group) == pytest.approx(8 / 3 / (8 / 3 + 1), abs=0.03)
    assert apart_by_group(latents, np.zeros(900, int)) == apart_by_group(latents, np.arange(900)) == 0


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Particles among which is a quarter of junk, which differs from them more than they do among themselves."""
    folder = tmp_path_factory.mktemp("begin") / "project"
    for words in ("simulate --particles 800 --box 32 --pixel-size 10 --snr 0.5 --junk 0.3",
                  f"prep --particles {folder}/001-simulate --box 32",
                  f"mesh --consensus {folder}/001-simulate/consensus.mrc"):  # fmt: skip
        assert flexrec([*words.split(), "--project", str(folder)]) == 0
    return folder


def test_components_that_are_no_motion_are_taken_back(project):
    words = "train --latent-dims 1 --epochs 1 --poses fixed --junk keep --scales keep --device cpu"
    assert flexrec([*words.split(), "--project", str(project)]) == 0
    log = (project / "004-train" / "log.txt").read_text()
    assert "no motion of one molecule" in log, log
