"""Tables of a STAR file as lists of text; the only place that knows gemmi."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputError


class StarTable:
    """One data block of a STAR file: a loop or single pairs, as columns of text.

    Parameters
    ----------
    columns : tag without its underscore → list of n strings.
    """

    def __init__(self, path: Path, name: str, columns: dict[str, list[str]]) -> None:
        self.path, self.name, self.columns = path, name, columns

    def __contains__(self, tag: str) -> bool:
        return tag in self.columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def numbers(self, tag: str) -> np.ndarray:
        """The column as (n,) float64; ``InputError`` where it is absent or a value is no number."""
        try:
            return np.array(self.columns[tag], np.float64)
        except KeyError:
            raise InputError(f"{self.path}: data_{self.name} has no column _{tag}; export it too.") from None
        except ValueError as error:
            raise InputError(f"{self.path}: column _{tag} of data_{self.name} holds something that is no number "
                             f"({error}); mend the file.") from None  # fmt: skip

    def values(self, tag: str) -> np.ndarray:
        """The column as (n,) int64 or float64 where every value is such a number, else as text."""
        return typed(self.columns[tag])


def typed(texts: list[str]) -> np.ndarray:
    """(n,) int64, uint64 (cryoSPARC's uids) or float64 array of these words, else one of ``str`` objects.

    Text repeats (micrographs), and a fixed-width array would take hundreds of bytes per particle for it; each distinct
    word is kept once.
    """
    if texts and not _is_number(texts[0]):
        return interned(texts)
    for kind in (np.int64, np.uint64, np.float64):
        try:
            return np.array(texts, np.str_).astype(kind)
        except (ValueError, OverflowError):
            continue
    return interned(texts)


def interned(texts: Iterable[str]) -> np.ndarray:
    """(n,) object array of str in which equal words are one object."""
    known: dict[str, str] = {}
    words = [known.setdefault(text, text) for text in texts]
    array = np.empty(len(words), object)
    array[:] = words
    return array


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_tables(path: Path) -> dict[str, StarTable]:
    """Every data block of a STAR file by name; ``InputError`` where it is not STAR."""
    from gemmi import cif

    try:
        document = cif.read_file(str(path))
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(f"{path}: not a readable STAR file ({error}); export it again.") from None
    return {block.name.strip(): StarTable(path, block.name.strip(), _columns(block)) for block in document}


def _columns(block) -> dict[str, list[str]]:
    """The block's first loop, or its single pairs."""
    from gemmi import cif

    pairs: dict[str, list[str]] = {}
    for item in block:
        if item.loop is not None:
            tags = item.loop.tags
            return {tag[1:]: [cif.as_string(word) for word in block.find_loop(tag)] for tag in tags}
        if item.pair is not None:
            pairs[item.pair[0][1:]] = [cif.as_string(item.pair[1])]
    return pairs
