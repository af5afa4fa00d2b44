"""A path through latent space: the states of a movie, in order."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..atomic import atomic_path
from ..errors import InputError
from ..models.points_file import PATH_FORMAT, PATH_VERSION, read_points
from .metric import Motion
from .playback import MOST_FRAMES

_FINE = 400  # points at which the motion along a path is measured: its length is then right to a part in 100,000


@dataclass(frozen=True, eq=False)
class LatentPath:
    """States in order.

    Attributes
    ----------
    z : ``(f, K)`` float32, one latent point per frame.
    name : what a person calls it. kind : straight, component, graph or file.
    """

    z: np.ndarray
    name: str
    kind: str

    def __len__(self) -> int:
        return len(self.z)

    def point(self, place: float) -> np.ndarray:
        """The latent point ``(K,)`` at ``place`` from 0 (first frame) to 1 (last), between frames too."""
        at = min(max(place, 0.0), 1.0) * (len(self.z) - 1)
        low = min(int(at), max(len(self.z) - 2, 0))
        high = min(low + 1, len(self.z) - 1)
        return self.z[low] + (at - low) * (self.z[high] - self.z[low])

    def length(self, motion: Motion | None = None) -> float:
        """Its length: in ångströms of motion, or in latent units where there is no ``motion``."""
        if len(self.z) < 2:
            return 0.0
        return float(_steps(_finer(self.z.astype(float)), motion).sum())


def at_constant_speed(corners: np.ndarray, frames: int, motion: Motion | None = None) -> np.ndarray:
    """``(frames, K)`` float32 points on the polyline through ``corners`` ``(m, K)``, the first and the last among them.

    Each step is as long as every other: in ångströms of motion, or in latent units where there is no ``motion``. Where
    nothing moves between two corners, no time is spent there.
    """
    if not 2 <= frames <= MOST_FRAMES:
        raise InputError(f"A path has two to {MOST_FRAMES} frames, not {frames}.")
    corners = np.asarray(corners, float)
    if len(corners) < 2:
        raise InputError("A path needs two points or more; give another one.")
    fine = _finer(corners)
    way = np.concatenate([[0], np.cumsum(_steps(fine, motion))])
    if way[-1] <= 0:
        raise InputError("The path has no length: all its points show the same state; give points that differ.")
    stops = np.linspace(0, way[-1], frames)
    return np.stack([np.interp(stops, way, axis) for axis in fine.T], axis=1).astype(np.float32)


def _steps(z: np.ndarray, motion: Motion | None) -> np.ndarray:
    return np.linalg.norm(np.diff(z, axis=0), axis=1) if motion is None else motion.steps(z)


def _finer(corners: np.ndarray) -> np.ndarray:
    """More points ``(about _FINE, K)`` on the same polyline, its corners among them."""
    pieces = len(corners) - 1
    per_piece = max(1, _FINE // pieces)
    place = np.arange(pieces * per_piece + 1) / per_piece
    return np.stack([np.interp(place, np.arange(len(corners)), axis) for axis in corners.T], axis=1)


def save_path(file: str | os.PathLike[str], path: LatentPath, length: float | None = None, unit: str = "") -> None:
    """Write a path as JSON, which ``flexrec generate --path`` reads; ``length`` is for a person's information."""
    # the fewest digits that bring single precision back
    points = [[float(str(value)) for value in point] for point in np.asarray(path.z, np.float32)]
    record = {
        "format": PATH_FORMAT, "version": PATH_VERSION, "name": path.name, "kind": path.kind, "length": length,
        "unit": unit, "z": points,
    }  # fmt: skip
    file = Path(file)
    if file.suffix.lower() != ".json":
        raise InputError(f"{file}: a path is written as .json; give it a name that ends so.")
    if not file.parent.is_dir():
        raise InputError(f"{file}: there is no folder {file.parent}; make it first.")
    with atomic_path(file) as temporary:
        temporary.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_path(file: str | os.PathLike[str], dims: int) -> LatentPath:
    """A path from JSON, or points of a table, .npz or .npy in their order: see `models.points_file.read_points`."""
    file = Path(file)
    z = read_points(file, dims)
    name, kind = file.name, "file"
    if file.suffix.lower() == ".json":
        record = json.loads(file.read_text(encoding="utf-8"))
        name, kind = str(record.get("name", name)), str(record.get("kind", kind))
    return LatentPath(z, name, kind)
