"""The path that a person asks for, of whichever kind, and what is said about it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..errors import InputError
from .anchors import read_anchors, read_point
from .path import LatentPath, save_path
from .path_graph import graph_path
from .path_lines import FRAMES, component_path, path_from_file, straight_path
from .trained_model import Trained


def make_path(
    trained: Trained,
    *,
    axis: str | None = None,
    through: str | None = None,
    graph: str | None = None,
    points: Path | None = None,
    frames: int | None = None,
    percentiles: tuple[float, float] = (5.0, 95.0),
    at: str | None = None,
    in_angstroms: bool = False,
) -> LatentPath:
    """A path by exactly one of ``axis``, ``through``, ``graph`` and ``points``.

    Parameters
    ----------
    axis : z1 … or pc1 …, from percentile to percentile, through the point ``at`` or the median of the particles.
    through, graph : points as `anchors.read_anchors` reads them; straight, or by way of neighbouring particles.
    points : a file; its points, within reach, are kept as they are unless ``frames`` is given.
    frames : by default 30. in_angstroms : constant speed, and the shortest way, in ångströms of motion.
    """
    courses = [name for name in (axis, through, graph, points) if name is not None]
    if len(courses) != 1:
        raise InputError("A path is made one way: along an axis, through points, by the graph, or from a file; choose "
                         f"one, not {len(courses)}.")  # fmt: skip
    if at is not None and axis is None:
        raise InputError("The point that a path goes through can only be given for a path along an axis.")
    if tuple(percentiles) != (5.0, 95.0) and axis is None:
        raise InputError("Percentiles, where a path begins and ends, can only be given for a path along an axis.")
    if in_angstroms and points is not None and frames is None:
        raise InputError(f"{points}: its points are kept as they are; ask for a number of frames too, which are then "
                         "even in ångströms.")  # fmt: skip
    motion = trained.angstroms if in_angstroms else None
    if points is not None:
        path = path_from_file(points, trained.model.latent_dims, frames, motion)
        trained.point(path.z)
        return path
    frames = FRAMES if frames is None else frames
    if axis is not None:
        middle = None if at is None else read_point(at, trained)
        known = trained.latents[trained.finite]
        return component_path(axis, trained.components, known, frames, percentiles, middle, motion)
    anchors = read_anchors(through or graph or "", trained)
    if through is not None:
        return straight_path(anchors, frames, motion)
    return graph_path(anchors, trained.latents, frames, motion, trained.support)


def write_path(trained: Trained, path: LatentPath, output: str | os.PathLike[str]) -> None:
    """Write a path to a file, with its length."""
    save_path(output, path, path.length(trained.motion), "" if trained.motion is None else "Å")


def describe_path(trained: Trained, path: LatentPath) -> str:
    """Its length and how many of its frames lie where particles are, in a sentence."""
    grade = trained.support.grade(path.z)
    far = np.count_nonzero(grade == "outside")
    where = "all among particles" if (grade == "inside").all() else (
        f"{np.count_nonzero(grade == 'edge')} at the edge of the particles and {far} where there are none")  # fmt: skip
    unit = "latent units" if trained.motion is None else "Å"
    return f"{path.name}: {len(path)} frames over {path.length(trained.motion):.1f} {unit}, {where}"
