"""Latent points in files: an array of a .npz or .npy, a table of numbers, or a path of FlexRec (.json)."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import numpy as np

from ..errors import InputError

PATH_FORMAT, PATH_VERSION = "flexrec-path", 1


def read_points(path: Path, dims: int) -> np.ndarray:
    """Latent points ``(m, K)`` float32.

    Of a .npz (array z), a .npy, a path saved by FlexRec (.json), or a table of numbers, whose first line may be a
    heading. ``InputError`` where the file is none of these, or its points have not ``dims`` numbers each.
    """
    read = {".npz": _read_npz, ".npy": _read_npy, ".json": _read_json}.get(path.suffix.lower(), _read_table)
    try:
        points = read(path)
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
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


def _read_npy(path: Path) -> np.ndarray:
    return np.asarray(np.load(path, allow_pickle=False), float)


def _read_json(path: Path) -> np.ndarray:
    values = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict) or values.get("format") != PATH_FORMAT:
        raise ValueError(f"it is no '{PATH_FORMAT}'")
    if values.get("version") != PATH_VERSION:
        raise ValueError(f"its version is {values.get('version')}, and this FlexRec reads {PATH_VERSION}")
    return np.asarray(values.get("z"), float)


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
