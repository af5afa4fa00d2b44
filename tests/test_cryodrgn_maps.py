"""Maps decoded from cryoDRGN's weights against those that cryoDRGN itself has made of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.decoder_process.answers import ModelAnswers
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.cryodrgn.network_values import card_values, network_values
from chimerax.flexrec.models.interface import DecodeOptions
from chimerax.flexrec.particles.resample import resample_box

HERE = Path(__file__).parent
EXAMPLE = HERE / "cryodrgn_example"


def largest_error(map_, true):
    return np.abs(map_ - true).max() / np.abs(true).max()


def low_frequencies(map_, radius):
    """The map of the frequencies within a ball."""
    spectrum = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(map_)))
    k = np.arange(len(map_)) - len(map_) // 2
    spectrum[(k**2)[:, None, None] + (k**2)[:, None] + k**2 > radius**2] = 0
    return np.fft.fftshift(np.fft.ifftn(np.fft.ifftshift(spectrum)).real)


@pytest.fixture(scope="module")
def example():
    return open_model(EXAMPLE)


@pytest.mark.parametrize("number", [1, 12])
def test_maps_are_those_that_cryodrgn_wrote(example, number):
    z = np.loadtxt(EXAMPLE / "analyze.3" / "kmeans20" / "centers.txt")[number - 1]
    true = mrcfile.read(EXAMPLE / "analyze.3" / "kmeans20" / f"vol_{number:03d}.mrc")
    assert true.std() > 0.01 * np.abs(true).max()
    assert largest_error(example.decode(z), true) < 1e-5
    assert example.pixel_size == pytest.approx(15.0)
    # the two centres' maps differ by far more than that
    other = np.loadtxt(EXAMPLE / "analyze.3" / "kmeans20" / "centers.txt")[12 - number]
    assert largest_error(example.decode(other), true) > 1e-3


def test_no_torch_is_needed():
    code = f"""
import sys
sys.modules["torch"] = sys.modules["numba"] = None
from chimerax.flexrec.models import open_model
model = open_model({str(EXAMPLE)!r})
print(model.decode(model.latents[0]).std())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and float(done.stdout) > 0, done.stderr


def test_torch_has_the_same_values(example):
    z = example.latents[5]
    values = network_values(example.config, example.network, example.points, z, 1)
    again = card_values(example.config, example.network, example.points, z, "cpu")
    assert np.abs(values - again).max() < 1e-5 * np.abs(values).max()


def test_a_coarser_model_has_the_low_frequencies_of_the_map(example):
    z = example.latents[7]
    full, coarse = example.decode(z), example.coarser(8)
    wanted = resample_box(low_frequencies(full, 3).astype(np.float32), 8)
    assert coarse.box == 8 and coarse.pixel_size == pytest.approx(30.0)
    assert largest_error(coarse.decode(z), wanted) < 1e-5


def test_a_quick_map_is_on_the_same_grid(example, monkeypatch):
    z = example.latents[7]
    monkeypatch.setattr("chimerax.flexrec.models.cryodrgn.cryodrgn_model._QUICK", 1.0)
    assert example._quick_radius == 5
    quick = example.decode(z, DecodeOptions(quick=True))
    assert largest_error(quick, low_frequencies(example.decode(z), 5)) < 1e-5


def test_the_engine_process_answers_quickly_or_fully(example, monkeypatch):
    monkeypatch.setattr("chimerax.flexrec.models.cryodrgn.cryodrgn_model._QUICK", 1.0)
    answers, z = ModelAnswers("numpy"), [0.1, -0.2]
    answers.answer("open", {"model": "m", "path": str(EXAMPLE)}, None)
    full = answers.answer("decode", {"model": "m", "z": z}, None)[1]
    quick = answers.answer("decode", {"model": "m", "z": z, "quick": True}, None)[1]
    assert largest_error(full, example.decode(z)) < 1e-6
    assert quick.shape == full.shape and largest_error(quick, low_frequencies(full, 5)) < 1e-5


@pytest.fixture(scope="module")
def cryodrgn_maps(tmp_path_factory):
    """A folder of work folders with cryoDRGN's own maps."""
    python = os.environ.get("FLEXREC_CRYODRGN_PYTHON")
    if not python:
        pytest.skip("no cryoDRGN (name a Python that has it in FLEXREC_CRYODRGN_PYTHON)")
    top = tmp_path_factory.mktemp("cryodrgn")
    others = []
    shared = Path(os.environ.get("FLEXREC_SHARED_DATA", HERE.parents[1] / "shared" / "data")) / "cryodrgn"
    if shared.is_dir():
        others.append(top / "shared")
        others[0].mkdir()
        for name in ("config.yaml", "weights.pkl"):
            shutil.copy(shared / f"het_{name}", others[0] / name)
        shutil.copy(shared / "zvals_het-8_4k.pkl", others[0] / "z.pkl")
    subprocess.run([python, HERE / "cryodrgn_maps.py", top / "made", *others], check=True, capture_output=True)
    for number, other in enumerate(others):
        shutil.copytree(other, top / "made" / f"other-{number}", dirs_exist_ok=True)
    return top / "made"


def test_every_kind_of_network_as_eval_vol_decodes_it(cryodrgn_maps):
    folders = sorted(path.parent for path in cryodrgn_maps.glob("*/map.mrc"))
    assert len(folders) >= 17
    for folder in folders:
        model, true = open_model(folder), mrcfile.read(folder / "map.mrc")
        assert largest_error(model.decode(np.load(folder / "z.npy")), true) < 1e-5, folder.name
