"""Read a flow model from the folder of a train job, finished or still running."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..mesh.maps import read_map
from ..mesh.storage import load_mesh
from .flow_arrays import MOTION, FlowArrays
from .flow_model import FlowModel

FORMAT, VERSION = "flexrec-flow", 1
_FILES = ("model.json", "mesh.npz", "flow.npz", "latents.npz", "map.mrc")
_TRIES = 4  # a training run may write a checkpoint between two of our files


def open_model(path: str | os.PathLike[str]) -> FlowModel:
    """The model of a train job's newest checkpoint; ``path`` is the job's folder, or any file in it.

    ``InputError`` where there is none, where it is of another format, or where its files do not fit together.
    """
    folder = _folder(Path(path))
    for _ in range(_TRIES):
        before = _stamps(folder)
        try:
            model = _read(folder, _read_about(folder))
        except InputError:
            # perhaps only because training replaced some of the files while we read them
            if _stamps(folder) == before:
                raise
            continue
        if _stamps(folder) == before:
            return model
    raise InputError(f"{folder}: the model changes while it is read; try again.")


def _stamps(folder: Path) -> list[tuple[int, int] | None]:
    """Which files are there, and when each was replaced."""
    found = [os.stat(folder / name) if (folder / name).exists() else None for name in _FILES]
    return [None if stat is None else (stat.st_ino, stat.st_mtime_ns) for stat in found]


def _folder(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path}: there is no such folder; give that of a train job.")
    return path if path.is_dir() else path.parent


def _read_about(folder: Path) -> dict:
    """What model.json says."""
    path = folder / "model.json"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(_why_none(folder)) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); train again, or copy the folder again.") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise InputError(f"{path}: not a flow model of FlexRec ('{FORMAT}'); give the folder of a train job.")
    if about.get("version") != VERSION:
        raise InputError(f"{path}: has version {about.get('version')}; this FlexRec reads {VERSION}; use a newer one.")
    for name in ("latent_dims", "box", "stage_box", "pixel_size", "epoch", "epochs"):
        value = about.get(name)
        whole = isinstance(value, int) or (name == "pixel_size" and isinstance(value, float))
        if not whole or value < (0 if name == "epoch" else 1e-3):
            raise InputError(f"{path}: says nothing usable about {name}; train again, or copy the folder again.")
    return about


def _why_none(folder: Path) -> str:
    """Whether training has not got so far, or this is no train job at all."""
    try:
        verb = json.loads((folder / "job.json").read_text(encoding="utf-8")).get("verb")
    except (OSError, ValueError, AttributeError):
        verb = None
    if verb == "train":
        return f"{folder}: training has not written a model yet; wait for the end of its first epoch."
    if verb:
        return f"{folder}: a {verb} job has no model; give the folder of a train job."
    return f"{folder}: has no model.json; give the folder of a train job."


def _read(folder: Path, about: dict) -> FlowModel:
    mesh = load_mesh(_present(folder / "mesh.npz"))
    flow = _read_flow(_present(folder / "flow.npz"), about["latent_dims"])
    if flow.vertices.shape != mesh.vertices.shape:
        raise _unfit(folder / "flow.npz", "moves another number of vertices than mesh.npz has")
    latents = _read_arrays(_present(folder / "latents.npz"))
    for name, dims in {"z": 2, "precision": 3}.items():
        if name not in latents or latents[name].shape[1:] != (about["latent_dims"],) * (dims - 1):
            raise _unfit(folder / "latents.npz", f"has no fitting {name}")
    # while training runs from coarse to fine, the map has the box of the stage it is in
    box, path = about["stage_box"], _present(folder / "map.mrc")
    pixel_size = float(about["pixel_size"]) * about["box"] / box
    volume, _ = read_map(path, pixel_size)
    if volume.shape[0] != box:
        raise _unfit(path, f"has {volume.shape[0]} voxels on a side where model.json says {box}")
    return FlowModel(
        mesh=mesh,
        flow=flow,
        latents=latents["z"].astype(np.float32),
        precision=latents["precision"].astype(np.float32),
        volume=volume,
        box=box,
        pixel_size=pixel_size,
        latent_dims=about["latent_dims"],
        epoch=about["epoch"],
        epochs=about["epochs"],
    )


def _read_flow(path: Path, latent_dims: int) -> FlowArrays:
    try:
        flow = FlowArrays.from_state(_read_arrays(path))
    except KeyError as error:
        raise _unfit(path, f"lacks {error.args[0]}") from None
    for problem, found in _problems(flow, latent_dims):
        if found:
            raise _unfit(path, problem)
    return flow


def _problems(flow: FlowArrays, latent_dims: int):
    vertices, parts = len(flow.vertices), len(flow.parent)
    yield "has vertices that are not an (n, 3) array", flow.vertices.shape != (vertices, 3)
    yield "has modes of another mesh", flow.modes.ndim != 2 or len(flow.modes) != 3 * vertices
    yield (
        "has parts that do not fit",
        not (
            flow.membership.shape == (vertices, parts)
            and flow.pivot.shape == (parts, 3)
            and flow.reach.shape == flow.order.shape == (parts,)
            and sorted(flow.order.tolist()) == list(range(parts))
            and flow.parent.max(initial=-1) < parts
        ),
    )
    yield f"is not for {latent_dims} latent dimensions", flow.linear.ndim != 2 or flow.linear.shape[1] != latent_dims
    yield "has no network", not flow.layers
    widths = [latent_dims, *(weight.shape[0] for weight, _ in flow.layers)]
    yield (
        "has a network whose layers do not fit",
        any(
            weight.shape != (after, before) or bias.shape != (after,)
            for (weight, bias), before, after in zip(flow.layers, widths, widths[1:])
        ),
    )
    outputs = flow.modes.shape[1] + MOTION * len(flow.moving)
    yield "has another number of outputs than motions", not (len(flow.linear) == widths[-1] == outputs)
    arrays = (flow.vertices, flow.modes, flow.linear, *(array for layer in flow.layers for array in layer))
    yield "holds numbers that are not finite", not all(np.isfinite(array).all() for array in arrays)


def _present(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path}: is missing from the model; copy the folder again, or train again.")
    return path


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise _unfit(path, f"cannot be read ({error})") from error


def _unfit(path: Path, problem: str) -> InputError:
    return InputError(f"{path}: {problem}; copy the folder again, or train again.")
