"""Tables of a STAR file as lists of text; the only place that knows gemmi."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputError


class StarTable:
    """One data block of a STAR file: its first loop, or its single pairs. Columns are made when they are asked for.

    Parameters
    ----------
    path, name : the file and the block, for messages.
    block : gemmi's.
    """

    def __init__(self, path: Path, name: str, block) -> None:
        self.path, self.name, self._block = path, name, block
        loop = next((item.loop for item in block if item.loop is not None), None)
        pairs = [item.pair[0] for item in block if item.pair is not None]
        self.tags = tuple(tag[1:] for tag in (pairs if loop is None else loop.tags))
        self._length = (1 if pairs else 0) if loop is None else loop.length()

    def __contains__(self, tag: str) -> bool:
        return tag in self.tags

    def __len__(self) -> int:
        return self._length

    def texts(self, tag: str) -> list[str]:
        """The column's n words, quotes removed."""
        from gemmi import cif

        words = self._block.find_values("_" + tag)
        return [cif.as_string(word) if word[0] in "\"';" else word for word in words]

    def numbers(self, tag: str) -> np.ndarray:
        """The column as (n,) float64; ``InputError`` where it is absent or a value is no number."""
        if tag not in self.tags:
            raise InputError(f"{self.path}: data_{self.name} has no column _{tag}; export it too.")
        try:
            return np.fromiter(map(float, self.texts(tag)), np.float64, len(self))
        except ValueError as error:
            raise InputError(f"{self.path}: column _{tag} of data_{self.name} holds something that is no number "
                             f"({error}); mend the file.") from None  # fmt: skip

    def values(self, tag: str) -> np.ndarray:
        """The column as (n,) numbers where every value is one, else as ``str`` objects; see ``typed``."""
        return typed(self.texts(tag))


def typed(texts: list[str]) -> np.ndarray:
    """(n,) int64, uint64 (cryoSPARC's uids) or float64 array of these words, else one of ``str`` objects.

    Text repeats (micrographs), and a fixed-width array would take hundreds of bytes per particle for it; each distinct
    word is kept once.
    """
    for read, kind in ((int, np.int64), (int, np.uint64), (float, np.float64)):
        try:
            return np.fromiter((read(_plain(text)) for text in texts), kind, len(texts))
        except (ValueError, OverflowError):
            continue
    return interned(texts)


def _plain(text: str) -> str:
    """Python would read 2018_01 as the number 201801; here it is a name."""
    if "_" in text:
        raise ValueError(text)
    return text


def interned(texts: Iterable[str]) -> np.ndarray:
    """(n,) object array of str in which equal words are one object."""
    known: dict[str, str] = {}
    words = [known.setdefault(text, text) for text in texts]
    array = np.empty(len(words), object)
    array[:] = words
    return array


def read_tables(path: Path) -> dict[str, StarTable]:
    """Every data block of a STAR file by name; ``InputError`` where it is not STAR."""
    from gemmi import cif

    try:
        document = cif.read_file(str(path))
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(f"{path}: not a readable STAR file ({error}); export it again.") from None
    return {block.name.strip(): StarTable(path, block.name.strip(), block) for block in document}
