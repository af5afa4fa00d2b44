"""The ``reconstruct`` job: what it can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...parameters import parameter
from ..declare import Job

MAP, FIRST_OF_SERIES = "map.mrc", "map_000.mrc"  # what it writes: one map, or several


def first_map(folder: Path) -> Path:
    """The map that a reconstruction has written into its folder, of several the first; it may not be there yet."""
    several = folder / FIRST_OF_SERIES
    return several if several.is_file() else folder / MAP


@dataclass(frozen=True)
class ReconstructParameters:
    """A map of particles, from their own images, poses and CTFs alone: no model has a say in it.

    Every particle is taken for the same rigid body, so parts that move among them are smeared. ``at`` and ``path`` make
    maps of states, from the particles about each.
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
        "on the consensus that prep was given",
        job="mesh",
    )
    at: tuple[float, ...] = parameter(
        (),
        help="make the map of the state at this latent point, from the particles about it, nearer ones counting more: "
        "number by number, several points one after the other, as in flexrec generate. --model or --latents says whose",
        example="0.5,-1",
    )
    path: Path | None = parameter(
        None,
        help="the same at every point of a file: a .json that flexrec path wrote, .npz with an array z (points x "
        "dims), .npy, or .csv or .txt with a point in each row",
        example="loop.json",
    )
    model: Path | None = parameter(
        None,
        help="trained model, FlexRec's or another program's, whose latents --at and --path mean: distances are in the "
        "ångströms that it moves, and poses are as it has corrected them",
        job="train",
        newest=False,
    )
    latents: Path | None = parameter(
        None,
        help="in place of --model, an .npz with an array z (particles x dims) of latents of these particles, or of all "
        "that prep was given; precision (particles x dims x dims) and probability in it count too",
        example="z.npz",
    )


RECONSTRUCT = Job(
    verb="reconstruct",
    synopsis="Make a map from the images of all or of selected particles, or of those about a state: two half-maps and "
    "their agreement",
    parameters=ReconstructParameters,
    run=".reconstruct.reconstruct_run:run",
)
