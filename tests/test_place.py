"""From the consensus to the maps of a trained model, everything lies where the consensus' header puts it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.cli.program import main
from chimerax.flexrec.decoder_process.answers import ModelAnswers
from chimerax.flexrec.decoder_process.messages import packed
from chimerax.flexrec.mesh import load_mesh, save_mesh
from chimerax.flexrec.mesh.map_place import read_centre
from chimerax.flexrec.models import open_model
from scipy.ndimage import map_coordinates

pytestmark = pytest.mark.blank_pictures()

BOX, PIXEL, CROP = 40, 6.4, 36  # of the consensus; prep leaves less, so that no box begins where the consensus does
TRAIN = ("--latent-dims", 1, "--epochs", 1, "--batch-size", 32)
FLOW = ("--modes", 8, "--hidden-units", 8)


def flexrec(project: Path, verb: str, *words: object) -> None:
    assert main([verb, "--project", str(project), *map(str, words)]) == 0


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Path:
    """A project with particles and their consensus."""
    project = tmp_path_factory.mktemp("place") / "project"
    project.mkdir()
    flexrec(project, "simulate", "--hinges", "fab1: ±15", "--particles", 60, "--box", BOX, "--pixel-size", PIXEL,
            "--snr", 1, "--seed", 5, "--threads", 1)  # fmt: skip
    return project


@pytest.fixture(params=["origin", "start", "zero"])
def project(request, simulated, tmp_path) -> Path:
    """A copy, in whose consensus the header has an origin, a start, or neither."""
    project = shutil.copytree(simulated, tmp_path / "project")
    with mrcfile.open(project / "001-simulate" / "consensus.mrc", "r+") as file:
        if request.param == "origin":
            file.header.origin = (31.5, -20.0, 7.25)
        if request.param == "start":
            file.header.nxstart, file.header.nystart, file.header.nzstart = -20, 11, 3
    return project


def values_at(path: Path, points: np.ndarray) -> np.ndarray:
    """The values of an MRC file at points ``(m, 3)`` Å xyz of space, by trilinear interpolation."""
    with mrcfile.open(path) as file:
        origin = np.array([file.header.origin[name] for name in "xyz"], float)
        start = np.array([file.header[f"n{name}start"] for name in "xyz"], float)
        step = np.array([file.voxel_size[name] for name in "xyz"], float)
        origin = origin if origin.any() else start * step
        return map_coordinates(file.data, ((points - origin) / step)[:, ::-1].T, order=1)


def strong_points(path: Path, count: int = 600) -> np.ndarray:
    """The densest voxels of an MRC file with an origin, ``(m, 3)`` Å xyz."""
    with mrcfile.open(path) as file:
        flat = np.argsort(file.data.ravel())[-count:]
        voxels = np.stack(np.unravel_index(flat, file.data.shape), axis=1)[:, ::-1]
        return voxels * float(file.voxel_size.x) + [float(file.header.origin[name]) for name in "xyz"]


def lies_on(path: Path, consensus: Path) -> bool:
    """Whether a map is like the consensus where both are in space, and less so anywhere near."""
    points = strong_points(path)
    values = values_at(path, points)

    def likeness(shift) -> float:
        return float(np.corrcoef(values, values_at(consensus, points + shift))[0, 1])

    there = likeness(np.zeros(3))
    near = [likeness(sign * PIXEL * np.eye(3)[axis]) for axis in range(3) for sign in (-1, 1)]
    return there > 0.7 and there > max(near)


def test_maps_lie_on_the_consensus(project):
    consensus = project / "001-simulate" / "consensus.mrc"
    flexrec(project, "prep", "--particles", project / "001-simulate", "--consensus", consensus, "--crop", CROP,
            "--box", 24, "--workers", 1)  # fmt: skip
    flexrec(project, "mesh", "--consensus", consensus, "--box", 32, "--coarseness", 8)
    flexrec(project, "train", *TRAIN, *FLOW)
    flexrec(project, "generate", "--frames", 2)
    flexrec(project, "train", *TRAIN, "--decoder", "linear")
    flexrec(project, "generate", "--frames", 2)
    flexrec(project, "reconstruct")
    (project / "003-mesh").rename(project / "no mesh")
    flexrec(project, "reconstruct")
    (project / "no mesh").rename(project / "003-mesh")
    for name in ("002-prep/backprojection", "003-mesh/consensus", "004-train/map", "005-generate/map_000",
                 "006-train/map", "007-generate/map_001", "008-reconstruct/map", "009-reconstruct/map"):  # fmt: skip
        assert lies_on(project / f"{name}.mrc", consensus), name
    # noise, or no molecule: beside one that was looked at
    beside = {"003-mesh/consensus": ("003-mesh/mask", "003-mesh/parts"),
              "004-train/map": ("004-train/half_map_1", "004-train/half_map_2", "006-train/component_1")}  # fmt: skip
    for known, others in beside.items():
        for name in others:
            assert (read_centre(project / f"{name}.mrc") == read_centre(project / f"{known}.mrc")).all(), name
    for job in ("004-train", "006-train"):
        answers = ModelAnswers("numpy")
        told, _ = answers.answer("open", {"model": "m", "path": str(project / job)}, None)
        assert json.loads(packed(told)[0])["centre"] == open_model(project / job).centre.tolist()
        assert np.allclose(told["centre"], load_mesh(project / "003-mesh" / "mesh.npz").centre, atol=1e-3)


def test_a_model_of_an_older_mesh_begins_at_zero(simulated, tmp_path):
    project = shutil.copytree(simulated, tmp_path / "project")
    flexrec(project, "prep", "--particles", project / "001-simulate", "--crop", CROP, "--box", 24, "--workers", 1)
    flexrec(project, "mesh", "--consensus", project / "001-simulate" / "consensus.mrc", "--coarseness", 8)
    path = project / "003-mesh" / "mesh.npz"
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if name != "centre"}
    np.savez(path, **arrays)
    flexrec(project, "train", *TRAIN, *FLOW)
    model = open_model(project / "004-train")
    assert np.allclose(model.centre, model.box // 2 * model.pixel_size, atol=1e-6)
    with mrcfile.open(project / "004-train" / "map.mrc") as file:
        assert not any(file.header.origin[name] for name in "xyz")
    flexrec(project, "generate", "--frames", 2)
    with mrcfile.open(project / "005-generate" / "map_000.mrc") as file:
        assert np.allclose([file.header.origin[name] for name in "xyz"], 0, atol=1e-4)
    save_mesh(tmp_path / "again.npz", load_mesh(path))
    assert load_mesh(tmp_path / "again.npz").centre is None
