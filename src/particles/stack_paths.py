"""Where the image stacks named in a particle file are on this machine."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError

_NUMBERED = re.compile("([0-9]+)@(.*)", re.DOTALL)
_FORMAT = re.compile(r"(.+\.[A-Za-z]+):[A-Za-z]+")


def split_name(text: str) -> tuple[str, str]:
    """An image's number, "" where it has none, and its stack, of "000001@path" as in RELION.

    The first @ counts, and only after a number: later ones, and those of other names, belong to the path.
    """
    match = _NUMBERED.fullmatch(text)
    return (match[1], match[2]) if match else ("", text)


class StackPaths:
    """Turns the names in a particle file into absolute paths, each distinct name once.

    A name is looked for as it stands when absolute, then below ``image_root`` (with its folders, then by file name
    alone), then below the particle file's folder and every folder above it (RELION and cryoSPARC write names relative
    to their project's folder); where the file is a link, its target's folders come first, then the link's own. The
    first that exists wins; where none does, the most likely is kept, for the message.

    ``InputError`` for two names in different folders of which only one file of that name is found, without the folders:
    it is the stack of one of them at most.
    """

    def __init__(self, source: Path, image_root: Path | None) -> None:
        self._source = source
        self._root = image_root.resolve() if image_root is not None else None
        self._bases = folders_of(source)
        self._numbers: dict[str, int] = {}
        self._rows: dict[Path, int] = {}
        self._without_folders: dict[Path, Path] = {}  # files found by their file name alone, and the name

    @property
    def paths(self) -> tuple[Path, ...]:
        """The distinct paths found so far."""
        return tuple(self._rows)

    def path(self, name: str) -> Path:
        """The path for this name."""
        number = self.number(name)
        return self.paths[number]

    def number(self, name: str) -> int:
        """The row of ``paths`` for this name."""
        if name not in self._numbers:
            path = self._find(name.lstrip(">"))
            self._refuse_ambiguous(name.lstrip(">"), path)
            self._numbers[name] = self._rows.setdefault(path, len(self._rows))
        return self._numbers[name]

    def _find(self, name: str) -> Path:
        candidates = self._candidates(Path(name))
        if form := _FORMAT.fullmatch(name):  # a.mrc:mrcs is a.mrc, read as a stack
            candidates += self._candidates(Path(form[1]))
        return next((path for path in candidates if is_file(path)), candidates[0])

    def _refuse_ambiguous(self, name: str, path: Path) -> None:
        form = _FORMAT.fullmatch(name)
        named = Path(form[1]) if form and path.name == Path(form[1]).name else Path(name)
        folders = named.relative_to(named.anchor).parts[:-1]
        if path.parts[-len(folders) - 1 : -1] == folders:
            return
        other = self._without_folders.setdefault(path, named)
        if other != named:
            raise InputError(f"{self._source}: names the stacks {other} and {named}, but only {path} is found for "
                             "both; give the folder that both names start from (prep's image root).")  # fmt: skip

    def _candidates(self, name: Path) -> list[Path]:
        under_root = []
        if self._root is not None:
            relative = name.relative_to(name.anchor) if name.is_absolute() else name
            under_root = [self._root / relative, self._root / name.name]
        if name.is_absolute():
            return [*under_root, name]
        return [*under_root, *(base / name for base in self._bases), self._bases[0] / name.name]


def folders_of(file: Path) -> list[Path]:
    """The file's folder and those above it: of what it is a link to, directly or by a folder, then of itself."""
    return list(dict.fromkeys([*file.resolve().parents, *file.absolute().parents]))


def is_file(path: Path) -> bool:
    """False also for names that the system refuses (too long, in a folder that may not be entered)."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
