"""The ``reconstruct`` job: what it can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...parameters import READ, parameter
from ..declare import Job

MAP = "map.mrc"  # what it writes of all its particles


@dataclass(frozen=True)
class ReconstructParameters:
    """A map of particles, from their own images, poses and CTFs alone: no model has a say in it.

    Every particle is taken for the same rigid body, so parts that move among them are smeared.
    """

    particles: Path = parameter(help="prepared particles, whose images are read", job="prep")
    selection: str | None = parameter(
        None,
        help="name of a selection kept in the project, of these particles, as it is when the job begins; if omitted, "
        "all particles",
    )
    mesh: Path | None = parameter(
        None,
        help="mesh whose consensus the maps shall lie on, as the models trained with it do; without any mesh, they lie "
        "on the consensus that prep was given; resolution is told for each of its parts, and its mask is the mask",
        job="mesh",
    )
    mask: Path | None = parameter(
        None,
        help="map from 0 to 1 that the half-maps are compared in; if omitted, the mesh's mask with a soft edge, or "
        "without a mesh one made of the half-maps",
        path=READ,
    )
    b_factor: float | None = parameter(
        None,
        help="sharpen the map by this B-factor, negative to sharpen, in place of the one that its own decay shows from "
        "10 Å on (Guinier)",
        unit="Å²",
        low=-2000,
        high=2000,
        example="-80",
    )


RECONSTRUCT = Job(
    verb="reconstruct",
    synopsis="Make a map from the images of all or of selected particles, rigid: two half-maps and their agreement",
    parameters=ReconstructParameters,
    run=".reconstruct.reconstruct_run:run",
)
