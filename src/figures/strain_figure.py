"""strain.png: how far each state strains the mesh, and where."""

from __future__ import annotations

import os
import textwrap

import numpy as np

from ..mesh.tetmesh import TetMesh
from .molecule_views import VIEWS, strong_colours
from .sheet import BLUE, ORANGE, new_figure, say

_DENSE = 0.01  # of the heaviest cell's mass: emptier cells are not drawn


def draw_strain(
    path: str | os.PathLike[str],
    mesh: TetMesh,
    mass: np.ndarray,
    shape: np.ndarray,
    cells: np.ndarray,
    states: np.ndarray,
    limits: tuple[float, float],
    sentence: str,
) -> None:
    """Write the picture; ``sentence`` is its title.

    Parameters
    ----------
    mass : ``(v,)`` of each vertex. shape : ``(v, 3)`` Å. cells : ``(c,)`` strain, at the middle of the cells.
    states : ``(m,)`` strain of each state.
    limits : strain from which a motion is doubtful, and bad.
    """
    figure = new_figure(14, 5.2)
    figure.suptitle(textwrap.fill(sentence, 150), fontsize=11, parse_math=False)
    histogram, *views = figure.subplots(1, 4, width_ratios=(1.2, 1, 1, 1))
    top = 100 * max(1.15 * limits[1], float(states.max()))
    histogram.hist(100 * states, bins=np.linspace(0, 1.02 * top, 60).tolist(), color=BLUE, alpha=0.7)
    for limit, style in zip(limits, (":", "--")):
        histogram.axvline(100 * limit, color=ORANGE, linestyle=style)
    histogram.set(xlabel="strain of a state (%); lines: doubtful, bad", ylabel="states", yticks=[])
    histogram.spines[["top", "right"]].set_visible(False)
    weight = mass[mesh.cells].mean(axis=1)
    order = np.flatnonzero(weight > _DENSE * weight.max())
    order = order[np.argsort(cells[order])]  # what is strained most is drawn last
    middle = shape[mesh.cells].mean(axis=1)[order]
    for axis, (right_name, up_name, right, up, _) in zip(views, VIEWS):
        drawn = axis.scatter(middle[:, right], middle[:, up], c=100 * cells[order], s=9, cmap=strong_colours(),
                             vmin=0, vmax=100 * limits[1], linewidths=0)  # fmt: skip
        axis.set(xlabel=f"{right_name} (Å)", ylabel=f"{up_name} (Å)", aspect="equal")
        axis.spines[["top", "right"]].set_visible(False)
    figure.colorbar(drawn, ax=views, shrink=0.8, pad=0.01, extend="max", label="r.m.s. strain of a cell (%)")
    say(figure, "How to read: left, each state of a particle; a motion that a molecule can make is left of the orange "
                "lines, and states that are all far from zero share a distortion that is no motion. Right, the "
                "cells of the mesh that hold density: strained at a hinge alone is as it should be.")  # fmt: skip
    figure.savefig(path, format="png")
