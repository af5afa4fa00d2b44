"""The latent points that a ``generate`` job was asked for, series by series."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ...models import Model
from ...models.latent_points import Series, points_at
from ...models.motion import principal_steps
from ...models.points_file import read_points
from ...models.reach import Reach
from .generate_parameters import GenerateParameters

MOST_MAPS = 5000
DEFAULT_SERIES = 3


def requested_series(parameters: GenerateParameters, model: Model) -> tuple[Series, ...]:
    """Everything that was asked for, in the order at, path, along, grid; by default the strongest motions."""
    low, high = _range(parameters.range)
    requested: list[Series] = []
    if parameters.at:
        requested.append(Series("at", _within_reach(points_at(parameters.at, model.latent_dims), model)))
    if parameters.path is not None:
        points = read_points(parameters.path, model.latent_dims)
        requested.append(Series(parameters.path.name, _within_reach(points, model)))
    along = parameters.along
    if not along and not requested and parameters.grid is None:
        along = tuple(f"pc{k + 1}" for k in range(min(model.latent_dims, DEFAULT_SERIES)))
    if along:
        steps = _steps(along, model)
        requested += [Series(name, _line(name, steps, model, parameters.frames, low, high)) for name in along]
    if parameters.grid is not None:
        requested.append(Series("grid", _grid(parameters.grid, model.latents, low, high)))
    count = sum(len(series.z) for series in requested)
    if count > MOST_MAPS:
        raise InputError(f"That would be {count} maps, and a job makes {MOST_MAPS} at most; ask for fewer.")
    return tuple(requested)


def _range(given: tuple[float, ...]) -> tuple[float, float]:
    if len(given) != 2 or not given[0] < given[1]:
        raise InputError("range: give two percentiles, the lower one first, such as 2,98.")
    return given[0], given[1]


def _within_reach(points: np.ndarray, model: Model) -> np.ndarray:
    return Reach.of(model.latents).within(model.checked(points))


def _steps(along: tuple[str, ...], model: Model) -> dict[str, np.ndarray]:
    """Latent steps ``(K,)`` by name: z1, z2, … and, where one is named, pc1, pc2, …"""
    steps = {f"z{k}": step for k, step in enumerate(np.eye(model.latent_dims), 1)}
    if any(name.startswith("pc") for name in along):
        steps |= {f"pc{k}": step for k, step in enumerate(principal_steps(model), 1)}
    return steps


def _line(
    name: str, steps: dict[str, np.ndarray], model: Model, frames: int, low: float, high: float
) -> np.ndarray:
    """Points ``(frames, K)`` on a line from percentile to percentile, the middle one at the median."""
    if name not in steps:
        dims = model.latent_dims
        raise InputError(f"along: {name!r} must be one of z1 to z{dims} or pc1 to pc{dims}.")
    step = steps[name]
    middle = np.median(model.latents, axis=0)
    place = (model.latents - middle) @ step / (step @ step)
    ends = np.percentile(place, (low, high))
    # on either side of the median at even steps, so that it is a frame itself though data lean to one side
    before = np.linspace(min(ends[0], 0), 0, frames // 2 + 1)[:-1]
    after = np.linspace(0, max(ends[1], 0), frames // 2 + 1)[1:]
    along = np.concatenate([before, [0], after]) if frames % 2 else np.linspace(ends[0], ends[1], frames)
    return (middle + along[:, None] * step).astype(np.float32)


def _grid(count: int, latents: np.ndarray, low: float, high: float) -> np.ndarray:
    """Points ``(count ** K, K)``, the last axis fastest."""
    dims = latents.shape[1]
    if count**dims > MOST_MAPS:
        raise InputError(f"grid: {count} points along {dims} axes make {count**dims} maps; {MOST_MAPS} are allowed.")
    lowest, highest = np.percentile(latents, (low, high), axis=0)
    axes = [np.linspace(lowest[k], highest[k], count) for k in range(dims)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dims).astype(np.float32)
