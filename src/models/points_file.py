"""Latent points in files: an array of a .npz or .npy, a table of numbers, or a path of FlexRec (.json)."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

from ..errors import InputError

PATH_FORMAT, PATH_VERSION = "flexrec-path", 1


def read_points(path: Path, dims: int) -> np.ndarray:
    """Latent points ``(m, K)`` float32.

    Of a .npz (array z), a .npy, a path saved by FlexRec (.json), or a table of numbers, whose first line may be a
    heading if there is no number in it. ``InputError`` where the file is none of these, or its points have not
    ``dims`` numbers each.
    """
    read = {".npz": _read_npz, ".npy": _read_npy, ".json": _read_json}.get(path.suffix.lower(), _read_table)
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
    text = path.read_text(encoding="utf-8-sig").replace("−", "-")
    rows = [(number, _fields(line.split("#")[0])) for number, line in enumerate(text.splitlines(), 1)]
    rows = [row for row in rows if row[1]]
    if rows and all(_is_title(field) for field in rows[0][1]):
        rows = rows[1:]
    for number, fields in rows:
        wrong = [field for field in fields if not _is_number(field)]
        if wrong:
            raise ValueError(f"line {number}: '{wrong[0]}' is no number" if wrong[0] else f"line {number} has a gap")
        if len(fields) != len(rows[0][1]):
            raise ValueError(f"line {number} has {len(fields)} numbers, line {rows[0][0]} has {len(rows[0][1])}")
    return np.array([[float(field) for field in fields] for _, fields in rows])


def _fields(line: str) -> list[str]:
    """The fields of a line: parted by semicolons, commas being decimal then, or else by commas, or else by blanks.

    One that is missing between two separators is an empty field.
    """
    separator = next((one for one in ";," if one in line), None)
    fields = [field.strip().strip("\"'") for field in line.split(separator)]
    if separator and not fields[-1]:
        fields.pop()
    return [field.replace(",", ".") for field in fields] if separator == ";" else fields


def _is_title(field: str) -> bool:
    """Whether a field may be that of a heading: a mistyped number must not pass for one."""
    return not field or (any(map(str.isalpha, field)) and not _is_number(field))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
