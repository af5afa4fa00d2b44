"""Tables of a STAR file, read by RELION's rules: line by line, words between blanks, in quotes those with blanks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import InputError
from .columns import TextColumn, is_number, numbers_of, text_of, texts_of
from .star_words import split_words

_BLOCK = 1 << 22  # bytes that are read at once
_HEAD = 1 << 14  # likewise, where the first data block is all that is wanted
_LONGEST = 1 << 24  # bytes of a line


@dataclass(frozen=True, eq=False)
class StarTable:
    """A loop or the single pairs of a data block.

    Parameters
    ----------
    path, name : the file and the block's name.
    words : each column's words (n,), see `columns.TextColumn`, by label without its underscore.
    length : n. pairs : whether it stands as "_label value" lines.
    comments : those before the block's title; "# version 30001" tells RELION how to read it.
    """

    path: Path
    name: str
    words: dict[str, np.ndarray]
    length: int
    pairs: bool = False
    comments: tuple[str, ...] = field(default=())

    @property
    def tags(self) -> tuple[str, ...]:
        """The labels, in the file's order."""
        return tuple(self.words)

    def __contains__(self, tag: str) -> bool:
        return tag in self.words

    def __len__(self) -> int:
        return self.length

    def texts(self, tag: str) -> list[str]:
        """The column's n words."""
        return texts_of(self.words[tag])

    def numbers(self, tag: str) -> np.ndarray:
        """The column as (n,) float64; ``InputError`` where it is absent or a value is no number."""
        if tag not in self.words:
            raise InputError(f"{self.path}: data_{self.name} has no column _{tag}; export it too.")
        try:
            return numbers_of(self.words[tag])
        except ValueError:
            word = next(text for text in self.texts(tag) if not is_number(text))
            raise InputError(f"{self.path}: column _{tag[:40]} of data_{self.name} holds something that is no number, "
                             f"{word[:40]!r}; mend the file.") from None  # fmt: skip


def read_tables(path: Path, parts: Iterable[StarTable] | None = None) -> dict[str, StarTable]:
    """Every data block of a STAR file by name: its first loop, or its single pairs; ``InputError`` as `read_parts`.

    ``parts`` are those of the file where they were read already.
    """
    tables: dict[str, StarTable] = {}
    for part in read_parts(path) if parts is None else parts:
        if part.name not in tables or (tables[part.name].pairs and not part.pairs):
            tables[part.name] = part
    return tables


def read_parts(path: Path, first: bool = False) -> list[StarTable]:
    """Every loop and every group of single pairs of a STAR file, in order; ``InputError`` where it is not STAR.

    ``first`` : of its first data block alone, RELION's optics groups; what comes after is not read.
    """
    reader = _Reader(path)
    try:
        with open(path, "rb") as file:
            for lines in _first_lines(file) if first else _blocks(file):
                reader.take(lines)
        reader.end()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); is the path right?") from None
    except ValueError as error:
        raise InputError(f"{path}: not a readable STAR file (line {reader.line}: {error}); export it again.") from None
    return [part.table(path) for part in reader.parts]


def _first_lines(file: BinaryIO) -> Iterator[list[bytes]]:
    """The lines before the title of the second data block."""
    titles = 0
    for lines in _blocks(file, _HEAD):
        for line in lines:
            titles += line.lstrip()[:5].lower() == b"data_" and len(line.split()) == 1
            if titles == 2:
                return
            yield [line]


def _blocks(file: BinaryIO, size: int = _BLOCK) -> Iterator[list[bytes]]:
    """The lines, whichever way they end, of some megabytes at a time, or ``size`` bytes."""
    left = file.read(3).removeprefix(b"\xef\xbb\xbf")  # the byte-order mark of UTF-8
    while block := file.read(size):
        block = left + block
        if b"\0" in block:
            raise ValueError("it holds zero bytes, as no text in UTF-8 does")
        lines = block.splitlines(keepends=True)
        left = lines.pop()  # it may go on in the next block
        if len(left) > _LONGEST:
            raise ValueError(f"a line has more than {_LONGEST >> 20} million letters")
        yield lines
    yield [left]


class _Part:
    """A loop or a group of pairs that is being read."""

    def __init__(self, name: str, comments: list[bytes], pairs: bool) -> None:
        self.name, self.pairs, self.length = name, pairs, 0
        self.comments = tuple(map(text_of, comments))
        self.columns: dict[str, TextColumn] = {}

    def add_label(self, label: bytes) -> None:
        tag = text_of(label.partition(b"#")[0][1:])
        if tag in self.columns:
            raise ValueError(f"data_{self.name} has the column _{tag} twice")
        self.columns[tag] = TextColumn()

    def add_rows(self, rows: list[list[bytes]]) -> None:
        for column, words in zip(self.columns.values(), zip(*rows)):
            column.add(words)
        self.length += len(rows)

    def wrong_row(self, count: int) -> ValueError:
        return ValueError(f"a row of data_{self.name} has {count} words for {len(self.columns)} columns")

    def table(self, path: Path) -> StarTable:
        words = {tag: column.array() for tag, column in self.columns.items()}
        return StarTable(path, self.name, words, self.length, self.pairs, self.comments)


