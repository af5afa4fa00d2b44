"""The ``generate`` job: what it can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...parameters import parameter
from ..declare import Job


@dataclass(frozen=True)
class GenerateParameters:
    """Maps at chosen latent points, from any checkpoint of a training.

    Ask for any of ``at``, ``path``, ``along`` and ``grid``, together if you like; each makes a series of its own.
    """

    model: Path = parameter(
        help="trained model; one that is still in training may be named, and gives its newest epoch", job="train"
    )
    at: tuple[float, ...] = parameter(
        (), help="latent points, number by number: with two latent dimensions 0.5,-1,2,0 asks for (0.5, -1) and (2, 0)",
        example="0.5,-1,2,0",
    )
    path: Path | None = parameter(
        None,
        help="file of latent points: a .json that flexrec path wrote, .npz with an array z (points x dims), .npy, or "
        ".csv or .txt with a point in each row",
        example="loop.json",
    )
    along: tuple[str, ...] = parameter(
        (),
        help="series of maps along a line through the median of all particles: z1, z2, … is a latent axis; pc1, pc2, … "
        "is a principal component of the motion in ångströms, strongest first. If nothing at all is asked, pc1 to pc3",
        example="pc1,pc2",
    )
    grid: int | None = parameter(
        None, help="maps on a regular grid of so many points along every latent axis", low=2, high=100, example="5"
    )
    frames: int = parameter(
        11, help="maps in each series; an odd number has the median in the middle", low=2, high=1000
    )
    range: tuple[float, ...] = parameter(
        (2.0, 98.0),
        help="where series and grids begin and end: percentiles of the particles",
        unit="%",
        low=0,
        high=100,
    )
    map: Path | None = parameter(
        None,
        help="another map to move in place of the model's own: a sharper one, of a larger box over the same field of "
        "view and in the same frame",
        example="sharp.mrc",
    )
    map_pixel_size: float | None = parameter(
        None, help="pixel size of that map, where its header is wrong", unit="Å", low=0.1, high=30, advanced=True
    )
    keep_outside: bool = parameter(
        False, help="add what lies outside the mesh's mask, unmoved; otherwise it is left out", advanced=True
    )
    threads: int | None = parameter(None, help="threads; if omitted, one per core", low=1, advanced=True)


def without_use(values: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that mean nothing with some values, and why of each."""
    causes: dict[str, str] = {}
    if values.get("map") is None:
        causes |= dict.fromkeys(("map_pixel_size", "keep_outside"), "without --map")
    grid, points = values.get("grid") is not None, bool(values.get("at")) or values.get("path") is not None
    if not values.get("along") and (grid or points):
        causes["frames"] = "without --along"
        if not grid:
            causes["range"] = "without --along or --grid"
    return causes


GENERATE = Job(
    verb="generate",
    synopsis="Make maps at latent points: a series along a motion, a grid, or points of your own",
    parameters=GenerateParameters,
    run=".generate.generate_run:run",
    unused=lambda values: frozenset(without_use(values)),
)
