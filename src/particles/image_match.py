"""Which particles of two files are the same image: by cryoSPARC's uid, or by the image's name and number, never by row.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from .columns import text_of
from .cs_table import field_names
from .particles import Particles
from .stack_paths import split_name


@dataclass(frozen=True, eq=False)
class Keys:
    """What images are known by: ``uid`` ``(n,)`` uint64 of cryoSPARC's, or None; ``name`` ``(n,)`` text, or None."""

    uid: np.ndarray | None
    name: np.ndarray | None

    @classmethod
    def of(cls, particles: Particles) -> Keys:
        """Of particles: the number in the stack, and the stack's path; two names of one file are one."""
        uid = particles.columns["uid"] if "uid" in particles.columns else None
        if uid is not None and uid.dtype.kind not in "iu":
            uid = None
        stacks = np.array([os.path.realpath(path) for path in particles.stacks], object)
        name = None if not len(stacks) else _numbered(stacks[particles.stack], particles.index)
        return cls(None if uid is None else uid.astype(np.uint64), name)

    @classmethod
    def of_table(cls, table: np.ndarray) -> Keys | None:
        """Of a structured table of cryoSPARC's, its paths as they stand there; None where it names no images."""
        names = field_names(table)
        uid = table["uid"] if "uid" in names and table["uid"].dtype.kind in "iu" else None
        name = None
        if {"blob/path", "blob/idx"} <= set(names) and table["blob/path"].dtype.kind in "SU":
            paths = [text_of(path) if isinstance(path, bytes) else path for path in table["blob/path"].tolist()]
            name = _numbered([path.lstrip(">") for path in paths], table["blob/idx"])
        if uid is None and name is None:
            return None
        return cls(None if uid is None else uid.astype(np.uint64), name)

    def take(self, rows: np.ndarray) -> Keys:
        """Of these rows."""
        return Keys(*(None if values is None else values[rows] for values in (self.uid, self.name)))


def names_of(images: Iterable[str]) -> np.ndarray:
    """``(n,)`` names as `Keys` has them, of names as RELION writes them: 000001@stack.mrcs."""
    parts = [split_name(str(image)) for image in images]
    return _numbered([path for _, path in parts], np.array([int(number or 1) - 1 for number, _ in parts]))


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
    if first.name is None or second.name is None:
        return Match(np.empty(0, int), np.empty(0, int), "nothing")
    match = _common(first.name.astype(str), second.name.astype(str), "the stack's path and the number in it")
    depth = max(_depth(first.name), _depth(second.name))
    while not len(match) and depth > 0:
        short, other = (_shortened(name, depth) for name in (first.name, second.name))
        if short is not None and other is not None:
            names = "name" if depth == 1 else f"last {depth} names"
            match = _common(short, other, f"the {names} of the stack's path and the number in it", True)
        depth -= 1
    return match


def _common(first: np.ndarray, second: np.ndarray, by: str, shortened: bool = False) -> Match:
    _, rows, others = np.intersect1d(first, second, return_indices=True)
    order = np.argsort(rows)
    return Match(rows[order], others[order], by, shortened)


def _numbered(stacks: Iterable[str], index: np.ndarray) -> np.ndarray:
    return np.array([f"{number}@{stack}" for number, stack in zip(index.tolist(), stacks)], object)


def _depth(names: np.ndarray) -> int:
    return max(len(PurePosixPath(path).parts) for path in {name.partition("@")[2] for name in names.tolist()})


def _shortened(names: np.ndarray, depth: int) -> np.ndarray | None:
    """Names with the last ``depth`` parts of the stack's path, without its suffix (a link to .mrc is named .mrcs); None
    where two stacks would be taken for one.
    """
    stacks = {name.partition("@")[2] for name in names.tolist()}
    short = {stack: "/".join(PurePosixPath(stack).with_suffix("").parts[-depth:]) for stack in stacks}
    if len(set(short.values())) < len(stacks):
        return None
    return np.array([f"{number}@{short[stack]}" for number, _, stack in (name.partition("@") for name in names)])
