"""A train job's folder, made from real parts without training: what the tests of models and generate read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.classes.simplex import corners
from chimerax.flexrec.engine.decoders.flow.flow_network import Flow, build_motion_basis
from chimerax.flexrec.engine.decoders.occupancy.occupancy_flow import OccupancyFlow
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.mesh import build_mesh, save_mesh
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.mesh.pieces import cut_parts
from chimerax.flexrec.mesh.regions import group_regions
from chimerax.flexrec.models import open_model
from mesh_shapes import ball, blurred, dumbbell, voxel_grid

BOX, PIXEL = 32, 3.0


def two_blobs(box: int = BOX) -> np.ndarray:
    """Smooth density in two balls of unlike height, joined by a rod; (box, box, box) float32, zero far away."""
    scale = box / 32
    body = blurred(dumbbell(box, 5 * scale, 7 * scale, 2.5 * scale), 1.3 * scale)
    x, y, _ = voxel_grid(box)
    waves = 0.4 * np.sin(x / scale) * np.cos(0.8 * y / scale)
    texture = 1 + waves + 0.3 * blurred(ball(box, 3 * scale, (7 * scale, 0, 0)))
    return np.where(body > 0.02, body * texture, 0).astype(np.float32)


def two_part_mesh(volume: np.ndarray, pixel_size: float = PIXEL, coarseness: int = 8):
    """The mesh of a map that is zero outside its mask: left half part 0, right half part 1, joined."""
    mask = volume != 0
    labels = np.where(mask, voxel_grid(len(mask))[0] > 0, -1).astype(int)
    return build_mesh(mask, pixel_size, coarseness, labels, ((0, 1),))


def random_flow(
    mesh, latent_dims: int = 2, motion: float = 0.4, seed: int = 0, network: type[Flow] = Flow
) -> Flow:
    """A flow with random weights, whose motions are of the order of ``motion`` times ten ångströms."""
    torch.manual_seed(seed)
    basis = build_motion_basis(mesh, np.ones(len(mesh.vertices)), 6)
    flow = network(basis, latent_dims, hidden_units=12, hidden_layers=2)
    with torch.no_grad():
        for weight in (flow.linear.weight, flow.network[-1].weight):
            weight.normal_(0, motion)
    return flow


def set_rigid(flow: Flow, rotation: np.ndarray, translation: np.ndarray) -> None:
    """Make the flow, whatever z, turn the whole about the origin and shift it: Å."""
    with torch.no_grad():
        rest = flow.vertices.double()
        wanted = (rest @ torch.from_numpy(rotation).T + torch.from_numpy(translation) - rest).reshape(-1)
        # the first six modes are the rigid motions, but a large turn is not linear: move the vertices through new modes
        flow.modes = torch.stack([wanted.float()], dim=1)
        outputs = 1 + 9 * len(flow.moving)
        flow.linear = torch.nn.Linear(flow.latent_dims, outputs, bias=False)
        flow.network[-1] = torch.nn.Linear(flow.network[-1].in_features, outputs)
        for tensor in (flow.linear.weight, flow.network[-1].weight, flow.network[-1].bias):
            tensor.zero_()
        flow.network[-1].bias[0] = 0.25  # times AMPLITUDE


def set_sliding(flow: Flow, sizes: tuple[float, ...]) -> None:
    """Make the flow shift the whole: by ``sizes[k]`` Å along axis k of space for each unit of latent k."""
    with torch.no_grad():
        flow.modes = torch.eye(3).repeat(len(flow.vertices), 1)
        outputs = 3 + 9 * len(flow.moving)
        flow.linear = torch.nn.Linear(flow.latent_dims, outputs, bias=False)
        flow.network[-1] = torch.nn.Linear(flow.network[-1].in_features, outputs)
        for tensor in (flow.linear.weight, flow.network[-1].weight, flow.network[-1].bias):
            tensor.zero_()
        for k, size in enumerate(sizes):
            flow.linear.weight[k, k] = size / 4  # times AMPLITUDE


def save_trained(folder: Path, mesh, flow: Flow, volume: np.ndarray, latents: np.ndarray, **about) -> Path:
    """Write the files of a train job; ``centre``, Å xyz, is where the map's voxel N//2 lies."""
    folder.mkdir(parents=True, exist_ok=True)
    save_mesh(folder / "mesh.npz", mesh)
    state = {name: tensor.detach().numpy() for name, tensor in flow.state_dict().items()}
    np.savez(folder / "flow.npz", **state, parent=np.array(flow.parent), order=np.array(flow.order))
    k = flow.latent_dims
    np.savez(
        folder / "latents.npz",
        z=latents.astype(np.float32),
        precision=np.tile(9 * np.eye(latents.shape[1], dtype=np.float32), (len(latents), 1, 1)),
    )
    pixel_size = about.pop("pixel_size", PIXEL)
    write_map(folder / "map.mrc", volume, pixel_size, about.pop("centre", None))
    record = {
        "format": "flexrec-flow", "version": 1, "latent_dims": k, "hidden_units": 12, "hidden_layers": 2,
        "box": len(volume), "pixel_size": pixel_size, "particles": len(latents), "epoch": 3, "epochs": 10,
        "prepared": "../001-prep", "stage_box": len(volume), **about,
    }  # fmt: skip
    (folder / "model.json").write_text(json.dumps(record))
    return folder


