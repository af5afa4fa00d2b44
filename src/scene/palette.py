"""Colours of values in the scene: perceptually uniform, and distinct from a black and from a white background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# matplotlib's viridis from 0.25 to 0.97 and plasma from 0.12 to 0.92, at even steps
_VIRIDIS = ((59, 82, 139), (48, 106, 142), (39, 128, 142), (31, 149, 139), (37, 171, 130), (68, 191, 112),
            (117, 208, 84), (176, 221, 47), (236, 229, 27))  # fmt: skip
_PLASMA = ((73, 3, 160), (114, 1, 168), (150, 19, 161), (182, 48, 139), (208, 77, 115), (229, 106, 93), (245, 139, 71),
           (253, 174, 50), (251, 215, 36))  # fmt: skip
# red, grey and blue as of less and more density where two states are compared
_DIVERGING = ((214, 51, 41), (180, 185, 194), (46, 115, 217))


def _fine(colours: tuple) -> np.ndarray:
    """``(256, 3)`` uint8."""
    place = np.linspace(0, len(colours) - 1, 256)
    columns = [np.interp(place, np.arange(len(colours)), column) for column in zip(*colours)]
    return np.stack(columns, axis=1).round().astype(np.uint8)


VIRIDIS, PLASMA = _fine(_VIRIDIS), _fine(_PLASMA)
DIVERGING = _fine(_DIVERGING)  # from less than nothing to more, by way of grey


@dataclass(frozen=True, eq=False)
class Scale:
    """What colours mean.

    Attributes
    ----------
    title : what, and in which unit. colours : ``(n, 3)`` uint8, at even steps from the lowest value to the highest.
    highest : value of the last colour, and of all above. lowest : that of the first, and of all below.
    labels : texts, and where along the colours they are, 0 to 1.
    """

    title: str
    colours: np.ndarray
    highest: float
    labels: tuple[tuple[str, float], ...]
    lowest: float = 0.0

    def colour(self, values: np.ndarray, opacity: int = 255) -> np.ndarray:
        """``(n, 4)`` uint8 of values ``(n,)``."""
        last = len(self.colours) - 1
        colours = np.full((len(values), 4), opacity, np.uint8)
        place = (values - self.lowest) / (self.highest - self.lowest)
        colours[:, :3] = self.colours[(np.clip(place, 0, 1) * last).astype(np.intp)]
        return colours


def value_scale(title: str, colours: np.ndarray, highest: float, unit: float = 1.0, above: bool = True) -> Scale:
    """From 0 to ``highest``, of which labels say multiples of ``unit``; ``above`` whether values may be higher."""
    more = "\u2265\u2009" if above else ""
    texts = ("0", f"{highest / 2 / unit:.3g}", f"{more}{highest / unit:.3g}")
    return Scale(title, colours, highest, tuple(zip(texts, (0.0, 0.5, 1.0))))


def range_scale(title: str, colours: np.ndarray, lowest: float, highest: float, signed: bool = False) -> Scale:
    """From ``lowest`` to ``highest``, beyond both of which values may be; ``signed`` labels have their sign."""
    middle = (lowest + highest) / 2
    form = "+.3g" if signed else ".3g"
    texts = (f"\u2264\u2009{lowest:{form}}", f"{middle:{form if middle else '.3g'}}", f"\u2265\u2009{highest:{form}}")
    return Scale(title, colours, highest, tuple(zip(texts, (0.0, 0.5, 1.0))), lowest)


def group_scale(title: str, colours: np.ndarray, names: list[str]) -> Scale:
    """A colour ``(n, 3)`` for each of ``names``."""
    places = (np.arange(len(names)) + 0.5) / len(names)
    return Scale(title, np.asarray(colours, np.uint8), float(len(names)), tuple(zip(names, places.tolist())))


def rounded_up(value: float) -> float:
    """The next of 1, 2, 3, 5 or 8 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step for step in (1, 2, 3, 5, 8, 10) if step * power >= value * (1 - 1e-9)) * power)
