"""Which particles of two files are the same image: by cryoSPARC's uid, or by the image's name and number, never by row.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from .columns import text_of
from .cs_table import field_names
from .particles import Particles
from .stack_paths import split_name

_MOST_IMAGES = 1 << 33  # in a stack, so that its number and an image's fit into one integer


@dataclass(frozen=True, eq=False)
class Keys:
    """What n images are known by; each is None where it is not known.

    Attributes
    ----------
    uid : ``(n,)`` uint64 of cryoSPARC's. stacks : names of stacks. stack : ``(n,)`` which of them. index : ``(n,)``
        numbers in it, from 0.
    """

    uid: np.ndarray | None = None
    stacks: tuple[str, ...] = ()
    stack: np.ndarray | None = None
    index: np.ndarray | None = None

    @classmethod
    def of(cls, particles: Particles) -> Keys:
        """Of particles; two names of one stack are one."""
        uid = particles.columns["uid"] if "uid" in particles.columns else None
        if uid is not None and uid.dtype.kind not in "iu":
            uid = None
        stacks = tuple(os.path.realpath(path) for path in particles.stacks)
        return cls(None if uid is None else uid.astype(np.uint64), stacks, particles.stack, particles.index)

    @classmethod
    def of_table(cls, table: np.ndarray) -> Keys | None:
        """Of a structured table of cryoSPARC's, its paths as they stand there; None where it names no images."""
        names = field_names(table)
        uid = table["uid"].astype(np.uint64) if "uid" in names and table["uid"].dtype.kind in "iu" else None
        if {"blob/path", "blob/idx"} <= set(names) and table["blob/path"].dtype.kind in "SU":
            paths, stack = np.unique(table["blob/path"], return_inverse=True)
            texts = [text_of(path) if isinstance(path, bytes) else path for path in paths.tolist()]
            index = table["blob/idx"].astype(np.int64)
            return cls(uid, tuple(text.lstrip(">") for text in texts), stack.ravel(), index)
        return None if uid is None else cls(uid)

    @classmethod
    def of_names(cls, images: Sequence[str], uid: np.ndarray | None = None) -> Keys:
        """Of names as RELION writes them: 000001@stack.mrcs; one without a number is the first of its stack."""
        parts = [split_name(str(image)) for image in images]
        stacks, stack = np.unique([path for _, path in parts], return_inverse=True)
        return cls(uid, tuple(stacks.tolist()), stack.ravel(), np.array([int(number or 1) - 1 for number, _ in parts]))

    def take(self, rows: np.ndarray) -> Keys:
        """The keys of the rows ``rows`` (index array or boolean mask)."""
        uid, stack, index = (None if values is None else values[rows] for values in (self.uid, self.stack, self.index))
        return Keys(uid, self.stacks, stack, index)


@dataclass(frozen=True, eq=False)
class Match:
    """``first``, ``second`` ``(m,)``: rows of the same images in two files. ``by`` : how they were told, in words.
    ``shortened`` : whether by a part of their stacks' paths only, which other images may share.
    """

    first: np.ndarray
    second: np.ndarray
    by: str
    shortened: bool = False

    def __len__(self) -> int:
        return len(self.first)


def matched(first: Keys, second: Keys) -> Match:
    """The images that both have, each once: of copies of one image in a file the first.

    By uid where both have it and share any; else by the path of the stack and the number in it; else, as stacks may
    have been moved, by as many of the path's last names as are needed, the most at first.
    """
    if first.uid is not None and second.uid is not None:
        match = _common(first.uid, second.uid, "uid")
        if len(match):
            return match
    match = _by_name(first, second, 0, "the stack's path and the number in it")
    depth = max(map(_depth, (*first.stacks, *second.stacks)), default=0)
    while not len(match) and depth > 0:
        names = "name" if depth == 1 else f"last {depth} names"
        match = _by_name(first, second, depth, f"the {names} of the stack's path and the number in it")
        depth -= 1
    return match


def _by_name(first: Keys, second: Keys, depth: int, by: str) -> Match:
    """By the last ``depth`` names of the stacks' paths, or all where it is 0; none where two stacks would be one."""
    numbers: dict[str, int] = {}
    codes = []
    for keys in (first, second):
        names = [_shortened(stack, depth) if depth else stack for stack in keys.stacks]
        if keys.stack is None or keys.index is None or len(set(names)) < len(set(keys.stacks)):
            return Match(np.empty(0, int), np.empty(0, int), by, depth > 0)
        code = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)
        codes.append(code[keys.stack] * _MOST_IMAGES + keys.index)
    return _common(codes[0], codes[1], by, depth > 0)


def _common(first: np.ndarray, second: np.ndarray, by: str, shortened: bool = False) -> Match:
    _, rows, others = np.intersect1d(first, second, return_indices=True)
    order = np.argsort(rows)
    return Match(rows[order], others[order], by, shortened)


def _depth(path: str) -> int:
    return len(PurePosixPath(path).parts)


def _shortened(path: str, depth: int) -> str:
    """The last names of a path, without the suffix: a link to an .mrc is named .mrcs."""
    return "/".join(PurePosixPath(path).with_suffix("").parts[-depth:])
