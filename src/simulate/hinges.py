"""Hinges: what moves, about which axis, how far. The text grammar and the motion it means.

``HINGE; HINGE; …`` with ``HINGE = SELECTION: RANGE [axis=…] [pivot=…] [draw=…]``, for instance
``fab1: ±15; fab2: -10,20`` or ``L,H:1-230: 360`` or ``A:1-120: ±30 axis=0,0,1 pivot=A:121``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from ..errors import InputError
from .atom_selection import select
from .molecule import Molecule

AXES = ("auto", "bend", "cone", "long", "x", "y", "z")
DRAWS = ("uniform", "normal", "bimodal")
_HINGE = re.compile(r"(?P<selection>\S+?)\s*:(?:\s+|(?=[±+]))(?P<words>.+)", re.DOTALL)
_BOTH_WAYS = re.compile(r"(±|\+/?-)\s*")
_MINUS = str.maketrans(dict.fromkeys("−–‒‐‑", "-"))  # signs that editors and papers put in its place
_EXAMPLE = "write for instance 'fab1: ±15' or 'L,H:1-230: -20,20 axis=bend pivot=H:235'"


@dataclass(frozen=True)
class Hinge:
    """One independent angle.

    moving : (a,) bool, points that turn
    pivot : (3,) Å relative to the centre of the map; axis : (3,) unit vector
    low, high : degrees; 0 is the molecule as given
    circular : a full turn, −180 and 180 being the same state
    draw : uniform | normal (standard deviation a quarter of the range) | bimodal (two peaks at a sixth from the ends)
    selection : the text that chose the points
    """

    moving: np.ndarray
    pivot: np.ndarray
    axis: np.ndarray
    low: float
    high: float
    circular: bool
    draw: str
    selection: str

    def sample(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """``count`` angles in degrees."""
        middle, width = (self.low + self.high) / 2, self.high - self.low
        if self.draw == "uniform":
            return rng.uniform(self.low, self.high, count)
        if self.draw == "normal":
            return np.clip(rng.normal(middle, width / 4, count), self.low, self.high)
        side = rng.choice([-1.0, 1.0], count)
        return np.clip(middle + side * width / 3 + rng.normal(0, width / 16, count), self.low, self.high)

    def grid(self, count: int) -> np.ndarray:
        """``count`` evenly spaced angles in degrees; a full turn does not repeat its end."""
        return np.linspace(self.low, self.high, count, endpoint=not self.circular)


def parse_hinges(text: str, molecule: Molecule) -> tuple[Hinge, ...]:
    """Hinges of a text; ``rigid`` means none."""
    if text.strip() == "rigid":
        return ()
    pieces = [piece.strip() for piece in plain(text).split(";") if piece.strip()]
    if not pieces:
        raise InputError(f"hinges: nothing moves; {_EXAMPLE}, or 'rigid'.")
    return tuple(_parse_hinge(piece, molecule) for piece in pieces)


def plain(text: str) -> str:
    """The text with one sign for minus and one for both ways, and no blanks beside commas."""
    return _BOTH_WAYS.sub("±", re.sub(r"\s*,\s*", ",", text.translate(_MINUS)))


def _parse_hinge(text: str, molecule: Molecule) -> Hinge:
    match = _HINGE.fullmatch(text)
    if match is None:
        raise InputError(f"hinges: '{text}' has no 'SELECTION: RANGE', with a blank after the colon; {_EXAMPLE}.")
    reach, *words = match["words"].split()
    options = dict(_option(word, text) for word in words)
    low, high = _range(reach)
    moving = select(molecule, match["selection"])
    if moving.all():
        raise InputError(f"hinges: '{match['selection']}' is the whole molecule; leave a part that stands still.")
    circular = high - low >= 360
    pivot = _pivot(options.get("pivot", "auto"), molecule, moving)
    axis = _axis(options.get("axis", "auto"), molecule, moving, pivot, circular)
    draw = options.get("draw", "uniform")
    if draw not in DRAWS:
        raise InputError(f"hinges: draw={draw} is none of {', '.join(DRAWS)}.")
    return Hinge(moving, pivot, axis, low, high, circular, draw, match["selection"])


def _option(word: str, text: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or name not in ("axis", "pivot", "draw"):
        raise InputError(f"hinges: '{word}' in '{text}' is not understood; it may be axis=…, pivot=… or draw=….")
    return name, value


def _numbers(text: str) -> list[float] | None:
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _range(text: str) -> tuple[float, float]:
    """``±15`` or ``15`` (both ways), ``-10,20``, ``360`` (a full turn); each number may have its °."""
    numbers = _numbers(text.removeprefix("±").replace("°", ""))
    if numbers is None or len(numbers) > 2:
        raise InputError(f"hinges: '{text}' is no range in degrees; write ±15, -10,20 or 360 (a full turn).")
    if text.startswith("±") and len(numbers) == 2:
        raise InputError(f"hinges: '{text}' has two numbers where ± takes one; write ±7.5 with a point, or -7,5 for a "
                         "range from -7 to 5.")  # fmt: skip
    if len(numbers) == 1:
        half = abs(numbers[0])
        numbers = [-180.0, 180.0] if half == 360 else [-half, half]
    low, high = numbers
    if not low < high or high - low > 360:
        raise InputError(f"hinges: the range '{text}' must rise and span no more than 360°.")
    return low, high


def _pivot(text: str, molecule: Molecule, moving: np.ndarray) -> np.ndarray:
    """``auto``, a selection (its centre), or x,y,z in the frame of the molecule's file. Å from the map's centre."""
    if text == "auto":
        return contact(molecule.position[moving], molecule.position[~moving])
    numbers = _numbers(text)
    if numbers is not None and len(numbers) == 3:
        return np.array(numbers) - molecule.frame
    return molecule.position[select(molecule, text)].mean(axis=0)


def contact(moving: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Where two sets of points (Å) meet: the mean midpoint of the closest pairs, within 2 Å of the closest of all."""
    distance, nearest = cKDTree(fixed).query(moving)
    close = distance <= distance.min() + 2.0
    return (moving[close] + fixed[nearest[close]]).mean(axis=0) / 2


