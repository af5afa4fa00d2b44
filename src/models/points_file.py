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
    text = path.read_text(encoding="utf-8-sig").replace("−", "-")
    rows = [(number, _fields(line.split("#")[0])) for number, line in enumerate(text.splitlines(), 1)]
    rows = [row for row in rows if row[1]]
    columns = None
    if rows and all(_is_title(field) for field in rows[0][1]):
        columns = _columns_of(rows.pop(0)[1], axes)
    for number, fields in rows:
        wrong = [field for field in fields if not _is_number(field)]
        if wrong:
            raise ValueError(f"line {number}: '{wrong[0]}' is no number" if wrong[0] else f"line {number} has a gap")
        if len(fields) != len(rows[0][1]):
            raise ValueError(f"line {number} has {len(fields)} numbers, line {rows[0][0]} has {len(rows[0][1])}")
    points = np.array([[float(field) for field in fields] for _, fields in rows])
    return points if columns is None or not len(points) else points[:, columns]


def _columns_of(heading: Sequence[str], axes: Sequence[str]) -> list[int] | None:
    """Where a heading has the axes; None where its words are no axes at all, and the columns are as they stand."""
    words = [word.lower() for word in heading]
    wanted = [axis.strip().lower() for axis in axes]
    if all(words.count(axis) == 1 for axis in wanted):
        return [words.index(axis) for axis in wanted]
    if any(_AXIS.fullmatch(word) for word in words):
        raise ValueError(f"its heading has {', '.join(heading)}, and {', '.join(axes)} are needed, each once")
    return None


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
