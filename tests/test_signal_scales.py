"""Images whose signals are not equally strong beside their noise: the strengths are found, and equal ones are left."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from chimerax.flexrec.cli.program import main as flexrec
from chimerax.flexrec.engine.training.batches import Batch
from chimerax.flexrec.engine.training.resemblance import resemblance
from chimerax.flexrec.engine.training.signal_scales import AT_REST, MOVING, SignalScales, likely_scales
from chimerax.flexrec.engine.training.stage import Stage
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.simulate import load_truth

pytestmark = pytest.mark.blank_pictures()


def told(spread, junk=0.0, count=4000, gain=0.8):
    """True scales, what each image says of its own, its power, and its weight; a share is junk without signal."""
    rng = np.random.default_rng(1)
    scale = np.exp(rng.normal(0, spread, count) - spread**2 / 2)
    power = rng.uniform(100, 700, count)
    weight = np.where(np.arange(count) < junk * count, 0.0, 1.0)
    return scale, gain * scale * weight + rng.normal(size=count) / power**0.5, power, weight


@pytest.mark.parametrize("junk", [0.0, 0.25])
def test_scales_are_found_better_than_an_image_alone_says(junk):
    true, alone, power, weight = told(0.3, junk)
    scale, spread = likely_scales(alone, power, weight, 0.0)
    own = weight > 0
    assert abs(spread - true[own].std()) < 0.02 and (scale[~own] == 1).all()
    left, said = scale[own] - true[own], alone[own] / 0.8 - true[own]
    assert left.std() < 0.98 * said.std() and abs(left.mean()) < 0.02


def test_equal_scales_stay_equal():
    _, alone, power, weight = told(0.0)
    for unknown in (0.0, MOVING):
        assert (likely_scales(alone, power, weight, unknown)[0] == 1).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_few_images_of_equal_scale_are_not_told_apart_by_chance(seed):
    rng = np.random.default_rng(seed)
    power = rng.uniform(100, 700, 200)
    assert (likely_scales(1 + rng.normal(size=200) / power**0.5, power, np.ones(200), 0.0)[0] == 1).all()


def test_what_the_model_does_not_know_is_no_spread():
    _, alone, power, weight = told(0.1)
    assert (likely_scales(alone, power, weight, AT_REST)[0] == 1).all()


def test_images_without_any_signal_have_no_scales():
    _, alone, power, _ = told(0.3)
    assert likely_scales(-alone, power, np.ones(len(alone)), 0.0)[1] == 0


def test_resemblance_does_not_depend_on_the_scale_that_is_known():
    rng = torch.Generator().manual_seed(0)
    images, model = (torch.randn(5, 8, 5, dtype=torch.complex64, generator=rng) for _ in range(2))
    weights = torch.rand(8, 5, generator=rng)
    stage = Stage(*[None] * 3, weights, *[None] * 4)
    plain = Batch(torch.arange(5), images, torch.ones(5, 8, 5), torch.eye(3).repeat(5, 1, 1))
    signal = SignalScales(torch.tensor([0.5, 1, 1.5, 2, 0.1]), even=False)
    scaled = signal.scaled(plain)
    assert torch.allclose(resemblance(stage, scaled, scaled.transfer * model), resemblance(stage, plain, model),
                          rtol=1e-3, atol=1e-3)  # fmt: skip


def run(project, words: str) -> None:
    assert flexrec([*words.split(), "--project", str(project)]) == 0


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scales") / "project"
    run(folder, "simulate --particles 500 --box 32 --pixel-size 10 --snr 0.5 --noise 0.4,0")
    run(folder, f"prep --particles {folder}/001-simulate --box 32")
    run(folder, f"mesh --consensus {folder}/001-simulate/consensus.mrc")
    run(folder, "train --latent-dims 1 --epochs 1 --device cpu")
    return folder


def test_a_training_finds_how_strong_signals_are(project):
    particles = load_prepared(project / "002-prep").particles
    sigma = load_truth(project / "001-simulate").noise_sigma[particles.columns["flexrecSourceRow"].astype(int)]
    with np.load(project / "004-train" / "latents.npz") as file:
        scale = file["signal_scale"]
    assert np.corrcoef(scale, 1 / sigma)[0, 1] > 0.9 and abs(np.std(scale * sigma) / np.mean(scale * sigma)) < 0.12
    refined = read_particles(project / "004-train" / "refined.star").scale
    assert np.allclose(refined, scale, atol=1e-3)


def test_scales_are_kept_as_they_are_where_that_is_asked(project):
    run(project, "train --latent-dims 1 --epochs 1 --start modes --modes 8 --device cpu --scales keep")
    with np.load(project / "005-train" / "latents.npz") as file:
        assert "signal_scale" not in file.files
