"""A trained flow model read from disk: torch's numbers without torch, moved points, refusals."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.models import open_model
from trained_models import BOX, make_trained, refuses_claims, refuses_half


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return make_trained(tmp_path_factory.mktemp("project") / "003-train")


def test_vertices_are_those_of_the_torch_flow(trained):
    folder, flow = trained
    z = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)
    with torch.no_grad():
        wanted = flow(torch.from_numpy(z)).numpy()
    model = open_model(folder)
    assert np.ptp(wanted, axis=0).max() > 3  # Å: there is something to get wrong
    assert np.abs(model.vertices(z) - wanted).max() < 1e-4
    assert np.abs(model.vertices(z[0]) - wanted[0]).max() < 1e-4
    assert model.vertices(z.reshape(7, 1, 2)).shape == (7, 1, *wanted.shape[1:])
    assert len(model.flow.moving) == 1  # a part turns about its joint, too


def test_one_latent_dimension_takes_a_plain_number(tmp_path):
    folder, flow = make_trained(tmp_path / "train", latent_dims=1)
    model = open_model(folder / "model.json")
    with torch.no_grad():
        wanted = flow(torch.tensor([[0.7]])).numpy()[0]
    assert np.abs(model.vertices(0.7) - wanted).max() < 1e-4


def test_reading_a_model_needs_no_torch(trained):
    code = f"""
import sys
sys.modules["torch"] = sys.modules["numba"] = None
from chimerax.flexrec.models import open_model
model = open_model({str(trained[0])!r})
print(model.decode(model.latents[0]).sum(), model.volume.sum())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    moved, still = map(float, done.stdout.split())
    assert moved == pytest.approx(still, rel=1e-3)


def test_points_on_vertices_move_as_the_vertices(trained):
    model = open_model(trained[0])
    z = model.latents[3]
    moved = model.displace(z, model.mesh.vertices)
    assert np.abs(moved - model.vertices(z)).max() < 1e-3
    middles = model.mesh.centroids()
    wanted = model.vertices(z)[model.mesh.cells].mean(axis=1)
    assert np.abs(model.displace(z, middles) - wanted).max() < 1e-3


def test_anchored_points_follow_many_states_at_once(trained):
    model = open_model(trained[0])
    points = np.random.default_rng(2).normal(scale=12, size=(20, 3))
    anchors = model.anchor(points)
    many = anchors.follow(model.vertices(model.latents[:4]))
    assert many.shape == (4, 20, 3)
    assert np.abs(many[2] - model.displace(model.latents[2], points)).max() < 1e-4
    assert np.abs(anchors.follow(model.mesh.vertices) - points).max() < 1e-3


def test_a_z_of_the_wrong_length_is_refused(trained):
    model = open_model(trained[0])
    with pytest.raises(InputError, match="z has 3 numbers, and the model has 2"):
        model.decode([0.0, 0.0, 0.0])
    with pytest.raises(InputError, match="z has 1 numbers"):
        model.vertices(0.5)
    with pytest.raises(InputError, match="not a number"):
        model.vertices([0.5, np.nan])


def test_folders_without_a_model_say_why(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        open_model(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no FlexRec project"):
        open_model(tmp_path)
    (tmp_path / "job.json").write_text('{"verb": "train"}')
    with pytest.raises(InputError, match="not written a model yet"):
        open_model(tmp_path)
    (tmp_path / "job.json").write_text('{"verb": "mesh"}')
    with pytest.raises(InputError, match="a mesh job has no model"):
        open_model(tmp_path)


@pytest.fixture
def broken(trained, tmp_path):
    return shutil.copytree(trained[0], tmp_path / "train")


@pytest.mark.parametrize("change, complaint", [
    ({"format": "other"}, "not a model of FlexRec"),
    ({"format": []}, "not a model of FlexRec"),
    ({"version": 2}, "has version 2"),
    ({"box": "32"}, "nothing usable about box"),
    ({"stage_box": 64}, "32 voxels on a side where model.json says 64"),
    ({"latent_dims": 3}, "not for 3 latent dimensions"),
])  # fmt: skip
def test_a_model_of_another_format_is_refused(broken, change, complaint):
    refuses_claims(broken, change, complaint)


@pytest.mark.parametrize("name", ["mesh.npz", "flow.npz", "latents.npz", "map.mrc"])
def test_half_a_model_is_refused(broken, name):
    refuses_half(broken, name)


@pytest.mark.parametrize("name, array", [
    ("network.2.weight", np.zeros((5, 5), np.float32)),
    ("modes", np.zeros((9, 12), np.float32)),
    ("order", np.array([0, 7])),
    ("linear.weight", np.full((21, 2), np.nan, np.float32)),
    ("pivot", None),
])  # fmt: skip
def test_a_flow_that_does_not_hold_together_is_refused(broken, name, array):
    with np.load(broken / "flow.npz") as file:
        state = dict(file)
    assert name in state
    state[name] = array
    np.savez(broken / "flow.npz", **{key: value for key, value in state.items() if value is not None})
    with pytest.raises(InputError, match="flow.npz"):
        open_model(broken)


def test_a_model_that_changes_while_it_is_read_is_read_again(broken, monkeypatch):
    from chimerax.flexrec.models import opening

    read, seen = opening._READERS["flexrec-flow"], []

    def write_between(folder, about):
        seen.append(about["epoch"])
        if len(seen) == 1:
            (folder / "model.json").write_text(json.dumps({**about, "epoch": 4, "epochs": 11}))
        return read(folder, about)

    monkeypatch.setitem(opening._READERS, "flexrec-flow", write_between)
    assert open_model(broken).epoch == 4 and seen == [3, 4]
    assert open_model(broken).volume.shape == (BOX,) * 3


def test_a_model_in_its_coarse_stage_has_the_stages_map(broken):
    about = json.loads((broken / "model.json").read_text())
    (broken / "model.json").write_text(json.dumps({**about, "box": 2 * BOX, "pixel_size": about["pixel_size"] / 2}))
    model = open_model(broken)
    assert model.box == BOX and model.pixel_size == about["pixel_size"]
