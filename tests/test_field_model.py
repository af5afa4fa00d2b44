"""A field on disk: decoded without torch as the engine's network says, coarse and quick, and refused where broken."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from chimerax.flexrec.decoder_process.answers import ModelAnswers
from chimerax.flexrec.engine.decoders.field.field_network import FieldNetwork, encoding_directions
from chimerax.flexrec.engine.decoders.field.field_parameters import FieldParameters
from chimerax.flexrec.engine.decoders.field.field_transform import field_volume
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.interface import DecodeOptions
from chimerax.flexrec.particles.resample import resample_box
from test_train import flexrec
from trained_models import BOX, PIXEL, refuses_claims, refuses_half, two_blobs, white

AMPLITUDE = np.linspace(30, 2, BOX // 2 + 1).astype(np.float32)
RADIUS = 13


def make_field(folder: Path, domain: str, units: int = 24) -> FieldNetwork:
    """The files of a train job, of a random network on the map of two blobs."""
    folder.mkdir(parents=True)
    torch.manual_seed(1)
    network = FieldNetwork(encoding_directions(FieldParameters(), BOX, 1), 2, units, 2, 1 if domain == "hartley" else 2)
    np.savez(folder / "field.npz", **network.plain(), amplitude=AMPLITUDE, radius=np.float32(RADIUS))
    for name in ("map.mrc", "rigid_map.mrc"):
        write_map(folder / name, two_blobs(), PIXEL)
    latents = white(300, 2).astype(np.float32)
    np.savez(folder / "latents.npz", z=latents, precision=np.tile(9 * np.eye(2, dtype=np.float32), (300, 1, 1)))
    about = {"format": "flexrec-field", "version": 1, "latent_dims": 2, "box": BOX, "pixel_size": PIXEL, "epoch": 3,
             "particles": 300, "epochs": 10, "prepared": "../001-prep", "stage_box": BOX}  # fmt: skip
    (folder / "model.json").write_text(json.dumps(about))
    return network


@pytest.fixture
def folder(tmp_path):
    make_field(tmp_path / "003-train", "fourier")
    return tmp_path / "003-train"


@pytest.mark.parametrize("domain", ["fourier", "hartley"])
def test_the_map_is_that_of_the_network_in_torch(tmp_path, domain):
    network = make_field(tmp_path / "train", domain)
    model, z = open_model(tmp_path / "train"), [0.5, -1.0]
    assert (model.kind, model.moving, model.latent_dims, model.box, model.epoch) == ("field", None, 2, BOX, 3)
    change = field_volume(network, torch.from_numpy(AMPLITUDE), RADIUS, BOX, torch.tensor(z), 1000).numpy()
    assert np.abs(change).max() > 0.01
    assert np.allclose(model.decode(z) - two_blobs(), change, atol=1e-4 * np.abs(change).max())
    other = model.decode([-2.0, 1.0]) - model.decode(z)
    assert np.linalg.norm(other) > 0.05 * np.linalg.norm(change)
    with pytest.raises(InputError, match="z has 3 numbers"):
        model.decode([1, 2, 3])


def test_a_coarser_model_decodes_the_cropped_map(folder):
    model = open_model(folder)
    coarse = model.coarser(16)
    assert coarse.pixel_size == pytest.approx(2 * PIXEL)
    of_ball = resample_box(model.decode([1, 0.5]), 16)
    made = coarse.decode([1, 0.5])
    assert np.corrcoef(made.ravel(), of_ball.ravel())[0, 1] > 0.98
    assert np.allclose(coarse.rigid, resample_box(two_blobs(), 16), atol=1e-4)


def test_a_quick_map_has_the_low_frequencies(tmp_path):
    make_field(tmp_path / "train", "fourier", 1024)
    model = open_model(tmp_path / "train")
    full, quick = model.decode([1, 1]), model.decode([1, 1], DecodeOptions(quick=True))
    assert not np.allclose(full, quick, atol=1e-4 * np.abs(full).max())
    low = [np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(volume)))[12:21, 12:21, 12:21] for volume in (full, quick)]
    assert np.abs(low[0] - low[1]).max() < 0.02 * np.abs(low[0]).max()


def test_neither_torch_nor_numba_is_needed(folder):
    code = f"""
import sys
from chimerax.flexrec.models import open_model
open_model({str(folder)!r}).decode([1, 0])
print(*{{"torch", "numba"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_the_engine_process_decodes_it_and_maps_are_generated(folder):
    answers = ModelAnswers("numpy")
    facts, _ = answers.answer("open", {"model": "m", "path": str(folder)}, None)
    assert (facts["kind"], facts["vertices"]) == ("field", 0)
    _, volume = answers.answer("decode", {"model": "m", "z": [0.5, 0]}, None)
    assert np.allclose(volume, open_model(folder).decode([0.5, 0]), atol=1e-5)
    with pytest.raises(InputError, match="a field model moves nothing"):
        answers.answer("vertices", {"model": "m", "z": [0.5, 0]}, None)
    assert flexrec(folder.parent, "generate", "--model", folder, "--along", "z1", "--frames", 3) == 0
    assert len(list(folder.parent.glob("*-generate/map_*.mrc"))) == 3


@pytest.mark.parametrize("name", ["map.mrc", "rigid_map.mrc", "field.npz", "latents.npz"])
def test_half_a_model_is_refused(folder, name):
    refuses_half(folder, name)


def test_what_does_not_fit_is_refused(folder, tmp_path):
    refuses_claims(shutil.copytree(folder, tmp_path / "more"), {"box": 64, "stage_box": BOX}, "not those of 64 pixels")
    with np.load(folder / "field.npz") as file:
        arrays = {name: file[name] for name in file.files}
    for change, complaint in (
        ({"matrix_1": arrays["matrix_1"][:5]}, "layers that do not fit"),
        ({"offset_1": arrays["offset_1"] * np.nan}, "not finite"),
        ({"directions": arrays["directions"][:, :2]}, "directions"),
        ({"radius": np.float32(0)}, "a radius that is none"),
    ):
        np.savez(folder / "field.npz", **{**arrays, **change})
        with pytest.raises(InputError, match=complaint):
            open_model(folder)
    del arrays["amplitude"]
    np.savez(folder / "field.npz", **arrays)
    with pytest.raises(InputError, match="lacks amplitude"):
        open_model(folder)