def _no_table(words: list[bytes]) -> ValueError:
    return ValueError(f"{text_of(words[0][:40])!r} stands where a table begins")


class _Reader:
    """Takes a file's lines and makes ``parts`` of them; ``ValueError`` where they are not STAR, in line ``line``."""

    def __init__(self, path: Path) -> None:
        self.parts: list[_Part] = []
        self.line = 0
        self._title: str | None = None
        self._titles: set[str] = set()
        self._comments: list[bytes] = []
        self._loop: _Part | None = None
        self._rows: list[list[bytes]] = []  # of the loop, not yet added to it
        self._begun: list[bytes] = []  # words of a row that goes on in the next line
        self._begun_at = 0  # its line

    def take(self, lines: list[bytes]) -> None:
        """The next lines. Most are rows of one width, taken at once."""
        rows = self._rows_of(lines)
        if rows and self._loop is not None:
            self._loop.add_rows(rows)
            self.line += len(lines)
            return
        for line in lines:
            self.line += 1
            self._take_line(line.strip())
        self._flush()

    def _rows_of(self, lines: list[bytes]) -> list[list[bytes]]:
        """The words of lines that are all rows of the loop, or nothing."""
        if self._loop is None or not self._loop.length or self._begun:
            return []
        try:
            rows, width = list(map(split_words, lines)), len(self._loop.columns)
        except ValueError:
            return []
        return rows if width > 1 and list(map(len, rows)).count(width) == len(rows) else []

    def end(self) -> None:
        """There are no more lines."""
        self._end_loop()

    def _take_line(self, line: bytes) -> None:
        words, loop = split_words(line), self._loop
        keyword = words[0].lower() if words and line[:1] not in b"\"'" else b""
        if not words:
            if line:
                self._comments.append(line)
            else:
                self._refuse_begun()
        elif keyword.startswith(b"data_") and (loop is None or len(words) == 1):
            self._begin_block(text_of(words[0][5:]))
        elif keyword == b"loop_" and len(words) == 1:
            self._begin_loop()
        elif loop is None and keyword[:1] == b"_":
            self._take_pair(words)
        elif loop is None:
            raise _no_table(words)
        elif keyword[:1] == b"_" and len(words) == 1 and not loop.length and not self._rows and not self._begun:
            loop.add_label(words[0])
        elif not loop.columns:
            raise _no_table(words)
        else:
            self._take_row(words, loop)

    def _begin_block(self, title: str) -> None:
        self._end_loop()
        if title in self._titles:
            raise ValueError(f"a second table is named data_{title}")
        self._titles.add(title)
        self._title = title

    def _begin_loop(self) -> None:
        self._end_loop()
        if self._title is None:
            raise ValueError("a loop_ stands before the first data_")
        self._loop = self._new_part(self._title, pairs=False)

    def _take_pair(self, words: list[bytes]) -> None:
        if self._title is None or len(words) < 2:
            raise ValueError(f"{text_of(words[0][:40])} has no value, or no data_ before it")
        if not self.parts or not self.parts[-1].pairs or self.parts[-1].name != self._title:
            self._new_part(self._title, pairs=True).length = 1
        self.parts[-1].add_label(words[0])
        list(self.parts[-1].columns.values())[-1].add(words[1:2])

    def _new_part(self, title: str, pairs: bool) -> _Part:
        self.parts.append(_Part(title, self._comments, pairs))
        self._comments = []
        return self.parts[-1]

    def _take_row(self, words: list[bytes], loop: _Part) -> None:
        width = len(loop.columns)
        if len(self._begun) + len(words) > width:
            self._refuse_begun()
            raise loop.wrong_row(len(words))
        if not self._begun:
            self._begun_at = self.line
        words = self._begun + words
        if len(words) < width <= 2:  # RELION leaves an empty file name out
            words += [b""] * (width - len(words))
        self._begun = words if len(words) < width else []
        if not self._begun:
            self._rows.append(words)

    def _refuse_begun(self) -> None:
        """A row that is neither whole nor goes on is refused."""
        if self._loop is not None and self._begun:
            self.line = self._begun_at
            raise self._loop.wrong_row(len(self._begun))

    def _end_loop(self) -> None:
        self._refuse_begun()
        self._flush()
        self._loop = None

    def _flush(self) -> None:
        if self._loop is not None and self._rows:
            self._loop.add_rows(self._rows)
            self._rows = []
