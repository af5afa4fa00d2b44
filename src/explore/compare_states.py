"""Two states whose maps are shown together, and what the colours mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

HOW = ("difference", "beside")
MORE, LESS = "#2e73d9", "#d63329"  # where the second state has more density, and where the first has
FIRST, SECOND = "#e69e00", "#57b5e8"  # the states themselves, side by side
FAINT = "#b4b9c2"  # the first state, around a difference


@dataclass(frozen=True)
class Compared:
    """A comparison that is shown.

    Attributes
    ----------
    how : one of `HOW`. names : of the first state and of the second.
    swatches : colours, ``#rrggbb`` or nothing, and what has them. level : at which density, in words.
    """

    how: str
    names: tuple[str, str]
    swatches: tuple[tuple[str, str], ...]
    level: str

    @property
    def title(self) -> str:
        """What is shown, as a name."""
        first, second = self.names
        return f"{second} minus {first}" if self.how == "difference" else f"{first} and {second}"

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """For a table: a colour or nothing, and what has it."""
        return (("", self.title), *self.swatches)

    @property
    def sentence(self) -> str:
        """For a log."""
        words = {LESS: "red", MORE: "blue", FIRST: "orange", SECOND: "light blue", FAINT: "grey", "": ""}
        parts = [f"{words.get(colour, colour)}: {text}".removeprefix(": ") for colour, text in self.swatches]
        return f"{self.title}: {'; '.join(parts)}; {self.level}."


def recoloured(compared: Compared, colours: Mapping[str, str]) -> Compared:
    """The same comparison where a person has given other colours, by those that they take the place of."""
    return replace(compared, swatches=tuple((colours.get(colour, colour), text) for colour, text in compared.swatches))


def difference_of(names: tuple[str, str], level: str, around: bool = False) -> Compared:
    """The second map minus the first; ``around``: with the first map about it."""
    faint = ((FAINT, names[0]),) if around else ()
    return Compared("difference", names, ((LESS, f"more in {names[0]}"), (MORE, f"more in {names[1]}"), *faint), level)


def side_by_side_of(names: tuple[str, str], level: str, coloured: bool = True) -> Compared:
    """The first map on the left, the second on the right."""
    colours = (FIRST, SECOND) if coloured else ("", "")
    return Compared("beside", names, tuple(zip(colours, (f"{names[0]} (left)", f"{names[1]} (right)"))), level)


def level_words(levels: Sequence[float], sigma: float) -> str:
    """At which levels contours are drawn, also in units of ``sigma``, the maps' root mean square."""
    levels = sorted(levels)
    if len(levels) == 2 and abs(levels[0] + levels[1]) <= 1e-6 * abs(levels[1]):
        return f"contours at ±{levels[1]:.3g} (±{levels[1] / sigma:.1f} σ)"
    return "contour at " + " and ".join(f"{level:.3g} ({level / sigma:.1f} σ)" for level in levels)
