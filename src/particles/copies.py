"""Which particles are copies of one image: rows joined twice, picks extracted again, symmetry expansion.

Copies share their noise: two halves of the particles that each hold one agree in it, and the agreement says nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from .particles import Particles

IMAGE = "flexrecSourceImage"  # prepared particles' column: equal for particles made of one image
_PLACES = (
    ("rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ"),
    ("location/micrograph_uid", "location/center_x_frac", "location/center_y_frac"),
)
_NAMES = ("uid", "sym_expand/src_uid")
_MOST_OF_A_PICK = 8  # different images; more of them, and the column was only filled with something


def image_numbers(particles: Particles, digest: np.ndarray | None = None) -> np.ndarray:
    """``(n,)`` int64: the first row that has each particle's image; every row's own number where there are no copies.

    Copies have the same stack and number, the same place in the same micrograph, the same ``uid`` of cryoSPARC, or the
    same pixels, where ``digest`` ``(n,)`` of them is given; or prep has found them to be copies (`IMAGE`).
    """
    number = _first_rows(_codes((_real_stacks(particles), particles.index)))
    if IMAGE in particles.columns:  # numbers of one prep job, so of one stack
        number = _joined(number, _codes((_real_stacks(particles), particles.columns[IMAGE])))
    if digest is not None:
        number = _joined(number, _codes((digest,)))
    for key in _picks(particles):
        if _most_different(number, key) <= _MOST_OF_A_PICK:
            number = _joined(number, key)
    return number


def copies(image: np.ndarray) -> np.ndarray:
    """``(n,)`` bool: particles whose ``image`` is that of an earlier one."""
    return image != np.arange(len(image))


def _real_stacks(particles: Particles) -> np.ndarray:
    """``(n,)``: the number of each particle's stack, the same for two names of one file."""
    _, real = np.unique([os.path.realpath(path) for path in particles.stacks], return_inverse=True)
    return real.ravel()[particles.stack]


def _picks(particles: Particles) -> Iterator[np.ndarray]:
    """Codes ``(n,)`` of what was picked, as the programs whose columns are there tell it."""
    columns = particles.columns
    for names in _PLACES:
        if all(name in columns for name in names[:3]):
            yield _codes(tuple(columns[name] for name in names if name in columns))
    yield from (_codes((columns[name],)) for name in _NAMES if name in columns)


def _codes(columns: tuple[np.ndarray, ...]) -> np.ndarray:
    """``(n,)`` int64: equal where all columns are equal. A value that is no number equals itself alone."""
    code = np.zeros(len(columns[0]), np.int64)
    for values in columns:
        values = _numbered(values) if values.dtype == object else values
        _, number = np.unique(values, return_inverse=True, equal_nan=False)
        _, code = np.unique(code * (len(values) + 1) + number.ravel(), return_inverse=True)
    return code.ravel()


def _numbered(texts: np.ndarray) -> np.ndarray:
    numbers: dict[str, int] = {}
    return np.fromiter((numbers.setdefault(text, len(numbers)) for text in texts.tolist()), np.int64, len(texts))


def _first_rows(code: np.ndarray) -> np.ndarray:
    _, first, which = np.unique(code, return_index=True, return_inverse=True)
    return first[which.ravel()].astype(np.int64)


def _joined(number: np.ndarray, code: np.ndarray) -> np.ndarray:
    """``number`` with the images that share a ``code`` made one."""
    first = _first_rows(code)
    if np.array_equal(number[first], number):  # nothing that was not one already
        return number
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(number)
    rows = np.concatenate([np.arange(count), np.arange(count)])
    links = coo_array((np.ones(2 * count, np.int8), (rows, np.concatenate([number, first]))), (count, count))
    return _first_rows(connected_components(links, directed=False)[1])


def _most_different(number: np.ndarray, code: np.ndarray) -> int:
    """How many different images share a code, at most."""
    pairs = np.unique(np.stack([code, number], -1), axis=0)
    return int(np.bincount(pairs[:, 0]).max())
