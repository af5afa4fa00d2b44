"""Which colour a particle has in the plot: by density, or by any column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...explore.particle_columns import Column

DENSITY = "density"
MOST_GROUPS = 12  # with more distinct values than this no legend can name them
# distinct for the colour-blind, on white and on black
_GROUPS = np.array([
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167), (0, 114, 178), (213, 94, 0), (170, 160, 40),
    (140, 86, 75), (127, 127, 127), (148, 103, 189), (44, 160, 44), (23, 190, 207)], np.uint8)  # fmt: skip

_UNKNOWN = (128, 128, 128, 120)  # of particles without a value


@dataclass(frozen=True, eq=False)
class Colouring:
    """A colour for each particle, and what it means.

    Attributes
    ----------
    name : of the column. colours : ``(n, 4)`` uint8. unit : "Å", "°" or "".
    low, high : values of the first and the last colour; None for groups.
    groups : ``(text, rgba)`` for each that a legend names; ``more`` says how many it does not.
    unknown : particles without a value, which are grey.
    """

    name: str
    colours: np.ndarray
    unit: str = ""
    low: float | None = None
    high: float | None = None
    groups: tuple[tuple[str, tuple[int, ...]], ...] = ()
    more: int = 0
    unknown: int = 0


def colouring_of(column: Column, table: np.ndarray) -> Colouring:
    """Colours by a column; numbers take those of ``table`` ``(256, 4)`` from 0 to 1."""
    if column.categories or column.values.dtype.kind == "O":
        return _by_group(column)
    values = np.asarray(column.values, float)
    known = np.isfinite(values)
    if len(np.unique(values[known][:10_000])) <= 3 and np.array_equal(values[known], np.round(values[known])):
        return _by_group(column)
    low, high = np.percentile(values[known], (1, 99)) if known.any() else (0.0, 1.0)
    share = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    colours = (255 * table).astype(np.uint8)[(255 * np.where(known, share, 0)).astype(np.uint8)]
    colours[~known] = _UNKNOWN
    return Colouring(column.name, colours, column.unit, float(low), float(high), unknown=int((~known).sum()))


def _by_group(column: Column) -> Colouring:
    distinct, code = column.coded()
    known = distinct == distinct  # NaN, the value of those without one, comes last
    # neighbouring groups differ also where there are more of them than colours
    palette = np.concatenate([_GROUPS, np.full((len(_GROUPS), 1), 255, np.uint8)], axis=1)
    colours = np.where(known[code][:, None], palette[code % len(palette)], np.array(_UNKNOWN, np.uint8))
    names = [f"{value:g}" if distinct.dtype.kind == "f" else str(value) for value in distinct[known]]
    if len(names) <= MOST_GROUPS:
        share = np.bincount(code, minlength=len(distinct))[known] / max(1, int(known[code].sum()))
        names = [f"{name} ({100 * part:.0f} %)" for name, part in zip(names, share, strict=True)]
    named = [(name, tuple(int(part) for part in palette[k % len(palette)])) for k, name in enumerate(names)]
    return Colouring(
        column.name, colours, column.unit, groups=tuple(named[:MOST_GROUPS]), more=max(0, len(named) - MOST_GROUPS),
        unknown=int((~known[code]).sum()),
    )  # fmt: skip
