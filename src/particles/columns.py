"""Columns of a particle file: numbers to reckon with, and the words that they were read from to write them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping

import numpy as np

_NARROW = 32  # bytes; the words of a column that has none longer are kept side by side


class Columns(MutableMapping):
    """Columns by name. ``columns[name]`` is (n,) numbers or ``str`` objects, see `typed`; ``columns.words(name)`` is
    what a file gets: text stays as it was, letter by letter.

    Parameters
    ----------
    stored : (n,) arrays by name: words of a STAR file as `TextColumn` makes them, or a .cs file's numbers and ``str``.
    """

    def __init__(self, stored: Mapping[str, np.ndarray] = {}) -> None:  # noqa: B006 - never changed
        self._stored = dict(stored.stored if isinstance(stored, Columns) else stored)
        self._typed: dict[str, np.ndarray] = {}

    @property
    def stored(self) -> Mapping[str, np.ndarray]:
        """The arrays (n,) as they were given, by name: bytes are words of a STAR file."""
        return self._stored

    def __getitem__(self, name: str) -> np.ndarray:
        if self._stored[name].dtype.kind != "S":
            return self._stored[name]
        if name not in self._typed:
            self._typed[name] = typed(self._stored[name], name)
        return self._typed[name]

    def __setitem__(self, name: str, values: np.ndarray) -> None:
        self._stored[name] = np.asarray(values)
        self._typed.pop(name, None)

    def __delitem__(self, name: str) -> None:
        del self._stored[name]
        self._typed.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def __or__(self, more: Mapping[str, np.ndarray]) -> Columns:
        return Columns({**self._stored, **more})

    def take(self, rows: np.ndarray) -> Columns:
        """The rows ``rows`` (index array, boolean mask or slice) of every column."""
        return Columns({name: values[rows] for name, values in self._stored.items()})


class TextColumn:
    """A column's words, gathered piece by piece.

    They become (n,) fixed-width bytes where all are short, else ``str`` objects of which equal ones are one: either is
    small, and gives every letter back.
    """

    def __init__(self) -> None:
        self._pieces: list[np.ndarray] = []
        self._known = _Texts()

    def add(self, words: Iterable[bytes]) -> None:
        """The next words of the column."""
        width = max(map(len, words), default=0)
        self._pieces.append(self._objects(words) if width > _NARROW else np.array(words, f"S{max(width, 1)}"))

    def array(self) -> np.ndarray:
        """All words, (n,)."""
        if all(piece.dtype.kind == "S" for piece in self._pieces):
            return np.concatenate(self._pieces) if self._pieces else np.empty(0, "S1")
        return np.concatenate([p if p.dtype.kind == "O" else self._objects(p.tolist()) for p in self._pieces])

    def _objects(self, words: Iterable[bytes]) -> np.ndarray:
        return objects(map(self._known.__getitem__, words))


class _Texts(dict):
    """The text of each distinct word, made once."""

    def __missing__(self, word: bytes) -> str:
        text = self[word] = text_of(word)
        return text


def text_of(word: bytes) -> str:
    """A word as ``str``; bytes that are no UTF-8 stay what they are, also when they are written."""
    return word.decode("utf-8", "surrogateescape")


def texts_of(words: np.ndarray) -> list[str]:
    """The words (n,) of a column as ``str``, a list of n."""
    return list(map(_Texts().__getitem__, words.tolist())) if words.dtype.kind == "S" else words.tolist()


def objects(texts: Iterable[str]) -> np.ndarray:
    """(n,) array of ``str`` objects."""
    texts = list(texts)
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


def interned(texts: Iterable[str]) -> np.ndarray:
    """(n,) array of ``str`` objects in which equal words are one object."""
    known: dict[str, str] = {}
    return objects(known.setdefault(text, text) for text in texts)


def typed(words: np.ndarray, name: str = "") -> np.ndarray:
    """(n,) int64, uint64 (cryoSPARC's uids) or float64 array of a column's words, else one of ``str`` objects.

    Names are text whatever they look like: columns whose own name ends with "Name", words with a zero before another
    digit (00255 is not 255), and whole numbers that no integer type holds.
    """
    if words.dtype.kind == "S" and not name.endswith("Name") and not _spelled(words):
        for kind in (np.int64, np.uint64, np.float64):
            try:
                return words.astype(kind)
            except OverflowError:
                if kind is np.uint64:
                    break
            except ValueError:
                continue
    return objects(texts_of(words))


def numbers_of(words: np.ndarray) -> np.ndarray:
    """(n,) float64 of a column's words; ``ValueError`` where one is no number."""
    if words.dtype.kind == "S" and _has(words, b"_"):
        raise ValueError("an underscore, which Python would read over")
    return words.astype(np.float64)


def is_number(text: str) -> bool:
    """Whether `numbers_of` would read it."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _has(words: np.ndarray, letter: bytes) -> bool:
    return bool((np.ascontiguousarray(words).view(np.uint8) == letter[0]).any())


def _spelled(words: np.ndarray) -> bool:
    """Whether any has a needless zero in front, or an underscore, which Python would read over."""
    width = words.dtype.itemsize
    letters = np.zeros((len(words), max(width, 3)), np.uint8)
    letters[:, :width] = np.ascontiguousarray(words).view(np.uint8).reshape(len(words), width)
    signed = (letters[:, 0] == ord("-")) | (letters[:, 0] == ord("+"))
    first, second = np.where(signed, letters[:, 1:3].T, letters[:, 0:2].T)
    padded = (first == ord("0")) & (second >= ord("0")) & (second <= ord("9"))
    return bool(padded.any()) or _has(words, b"_")
