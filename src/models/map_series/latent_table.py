"""Tables of latent points, one in each row, with the map or the image that it is of: .csv, .tsv, .npz, .npy."""

from __future__ import annotations

import csv
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...particles.image_match import Keys

MAP_SUFFIXES = (".mrc", ".map", ".ccp4")
SUFFIXES = (".csv", ".tsv", ".npz", ".npy")
POINT_FILES = ("z_values.txt", "centers.txt", "latent_coords.txt")  # cryoDRGN's and RECOVAR's, beside their maps
_MAPS = ("map", "volume", "file", "maps", "volumes", "files")
_IMAGES = ("image", "images", "rlnimagename")
_COUNTS = ("index", "number", "row", "id", "")  # of rows; pandas' own has no name
_NO_COORDINATES = ("distance", "outside", "series", *_COUNTS)  # of FlexRec's and others' tables
_AXIS = re.compile(r"z_?(\d+)")
_DECIMAL_COMMA = re.compile(r"([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)")
_LARGEST_TEXT = 1 << 28  # bytes


@dataclass(frozen=True, eq=False)
class LatentTable:
    """What a file says.

    Attributes
    ----------
    file : it. z : ``(m, K)`` float32. maps : ``(m,)`` names of files, or None. images : ``(m,)`` names as RELION has
        them, 000001@stack, or None. uid : ``(m,)`` uint64, cryoSPARC's, or None. axes : names of the columns that
        were taken for coordinates because they hold numbers alone, where none is named z1, z2 ….
    """

    file: Path
    z: np.ndarray
    maps: np.ndarray | None = None
    images: np.ndarray | None = None
    uid: np.ndarray | None = None
    axes: tuple[str, ...] = ()

    @property
    def of_particles(self) -> bool:
        """Whether it says that its rows are images."""
        return self.images is not None or self.uid is not None

    @property
    def keys(self) -> Keys:
        """What the images are known by."""
        return Keys(self.uid) if self.images is None else Keys.of_names(self.images.tolist(), self.uid)


def read_table(file: Path) -> LatentTable:
    """``InputError``, a sentence, where the file holds no table of numbers, or its columns are not of one length."""
    try:
        columns = {".npz": _npz, ".npy": _npy}.get(file.suffix.lower(), _text)(file)
        table = LatentTable(file, **columns)
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, csv.Error) as error:
        raise InputError(f"{file}: cannot be read as a table of latent points ({_brief(error)}); write one point in "
                         "each row, or put it elsewhere if it is none.") from None  # fmt: skip
    if table.z.ndim != 2 or not table.z.size:
        raise InputError(f"{file}: holds an array of shape {table.z.shape}; (points, dimensions) is needed.")
    for name in ("maps", "images", "uid"):
        values = getattr(table, name)
        if values is not None and (values.ndim != 1 or len(values) != len(table.z)):
            raise InputError(f"{file}: has {len(table.z)} points, and {name} of shape {values.shape}; give one of "
                             "these for each point.")  # fmt: skip
    return table


def row_count(file: Path) -> int | None:
    """How many points a file has, or None where that is not known without reading a large one: for sniffing.

    Of an .npz only the heads of its arrays are read, of a table of text one of less than a megabyte.
    """
    try:
        if file.suffix.lower() == ".npy":
            with open(file, "rb") as opened:
                return _head(opened)[0]
        if file.suffix.lower() == ".npz":
            with zipfile.ZipFile(file) as archive:
                name = next((name for name in archive.namelist() if name.lower() == "z.npy"), "z.npy")
                with archive.open(name) as opened:
                    return _head(opened)[0]
        return len(read_table(file).z) if file.stat().st_size < 1 << 20 else None
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, InputError):
        return None


def _head(opened) -> tuple[int, ...]:
    version = np.lib.format.read_magic(opened)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    return read(opened)[0]


def _npz(file: Path) -> dict[str, Any]:
    with np.load(file, allow_pickle=False) as arrays:
        names = {name.lower(): name for name in arrays.files}
        if "z" not in names:
            raise ValueError("it has no array z")
        columns = {"z": _points(arrays[names["z"]])}
        for column, known in {"maps": _MAPS, "images": _IMAGES}.items():
            for name in known:
                if name in names:
                    columns[column] = arrays[names[name]].astype(str)
        if "uid" in names:
            columns["uid"] = _uids(arrays[names["uid"]])
    return columns


def _npy(file: Path) -> dict[str, Any]:
    return {"z": _points(np.load(file, allow_pickle=False))}


