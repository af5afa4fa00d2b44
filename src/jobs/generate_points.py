"""The latent points that a ``generate`` job was asked for, series by series."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..models.flow_model import FlowModel
from .generate import GenerateParameters

MOST_MAPS = 5000
DEFAULT_SERIES = 3
_SAMPLE = 400  # particles from whose motion the principal components are found


@dataclass(frozen=True)
class Series:
    """Latent points that belong together. name : as it was asked. z : ``(m, K)`` float32."""

    name: str
    z: np.ndarray


def asked_series(parameters: GenerateParameters, model: FlowModel) -> tuple[Series, ...]:
    """Everything that was asked for, in the order at, path, along, grid; by default the strongest motions."""
    low, high = _range(parameters.range)
    asked: list[Series] = []
    if parameters.at:
        asked.append(Series("at", _points_at(parameters.at, model.latent_dims)))
    if parameters.path is not None:
        asked.append(Series(parameters.path.name, model.checked(read_points(parameters.path, model.latent_dims))))
    along = parameters.along
    if not along and not asked and parameters.grid is None:
        along = tuple(f"pc{k + 1}" for k in range(min(model.latent_dims, DEFAULT_SERIES)))
    if along:
        principal = principal_motions(model) if any(name.startswith("pc") for name in along) else None
        asked += [Series(name, _line(name, principal, model, parameters.frames, low, high)) for name in along]
    if parameters.grid is not None:
        asked.append(Series("grid", _grid(parameters.grid, model.latents, low, high)))
    count = sum(len(series.z) for series in asked)
    if count > MOST_MAPS:
        raise InputError(f"That would be {count} maps, and a job makes {MOST_MAPS} at most; ask for fewer.")
    return tuple(asked)


def _range(given: tuple[float, ...]) -> tuple[float, float]:
    if len(given) != 2 or not given[0] < given[1]:
        raise InputError("range: give two percentiles, the lower one first, such as 2,98.")
    return given


def _points_at(numbers: tuple[float, ...], dims: int) -> np.ndarray:
    if len(numbers) % dims:
        raise InputError(
            f"at: {len(numbers)} numbers make no whole points, since the model has {dims} latent dimensions; "
            f"give {dims} for each."
        )
    return np.array(numbers, np.float32).reshape(-1, dims)


def read_points(path: Path, dims: int) -> np.ndarray:
    """Latent points ``(m, K)`` float32 of a .npz (array z) or a table of numbers, whose first line may be a heading."""
    try:
        points = _read_npz(path) if path.suffix.lower() == ".npz" else _read_table(path)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read as latent points ({error}); see --path.") from error
    if points.ndim == 1:
        points = points.reshape(-1, 1) if dims == 1 else points[None]
    if points.ndim != 2 or points.shape[1] != dims or not len(points):
        raise InputError(f"{path}: holds an array of shape {points.shape}; the model needs (points, {dims}).")
    if not np.isfinite(points).all():
        raise InputError(f"{path}: holds a value that is not a number; mend the file.")
    return points.astype(np.float32)


def _read_npz(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as file:
        if "z" not in file.files:
            raise ValueError("it has no array z")
        return np.asarray(file["z"], float)


def _read_table(path: Path) -> np.ndarray:
    lines = [re.split(r"[,;\s]+", line.split("#")[0].strip()) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [line for line in lines if line != [""]]
    if rows and not _is_number(rows[0][0]):
        rows = rows[1:]
    return np.array([[float(word) for word in row if word] for row in rows])


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _line(
    name: str, principal: np.ndarray | None, model: FlowModel, frames: int, low: float, high: float
) -> np.ndarray:
    """Points ``(frames, K)`` on a line from percentile to percentile, the middle one at the median."""
    found = re.fullmatch(r"(z|pc)(\d+)", name)
    dims = model.latent_dims
    if not found or not 1 <= int(found[2]) <= dims:
        raise InputError(f"along: {name!r} must be one of z1 to z{dims} or pc1 to pc{dims}.")
    step = (principal if found[1] == "pc" else np.eye(dims))[int(found[2]) - 1]
    middle = np.median(model.latents, axis=0)
    place = (model.latents - middle) @ step / (step @ step)
    ends = np.percentile(place, (low, high))
    # on either side of the median at even steps, so that it is a frame itself though data lean to one side
    before = np.linspace(min(ends[0], 0), 0, frames // 2 + 1)[:-1]
    after = np.linspace(0, max(ends[1], 0), frames // 2 + 1)[1:]
    along = np.concatenate([before, [0], after]) if frames % 2 else np.linspace(*ends, frames)
    return (middle + along[:, None] * step).astype(np.float32)


def principal_motions(model: FlowModel) -> np.ndarray:
    """Latent steps ``(K, K)``, one per row: along the first the particles spread most in ångströms, and so on.

    Trained latents are white, so their own principal components say nothing; what tells directions apart is how far
    the molecule moves. The vertices' displacements, weighted by the density they carry, are regressed on the latents of
    a sample of the particles, and the linear part is split into its principal components. The sign is such that
    the largest entry is positive.
    """
    latents = model.latents.astype(float)
    rows = np.linspace(0, len(latents) - 1, min(len(latents), _SAMPLE)).astype(int)
    moved = model.vertices(latents[rows]) * np.sqrt(vertex_mass(model))[:, None]
    moved = moved.reshape(len(rows), -1)
    centred = latents[rows] - latents[rows].mean(axis=0)
    slope = np.linalg.lstsq(centred, moved - moved.mean(axis=0), rcond=None)[0]
    spread = np.linalg.cholesky(np.cov(latents.T).reshape(len(slope), -1) + 1e-9 * np.eye(len(slope)))
    directions, _, _ = np.linalg.svd(spread.T @ slope, full_matrices=False)
    steps = (spread @ directions).T
    return steps * np.sign(steps[np.arange(len(steps)), np.abs(steps).argmax(axis=1)])[:, None]


def vertex_mass(model: FlowModel) -> np.ndarray:
    """Share ``(v,)`` of the map's absolute density that each vertex carries, summing to 1."""
    decoder = model.decoder
    of_cell = np.add.reduceat(np.abs(decoder.density), decoder.offsets[:-1])
    mass = np.bincount(decoder.corners.ravel(), np.repeat(of_cell, 4), len(model.mesh.vertices))
    return mass / max(mass.sum(), 1e-30)


def _grid(count: int, latents: np.ndarray, low: float, high: float) -> np.ndarray:
    """Points ``(count ** K, K)``, the last axis fastest."""
    dims = latents.shape[1]
    if count**dims > MOST_MAPS:
        raise InputError(f"grid: {count} points along {dims} axes make {count**dims} maps; {MOST_MAPS} are allowed.")
    axes = [np.linspace(*np.percentile(latents[:, k], (low, high)), count) for k in range(dims)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dims).astype(np.float32)