def _axis(text: str, molecule: Molecule, moving: np.ndarray, pivot: np.ndarray, circular: bool) -> np.ndarray:
    """Unit vector of an axis given by name or as x,y,z; ``auto`` is ``cone`` for a full turn and else ``bend``."""
    if text in ("x", "y", "z"):
        return np.eye(3)["xyz".index(text)]
    if text in AXES:
        name = ("cone" if circular else "bend") if text == "auto" else text
        return _named_axis(name, molecule, moving, pivot)
    numbers = _numbers(text)
    if numbers is None or len(numbers) != 3 or not np.any(numbers):
        raise InputError(f"hinges: axis={text} is neither x,y,z numbers nor one of {', '.join(AXES)}.")
    return np.array(numbers) / np.linalg.norm(numbers)


def _named_axis(name: str, molecule: Molecule, moving: np.ndarray, pivot: np.ndarray) -> np.ndarray:
    """``long``: the part's long axis; ``cone``: from the fixed part's centre to the pivot; ``bend``: normal to both."""
    points = molecule.position[moving]
    centre = points.mean(axis=0)
    long = np.linalg.svd((points - centre)[:: max(len(points) // 5000, 1)], full_matrices=False)[2][0]
    long *= np.sign(long @ (centre - pivot)) or 1.0
    cone = pivot - molecule.position[~moving].mean(axis=0)
    cone /= np.linalg.norm(cone)
    if name == "long":
        return long
    if name == "cone":
        return cone
    bend = np.cross(cone, long)
    if np.linalg.norm(bend) < 0.05:  # the part continues the fixed one: any perpendicular bends it
        bend = np.cross(long, np.eye(3)[np.argmin(np.abs(long))])
    return bend / np.linalg.norm(bend)


def groups(hinges: tuple[Hinge, ...], count: int) -> np.ndarray:
    """Rigid group ``(count,)`` of each point: bit h is set where hinge h moves it."""
    code = np.zeros(count, np.int64)
    for bit, hinge in enumerate(hinges):
        code |= hinge.moving.astype(np.int64) << bit
    return code


def motions(hinges: tuple[Hinge, ...], angles: np.ndarray, code: int) -> np.ndarray:
    """Rigid motion ``(n, 3, 4)`` of a group: x → M[:, :3] x + M[:, 3], Å from the map's centre.

    angles : (n, h) degrees. A point on several hinges is turned in the order in which they are written: the inner
    hinge first, then the one that carries it.
    """
    motion = np.tile(np.eye(3, 4), (len(angles), 1, 1))
    for bit, hinge in enumerate(hinges):
        if code >> bit & 1:
            turn = Rotation.from_rotvec(np.radians(angles[:, bit])[:, None] * hinge.axis).as_matrix()
            motion = turn @ motion
            motion[:, :, 3] += hinge.pivot - turn @ hinge.pivot
    return motion
