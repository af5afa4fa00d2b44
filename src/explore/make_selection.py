"""The selection that a person asks for, joined with earlier ones and kept in the project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..models.points_file import read_points
from ..particles.selection import (
    Selection,
    combined,
    inverted,
    load_selection,
    make_selection,
    next_colour,
    save_selection,
    selection_names,
)
from .anchors import read_anchors
from .choose_particles import chosen_by_box, chosen_by_cluster, chosen_by_lasso, chosen_near, chosen_where
from .trained_model import Trained


def select(
    trained: Trained,
    name: str,
    *,
    lasso: np.ndarray | Path | None = None,
    axes: Sequence[str] = ("pc1", "pc2"),
    box: dict[str, tuple[float, float]] | None = None,
    clusters: Sequence[int] = (),
    where: str | None = None,
    near: str | None = None,
    count: int | None = None,
    radius: float | None = None,
    in_angstroms: bool = False,
    invert: bool = False,
    both: Sequence[str] = (),
    either: Sequence[str] = (),
    without: Sequence[str] = (),
    colour: str | None = None,
) -> Selection:
    """Make a selection and keep it in the project, in place of one of the same name.

    What is asked for (``lasso`` an outline or its file, ``box``, ``clusters``, ``where``, ``near`` a point as
    `anchors.read_anchors` reads it) must hold together; where nothing is, all particles are meant. ``invert`` then
    takes the others. The result is joined with earlier selections: ``both`` (and), ``either`` (or), ``without``
    (and not).
    """
    choices: list[tuple[str, np.ndarray]] = []
    if lasso is not None:
        outline = read_points(lasso, 2, axes) if isinstance(lasso, Path) else lasso
        choices.append((f"lasso in {','.join(axes)}", chosen_by_lasso(trained, axes, outline)))
    if box:
        text = ",".join(f"{key}={low:g}:{high:g}" for key, (low, high) in box.items())
        choices.append((f"box {text}", chosen_by_box(trained, box)))
    if clusters:
        choices.append((f"cluster {','.join(map(str, clusters))}", chosen_by_cluster(trained, clusters)))
    if where is not None:
        choices.append((where, chosen_where(trained, where)))
    if near is not None:
        unit = " Å" if in_angstroms else " latent units"
        how = f"within {radius:g}{unit} of" if radius is not None else f"the {count} nearest{' in Å' * in_angstroms} to"
        choices.append((f"{how} {near}", _near(trained, near, count, radius, in_angstroms)))
    elif count is not None or radius is not None or in_angstroms:
        raise InputError("How many, and how near, can only be said of particles near a point; give the point too.")
    mask = np.logical_and.reduce([chosen for _, chosen in choices]) if choices else np.ones(len(trained.latents), bool)
    made = " and ".join(words for words, _ in choices) or "all particles"
    colour = colour or _colour(trained, name)
    selection = make_selection(name, mask, len(mask), trained.identity, colour, made)
    selection = inverted(selection) if invert else selection
    for how, others in (("and", both), ("or", either), ("not", without)):
        for other in others:
            selection = combined(selection, how, load_selection(trained.project, other))
    save_selection(trained.project, selection)
    return selection


def _near(trained: Trained, text: str, count: int | None, radius: float | None, in_angstroms: bool) -> np.ndarray:
    points = read_anchors(text, trained)
    masks = [chosen_near(trained, point, count, radius, in_angstroms) for point in points]
    return np.logical_or.reduce(masks)


def _colour(trained: Trained, name: str) -> str:
    """A selection that is made again keeps its colour."""
    known = name in selection_names(trained.project)
    return load_selection(trained.project, name).colour if known else next_colour(trained.project)
