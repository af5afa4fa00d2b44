"""The ``reconstruct`` job: what it can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...parameters import parameter
from ..declare import Job

MAP = "map.mrc"  # what it writes of all its particles


@dataclass(frozen=True)
class ReconstructParameters:
    """A map of particles, as two half-maps.

    Without a model, from their images, poses and CTFs alone: every particle is taken for the same rigid body, so parts
    that move among them are smeared. With one, every particle's motion is undone, from the images as large as they were
    recorded, and the rigid map of the same particles is solved beside it in the same way.
    """

    particles: Path = parameter(help="prepared particles, whose images are read", job="prep")
    model: Path | None = parameter(
        None,
        help="training whose motion of every particle is undone, and whose corrected poses and chances of being a "
        "particle are used; if omitted, the map is rigid",
        job="train",
        newest=False,
    )
    selection: str | None = parameter(
        None,
        help="name of a selection kept in the project, of these particles, as it is when the job begins; if omitted, "
        "all particles",
    )
    mesh: Path | None = parameter(
        None,
        help="mesh whose consensus the maps shall lie on, as the models trained with it do; without any mesh, they lie "
        "on the consensus that prep was given",
        job="mesh",
    )
    box: int | None = parameter(
        None,
        help="with a model: size of the images and maps over prep's field of view; if omitted, that in which they were "
        "recorded. Prep's own box needs no other files than prep's",
        unit="px",
        low=8,
    )
    twin: bool = parameter(
        True, help="with a model: solve the rigid map of the same particles too, which takes as long again"
    )
    refine_poses: bool = parameter(
        False,
        help="with a model: refine the poses of each half by its own map and motion, from where the training left "
        "them, and solve again",
    )
    device: str = parameter(
        "auto", help="with a model: where to compute: auto, cpu, cuda, cuda:1, mps, …", advanced=True
    )


RECONSTRUCT = Job(
    verb="reconstruct",
    synopsis="Make a map from the images of all or of selected particles, rigid or in motion: two half-maps",
    parameters=ReconstructParameters,
    run=".reconstruct.reconstruct_run:run",
    member=".reconstruct.reconstruct_moving:solve_in_team",
)
