"""The files of a trained model, checked as they are read: one sentence for what is missing, broken or does not fit."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..mesh.map_files import read_map
from ..mesh.map_place import read_centre


def stage_pixel_size(about: dict) -> float:
    """Å per voxel of the maps: while training runs from coarse to fine, they have the box of the stage it is in."""
    return float(about["pixel_size"]) * about["box"] / about["stage_box"]


def read_latents(path: Path, latent_dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Latents ``(n, K)`` and precision ``(n, K, K)``, float32; some particles' may be no numbers, not all."""
    arrays = read_arrays(present(path))
    for name, dims in {"z": 2, "precision": 3}.items():
        fits = name in arrays and arrays[name].ndim == dims and arrays[name].dtype.kind == "f"
        if not fits or arrays[name].shape[1:] != (latent_dims,) * (dims - 1):
            raise unfit(path, f"has no fitting {name}")
    z, precision = arrays["z"].astype(np.float32), arrays["precision"].astype(np.float32)
    if len(z) != len(precision) or not len(z):
        raise unfit(path, f"has {len(z)} points and {len(precision)} precisions")
    if not np.isfinite(z).all(axis=1).any():
        raise InputError(f"{path}: no particle's latents are numbers, so there is nothing to show; train again.")
    return z, precision


def read_stage(folder: Path, about: dict) -> dict[str, Any]:
    """What every model has of the stage that training is in, by the names of `interface.Model`."""
    latents, precision = read_latents(folder / "latents.npz", about["latent_dims"])
    return {
        "latents": latents,
        "precision": precision,
        "volume": read_stage_map(folder / "map.mrc", about),
        "box": about["stage_box"],
        "pixel_size": stage_pixel_size(about),
        "centre": read_centre(folder / "map.mrc", stage_pixel_size(about)),
        "latent_dims": about["latent_dims"],
        "epoch": about["epoch"],
        "epochs": about["epochs"],
    }


def read_stage_map(path: Path, about: dict) -> np.ndarray:
    """A map ``(N, N, N)`` float32 of the box that model.json names."""
    volume, _ = read_map(present(path), stage_pixel_size(about))
    if volume.shape[0] != about["stage_box"]:
        raise unfit(path, f"has {volume.shape[0]} voxels on a side where model.json says {about['stage_box']}")
    return volume


def present(path: Path) -> Path:
    """The path; ``InputError`` where nothing is there."""
    if not path.exists():
        raise InputError(f"{path}: is missing from the model; copy the folder again, or train again.")
    return path


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz file, by name; pickled ones are refused."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise unfit(path, f"cannot be read ({error})") from error


def unfit(path: Path, problem: str) -> InputError:
    """What to raise where a file is not what it should be."""
    return InputError(f"{path}: {problem}; copy the folder again, or train again.")
