"""Parts that some particles lack: the text grammar, and the order in which the parts come together.

``PART: SHARE; PART: SHARE after PART; …``, for instance ``fab2: 0.3`` or ``A: 0.5; B: 0.4 after A``: half of the
particles lack A; those lack B too, and so do 0.4 of those that have A.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from .atom_selection import select
from .hinges import plain
from .molecule import Molecule

_PART = re.compile(r"(?P<part>\S+?)\s*:\s*(?P<share>[^\s:]+)(?:\s+after\s+(?P<after>.+))?")
_EXAMPLE = "write for instance 'fab2: 0.3' or 'A: 0.5; B: 0.4 after A'"


@dataclass(frozen=True)
class DroppedPart:
    """A part that some particles lack.

    points : (a,) bool, what it is of the molecule; selection : the text that chose them
    share : of the particles that could have it, how many lack it, 0…1
    after : number of the part without which it is never there, among those that are dropped; None: by itself
    """

    points: np.ndarray
    selection: str
    share: float
    after: int | None = None


def parse_dropped(text: str, molecule: Molecule) -> tuple[DroppedPart, ...]:
    """The parts of a text; empty for no text."""
    matches = [_match(piece.strip()) for piece in plain(text).split(";") if piece.strip()]
    names = [match["part"] for match in matches]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise InputError(f"drop: '{name}' is named twice; give each part one share.")
    parts = tuple(
        DroppedPart(select(molecule, match["part"], "drop"), match["part"], _share(match), _after(match, names))
        for match in matches
    )
    _check_apart(parts)
    in_order(parts)
    return parts


def _match(text: str) -> re.Match:
    match = _PART.fullmatch(text)
    if match is None:
        raise InputError(f"drop: '{text}' is no 'PART: SHARE'; {_EXAMPLE}.")
    return match


def _share(match: re.Match) -> float:
    try:
        share = float(match["share"])
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InputError(f"drop: '{match['share']}' of '{match['part']}' is no share from 0 to 1; {_EXAMPLE}.")
    return share


def _after(match: re.Match, names: Sequence[str]) -> int | None:
    """Number of the part that must be there first."""
    if match["after"] is None:
        return None
    name = match["after"].strip()
    if name not in names:
        raise InputError(f"drop: '{match['part']}' comes after '{name}', which is not dropped; the parts that are: "
                         f"{', '.join(names)}.")  # fmt: skip
    return names.index(name)


def _check_apart(parts: Sequence[DroppedPart]) -> None:
    """``InputError`` where two parts share points, or nothing is always there."""
    for number, part in enumerate(parts):
        for other in parts[:number]:
            if (part.points & other.points).any():
                raise InputError(f"drop: '{other.selection}' and '{part.selection}' overlap; let each atom belong to "
                                 "one part.")  # fmt: skip
    if parts and np.any([part.points for part in parts], axis=0).all():
        raise InputError("drop: this is all of the molecule; leave a part that is always there.")


def in_order(parts: Sequence[DroppedPart]) -> list[int]:
    """Numbers of the parts, each behind the one that it comes after; ``InputError`` where these go in a circle."""
    return sorted(range(len(parts)), key=lambda number: _depth(parts, number))


def _depth(parts: Sequence[DroppedPart], number: int) -> int:
    """How many parts must be there before this one can be."""
    depth, after = 0, parts[number].after
    while after is not None:
        if after == number or depth > len(parts):
            raise InputError(f"drop: '{parts[number].selection}' would come after itself, in a circle; let one part "
                             "come first.")  # fmt: skip
        depth, after = depth + 1, parts[after].after
    return depth


def repeated(parts: Sequence[DroppedPart], subunits: int) -> tuple[DroppedPart, ...]:
    """The same of a complex of equal ``subunits``, all of which lack a part at once."""
    return tuple(replace(part, points=np.tile(part.points, subunits)) for part in parts)


def part_of_points(parts: Sequence[DroppedPart]) -> np.ndarray | None:
    """Which of the parts each point ``(a,)`` int16 is in, −1 for none; None without parts."""
    if not parts:
        return None
    number = np.full(len(parts[0].points), -1, np.int16)
    for place, part in enumerate(parts):
        number[part.points] = place
    return number


def by_composition(absent: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each set of parts ``(p,)`` bool that some particles lack, and the rows ``(m,)`` of those.

    absent : (n, p) bool. What lacks nothing comes first.
    """
    sets, number = np.unique(absent, axis=0, return_inverse=True)
    for place, lacked in enumerate(sets):
        yield lacked, np.flatnonzero(number.reshape(-1) == place)