def _text(file: Path) -> dict[str, Any]:
    if file.stat().st_size > _LARGEST_TEXT:
        raise ValueError("it is too large for text; write an .npz with an array z")
    text = file.read_text(encoding="utf-8-sig")
    if "\0" in text:
        raise ValueError("it is no text")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    # a comma that stands beside one of the others is a decimal one
    separator = next((mark for mark in "\t;," if lines and mark in lines[0]), None)
    rows = list(csv.reader(lines, delimiter=separator)) if separator else [line.split() for line in lines]
    rows = [[cell.strip() for cell in row] for row in rows]
    if separator in ("\t", ";"):
        rows = [[_DECIMAL_COMMA.sub(r"\1.\2", cell) if _DECIMAL_COMMA.fullmatch(cell) else cell for cell in row]
                for row in rows]  # fmt: skip
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise ValueError("its rows are not of one length")
    return _columns(rows[1:], [cell.lower() for cell in rows[0]]) if _is_head(rows[0]) else _headless(rows)


def _is_head(cells: list[str]) -> bool:
    """Whether a table's first row names its columns. A name of a map and numbers are a point, not a head; but numbers
    after an empty cell, or beside the word map, are how pandas names columns that have no names.
    """
    words = [cell.lower() for cell in cells if _number(cell) is None]
    known = {*_MAPS, *_IMAGES, *_NO_COORDINATES, "uid"} - {""}
    return bool(words) and (len(words) == len(cells) or not cells[0] or not known.isdisjoint(words))


def _headless(rows: list[list[str]]) -> dict[str, Any]:
    """Of a table whose columns have no names: numbers, and perhaps one column of names of maps or of images."""
    columns = list(zip(*rows))
    words = [column for column in columns if any(_number(cell) is None for cell in column)]
    if len(words) > 1:
        raise ValueError("its first row does not name its columns, and several hold words")
    result: dict[str, Any] = {}
    if words:
        result["images" if all("@" in cell for cell in words[0]) else "maps"] = np.array(words[0])
    numbers = [column for column in columns if column not in words]
    return {**result, "z": np.array(numbers, float).astype(np.float32).T}


def _columns(rows: list[list[str]], head: list[str]) -> dict[str, Any]:
    by_name = dict(zip(head, np.array(rows, str).reshape(-1, len(head)).T))
    columns: dict[str, Any] = {}
    for column, known in {"maps": _MAPS, "images": _IMAGES}.items():
        for name in known:
            if name in by_name:
                columns[column] = by_name.pop(name)
    if not {"maps", "images"} & set(columns) and "uid" not in by_name:
        for name in [name for name, words in by_name.items() if _are_maps(words)][:1]:
            columns["maps"] = by_name.pop(name)  # whatever heads it: its rows need not be in the maps' order
    if not columns and "uid" not in by_name:  # rows are all that is left to tell whose a point is
        _refuse_disorder(by_name)
    if "uid" in by_name:
        columns["uid"] = np.array([int(word) for word in by_name.pop("uid")], np.uint64)
    axes = sorted((name for name in by_name if _AXIS.fullmatch(name)), key=_axis_number)
    if not axes:
        axes = [name for name, words in by_name.items()
                if name not in _NO_COORDINATES and all(_number(word) is not None for word in words)]  # fmt: skip
        columns["axes"] = tuple(axes)
    if not axes:
        raise ValueError("no column holds numbers alone")
    columns["z"] = np.stack([_floats(by_name[name]) for name in axes], axis=1)
    return columns


def _refuse_disorder(by_name: dict[str, np.ndarray]) -> None:
    """``ValueError`` where a column counts the rows in another order, as of a table that was sorted by a value."""
    for name in [name for name in _COUNTS if name in by_name]:
        words = by_name[name].tolist()
        if not all(re.fullmatch(r"\d{1,18}", word) for word in words):
            continue
        counts = [int(word) for word in words]
        ordered = sorted(counts)
        if ordered != counts and ordered == list(range(ordered[0], ordered[0] + len(counts))):
            what = f"the column {name}" if name else "its first column"
            raise ValueError(f"its rows are not in the order of {what}, so it is not known which is of which; sort "
                             "them, or add a column map or image")  # fmt: skip


def _are_maps(words: np.ndarray) -> bool:
    return len(words) > 0 and all(word.lower().endswith(MAP_SUFFIXES) for word in words)


def _axis_number(name: str) -> int:
    match = _AXIS.fullmatch(name)
    assert match is not None
    return int(match[1])


def _floats(words: np.ndarray) -> np.ndarray:
    """Float32; an empty cell is no number, as tables that pandas has written have it."""
    return np.where(words == "", "nan", words).astype(np.float32)


def _points(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "fiu":
        raise ValueError(f"z is of {values.dtype}, no numbers")
    return (values[:, None] if values.ndim == 1 else values).astype(np.float32)


def _uids(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "iu":
        raise ValueError(f"uid is of {values.dtype}, no whole numbers")
    return values.astype(np.uint64)


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