def white(count: int, dims: int, seed: int = 1) -> np.ndarray:
    """Latent points of zero mean and unit covariance."""
    z = np.random.default_rng(seed).standard_normal((count, dims))
    z -= z.mean(axis=0)
    return z @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T, bias=True).reshape(dims, dims))).T


def make_trained(folder: Path, latent_dims: int = 2, motion: float = 0.4, **about) -> tuple[Path, Flow]:
    """A folder with random motions of two blobs, and the torch flow behind it."""
    volume = two_blobs()
    mesh = two_part_mesh(volume)
    flow = random_flow(mesh, latent_dims, motion)
    return save_trained(folder, mesh, flow, volume, white(300, latent_dims), **about), flow


def make_sliding(folder: Path, sizes: tuple[float, ...], latents: np.ndarray, **about) -> Path:
    """A folder in which the whole molecule slides by known ångströms: see ``set_sliding``."""
    volume = two_blobs()
    mesh = two_part_mesh(volume)
    flow = random_flow(mesh, len(sizes))
    set_sliding(flow, sizes)
    return save_trained(folder, mesh, flow, volume, latents, **about)


def make_linear(folder: Path, latent_dims: int = 2, latents: np.ndarray | None = None, **about) -> Path:
    """A folder with a linear model of two blobs, whose components are one blob each, and waves."""
    folder.mkdir(parents=True, exist_ok=True)
    volume = two_blobs()
    x, y, z = voxel_grid(BOX)
    shapes = [x > 0, x <= 0, np.sin(y), np.cos(z)]
    for k in range(latent_dims):
        write_map(folder / f"component_{k + 1}.mrc", 0.3 / (k + 1) * volume * shapes[k], PIXEL)
    write_map(folder / "map.mrc", volume, PIXEL)
    latents = white(300, latent_dims) if latents is None else latents
    precision = np.tile(9 * np.eye(latent_dims, dtype=np.float32), (len(latents), 1, 1))
    np.savez(folder / "latents.npz", z=latents.astype(np.float32), precision=precision)
    record = {
        "format": "flexrec-linear", "version": 1, "latent_dims": latent_dims, "box": BOX, "pixel_size": PIXEL,
        "particles": len(latents), "epoch": 3, "epochs": 10, "prepared": "../001-prep", "stage_box": BOX, **about,
    }  # fmt: skip
    (folder / "model.json").write_text(json.dumps(record))
    return folder


def make_occupancy(folder: Path) -> Path:
    """A folder with a motion along z1, and along z2 a piece of the second of two blobs that comes and goes."""
    volume = two_blobs()
    mesh = two_part_mesh(volume)
    pieces = cut_parts(mesh, np.ones(len(mesh.vertices)))
    along = pieces.share.T @ mesh.vertices[:, 0] / pieces.share.sum(axis=0)
    far = [piece for piece in pieces.of_parts[1] if along[piece] > 15]
    flow = random_flow(mesh, motion=0.2, network=OccupancyFlow)
    flow.divide(group_regions(pieces, [far]).regions)
    flow.presence.let_fade(2, 0.5, torch.tensor([0.0, 1.0]))
    return save_trained(folder, mesh, flow, volume, white(300, 2), format="flexrec-occupancy")


def make_moving_classes(folder: Path) -> Path:
    """A folder with a motion of one latent dimension that carries two classes, one of them without a blob."""
    volume = two_blobs()
    mesh = two_part_mesh(volume)
    shares = np.tile(np.eye(2), (150, 1))
    latents = np.concatenate([white(300, 1), shares @ corners(2)], axis=1)
    save_trained(folder, mesh, random_flow(mesh, 1), volume, latents, format="flexrec-moving-classes", classes=2,
                 latent_dims=1)  # fmt: skip
    half = voxel_grid(BOX)[0] > 0
    write_map(folder / "class_1.mrc", volume * half, PIXEL)
    write_map(folder / "class_2.mrc", volume, PIXEL)
    return folder


def refuses_half(folder: Path, name: str) -> None:
    """Check that a model is not opened with the half of a file, nor without it."""
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=name):
        open_model(folder)
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: is missing"):
        open_model(folder)


def refuses_claims(folder: Path, change: dict, complaint: str) -> None:
    """Check that a model is not opened whose model.json says something else."""
    about = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**about, **change}))
    with pytest.raises(InputError, match=complaint):
        open_model(folder)
