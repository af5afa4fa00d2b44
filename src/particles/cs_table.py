"""The table of a cryoSPARC .cs file: a numpy structured array, read without pickle, its fields of expected kinds."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ..errors import InputError

_COMPRESSED = b"\x95CSDAT"
_LONGEST_HEADER = 1_000_000  # bytes; numpy's own bound is reached by jobs with some hundred fields


def load_cs(path: Path) -> np.ndarray:
    """The (n,) structured array of a .cs file; ``InputError`` where it is not one (or would need a pickle)."""
    if _begins_with(path, _COMPRESSED):
        raise InputError(f"{path}: is in cryoSPARC's compressed format, which FlexRec does not read; write it as a "
                         "plain .cs with cryosparc-tools (Dataset.load, then save), or give an exported "
                         "one.")  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            # mapped first: a file that announces more than it holds is refused before memory is taken for it
            mapped = np.load(path, mmap_mode="r", allow_pickle=False, max_header_size=_LONGEST_HEADER)
            data = np.array(mapped) if isinstance(mapped, np.ndarray) else None
    except Exception as error:  # noqa: BLE001 - what Python's parser makes of a damaged header can be anything
        raise InputError(f"{path}: not a readable cryoSPARC .cs file ({_message(error)}); export it again.") from None
    if data is None or data.dtype.names is None or data.ndim != 1:
        raise InputError(f"{path}: not a cryoSPARC .cs file (no table of fields); export it again.")
    return data


def _begins_with(path: Path, letters: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(letters)) == letters
    except OSError:
        return False


def _message(error: Exception) -> str:
    """The first line of an error, or what it means here: numpy advises to trust a pickle."""
    message = (str(error).splitlines() or [type(error).__name__])[0][:200]
    pickled = "it holds a pickle, which could run code"
    plain = {"pickle": pickled, "Python objects": pickled, "mmap length": "it ends before the last particle"}
    return next((meaning for words, meaning in plain.items() if words in message), message)


def field_names(data: np.ndarray) -> tuple[str, ...]:
    """The fields of a structured array."""
    return data.dtype.names or ()


def joined_by_uid(path: Path, data: np.ndarray, other: Path, without: str = "") -> np.ndarray:
    """The table of ``path`` with the fields that it lacks from another file, particle by particle by their uid.

    cryoSPARC keeps what a job did not change in a second, "passthrough" file. ``without`` : how fields begin that are
    not taken from there. ``InputError`` where a particle is not in both, or not told from others of its uid.
    """
    more = load_cs(other)
    if "uid" not in field_names(data) or "uid" not in field_names(more):
        return data
    new = [name for name in field_names(more) if name not in field_names(data)]
    new = [name for name in new if not (without and name.startswith(without))]
    rows = _rows_of_uid(path, data["uid"], more, other, new)
    joined = np.empty(len(data), [*((name, data.dtype[name]) for name in field_names(data)),
                                  *((name, more.dtype[name]) for name in new)])  # fmt: skip
    for name in field_names(data):
        joined[name] = data[name]
    for name in new:
        joined[name] = more[name][rows]
    return joined


def _rows_of_uid(path: Path, uid: np.ndarray, more: np.ndarray, other: Path, new: list[str]) -> np.ndarray:
    """``(n,)``, which row of ``more`` each uid is. Copies of one uid, as where symmetry was expanded outside of
    cryoSPARC, are told by their rows where both tables have them alike; else their ``new`` fields must be the same.
    """
    if np.array_equal(more["uid"], uid):
        return np.arange(len(uid))
    order = np.argsort(more["uid"], kind="stable")
    sorted_uid = more["uid"][order]
    place = np.searchsorted(sorted_uid, uid)
    rows = order[np.minimum(place, len(order) - 1)] if len(order) else order
    if len(rows) != len(uid) or (more["uid"][rows] != uid).any():
        raise InputError(f"{other}: lacks particles of {path.name}; the two are of different jobs, copy them again.")
    again = np.flatnonzero((sorted_uid[1:] == sorted_uid[:-1]) & np.isin(sorted_uid[1:], uid))
    for name in new:
        values = more[name]
        if values[order[again]].tobytes() != values[order[again + 1]].tobytes():
            raise InputError(f"{other}: has several particles of one uid, in another order than {path.name}, so it is "
                             f"not known whose {name} is whose; export the two from one job.")  # fmt: skip
    return rows


def check_fields(path: Path, data: np.ndarray, shapes: dict[str, tuple[int, ...]], whole: set[str]) -> None:
    """``InputError`` for a field that is there, but not numbers of this shape for each particle, or not whole ones."""
    for name in set(shapes) & set(field_names(data)):
        shape, kind = data[name].shape[1:], data[name].dtype.kind
        if shape != shapes[name] or kind not in ("iu" if name in whole else "fiub"):
            wanted = "whole number" if name in whole else "number"
            wanted = f"{shapes[name][0]} {wanted}s" if shapes[name] else f"one {wanted}"
            raise InputError(f"{path}: the field {name} is {data.dtype[name]}, not {wanted} for each particle; export "
                             "the particles again.")  # fmt: skip
