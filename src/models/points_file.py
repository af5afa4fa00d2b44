"""Latent points in files: an array of a .npz or .npy, a table of numbers, or a path of FlexRec (.json)."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError

PATH_FORMAT, PATH_VERSION = "flexrec-path", 1
_AXIS = re.compile(r"(z|pc)\d+")


def read_points(path: Path, dims: int, axes: Sequence[str] = ()) -> np.ndarray:
    """Latent points ``(m, K)`` float32.

    Of a .npz (array z), a .npy, a path saved by FlexRec (.json), or a table of numbers, whose first line may be a
    heading: columns that it names ``axes`` (by default z1 … zK) are taken in the order of these, whatever else the
    table has; of an outline, ``axes`` are the plot's. ``InputError`` where the file is none of these, or its points
    have not ``dims`` numbers each.
    """
    if path.is_dir() or not path.exists():
        raise InputError(f"{path}: cannot be read as points, as there is no such file; name another.")
    axes = axes or tuple(f"z{k}" for k in range(1, dims + 1))
    read = {".npz": _read_npz, ".npy": _read_npy, ".json": _read_json}.get(
        path.suffix.lower(), lambda table: _read_table(table, axes))  # fmt: skip
    try:
        points = read(path)
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read as points ({error}); give a table, .npy, .npz or .json.") from error
    if points.ndim == 1:
        points = points.reshape(-1, 1) if dims == 1 else points[None]
    if points.ndim != 2 or points.shape[1] != dims or not len(points):
        raise InputError(f"{path}: holds an array of shape {points.shape}; (points, {dims}) is needed.")
    if not np.isfinite(points).all():
        raise InputError(f"{path}: holds a value that is not a number; mend the file.")
    return points.astype(np.float32)


def _read_npz(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as file:
        if "z" not in file.files:
            raise ValueError("it has no array z")
        return _real(file["z"])


def _read_npy(path: Path) -> np.ndarray:
    return _real(np.load(path, allow_pickle=False))


def _real(values: np.ndarray) -> np.ndarray:
    if np.iscomplexobj(values):
        raise ValueError("its numbers are complex")
    return np.asarray(values, float)


def _read_json(path: Path) -> np.ndarray:
    values = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict) or values.get("format") != PATH_FORMAT:
        raise ValueError(f"it is no '{PATH_FORMAT}'")
    if values.get("version") != PATH_VERSION:
        raise ValueError(f"its version is {values.get('version')}, and this FlexRec reads {PATH_VERSION}")
    return np.asarray(values.get("z"), float)


def _read_table(path: Path, axes: Sequence[str]) -> np.ndarray:
    # utf-8-sig: a mark that spreadsheets put first would make a heading of the first row
    lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    rows = [re.split(r"\s*[,;]\s*|\s+", re.sub(r"[,;]$", "", line)) for line in lines if line]
    columns = None
    if rows and not any(map(_is_number, rows[0])):
        columns = _columns_of(rows.pop(0), axes)
    for number, row in enumerate(rows, 1):
        if "" in row or len(row) != len(rows[0]):
            raise ValueError(f"row {number} has a gap, or not as many numbers as the first")
    points = np.array([[float(word) for word in row] for row in rows])
    return points if columns is None or not len(points) else points[:, columns]


def _columns_of(heading: Sequence[str], axes: Sequence[str]) -> list[int] | None:
    """Where a heading has the axes; None where its words are no axes at all, and the columns are as they stand."""
    words = [word.strip("\"'").lower() for word in heading]
    wanted = [axis.strip().lower() for axis in axes]
    if all(words.count(axis) == 1 for axis in wanted):
        return [words.index(axis) for axis in wanted]
    if any(_AXIS.fullmatch(word) for word in words):
        raise ValueError(f"its heading has {', '.join(heading)}, and {', '.join(axes)} are needed, each once")
    return None


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
