"""The ``reconstruct`` job: what it can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...parameters import READ, parameter
from ..declare import Job

MAP, FIRST_OF_SERIES = "map.mrc", "map_000.mrc"  # what it writes: one map, or several


def first_map(folder: Path) -> Path:
    """The map that a reconstruction has written into its folder, of several the first; it may not be there yet."""
    several = folder / FIRST_OF_SERIES
    return several if several.is_file() else folder / MAP


@dataclass(frozen=True)
class ReconstructParameters:
    """A map of particles, as two half-maps.

    Without a model, from their images, poses and CTFs alone: every particle is taken for the same rigid body, so parts
    that move among them are smeared. With one, every particle's motion is undone, from the images as large as they were
    recorded, and the rigid map of the same particles is solved beside it in the same way. ``at`` and ``path`` make maps
    of states from the images of the particles about each, without undoing any motion.
    """

    particles: Path = parameter(help="prepared particles, whose images are read", job="prep")
    model: Path | None = parameter(
        None,
        help="training whose motion of every particle is undone, and whose corrected poses and probabilities of "
        "being a particle are used; if omitted, the map is rigid. With --at or --path: whose latents they mean, "
        "FlexRec's or another program's; its motion is the measure of distance, and is not undone",
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
        "on the consensus that prep was given; resolution is told for each of its parts, and its mask is the mask. "
        "Maps under motion have the training's own mesh in its place",
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
    latents: Path | None = parameter(
        None,
        help="with --at or --path, in place of --model: an .npz with an array z (particles x dims) of latents of "
        "these particles, or of all that prep was given; precision (particles x dims x dims) and probability count "
        "too",
        example="z.npz",
    )
    box: int | None = parameter(
        None,
        help="with a model: size of the images and maps over prep's field of view; if omitted, that in which they were "
        "recorded. Prep's own box needs no other files than prep's",
        unit="px",
        low=16,
    )
    twin: bool = parameter(
        True, help="with a model: solve the rigid map of the same particles too, which takes as long again"
    )
    independent: bool = parameter(
        False,
        help="with a model that was trained with --halves: each half-map by the model of its own half, which has seen "
        "nothing of the other; the images that training held out are left out",
    )
    refine_poses: bool = parameter(
        False,
        help="with a model: refine the poses of each half by its own map and motion, from where the training left "
        "them, and solve again",
    )
    device: str = parameter(
        "auto", help="with a model: where to compute: auto, cpu, cuda, cuda:1, mps, …", advanced=True
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


_OF_MOTION = {"box", "twin", "independent", "refine_poses", "device"}  # parameters of maps whose motion is undone


def _unused(values: Mapping[str, Any]) -> frozenset[str]:
    """What means nothing with a point, and what without one."""
    if values.get("at") or values.get("path") is not None:
        return frozenset(_OF_MOTION)
    of_motion = _OF_MOTION if values.get("model") is None else set()
    return frozenset({"latents"} | of_motion)


RECONSTRUCT = Job(
    verb="reconstruct",
    synopsis="Make a map of all or of selected particles, rigid or in motion, or of those about a state: two half-maps",
    parameters=ReconstructParameters,
    run=".reconstruct.reconstruct_run:run",
    unused=_unused,
    member=".reconstruct.reconstruct_moving:solve_in_team",
)
