"""Is the motion one that a molecule could make? How far states stretch, squeeze and fold the mesh, and how far it goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...explore.bending import STATES, mean_shape, place, spread_rows
from ...explore.verdict import angstroms
from ...explore.worse_map_causes import SOFT_STRAIN
from ..job_folder import JobRun
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from .finished_training import FinishedTraining, finished_training
from .keep_finding import keep_finding

PICTURE, ARRAYS = "strain.png", "strain.npz"
TORN = 0.25  # r.m.s. principal strain, as SOFT_STRAIN, from which a mesh is too soft
CREASED, FOLDED = 0.001, 0.01  # share of the mesh, by rigidity and volume, that is inside out
FAR = 1.0  # of the molecule's diameter: nothing that hangs together goes further from its mean place
DENSE = 0.001  # of the heaviest vertex' mass: one that carries less moves nothing that is seen
SAME = 0.7  # of the strain: so much of it in the mean shape is a distortion, no motion
READING = (
    "Principal strain is how much longer or shorter the sides of a cell of the mesh become, its density weighing it. "
    "Protein bends at hinges and hardly stretches, so a real motion strains the mesh by some per cent, also where an "
    "arm goes all the way round. Several tens of per cent tear density apart, and cells turned inside out are no "
    "motion at all: a flow does that where it explains noise or wrong poses. Strain that all states share is no motion "
    "either, but a map that was bent out of shape from the start; latents may be right nevertheless. In the pictures "
    "cells are where the molecule is in its mean shape."
)


@dataclass(frozen=True, eq=False)
class Plausibility:
    """What the states of m particles say.

    Attributes
    ----------
    strain, bending : ``(m,)`` r.m.s. principal strain of each state against the mesh at rest, and against the mean
        shape. common : that of the mean shape against the mesh at rest.
    folded : ``(m,)`` share of the mesh that is inside out. volume : ``(m,)`` r.m.s. change of cells' volumes.
    farthest : ``(m,)`` Å that the vertex which goes farthest is from its mean place. diameter : Å, of the molecule.
    cells : ``(c,)`` r.m.s. principal strain of each cell. mean : ``(v, 3)`` Å, the mean shape.
    """

    strain: np.ndarray
    bending: np.ndarray
    common: float
    folded: np.ndarray
    volume: np.ndarray
    farthest: np.ndarray
    diameter: float
    cells: np.ndarray
    mean: np.ndarray

    @property
    def size(self) -> float:
        """R.m.s. strain over all states."""
        return float(np.sqrt(np.mean(self.strain**2)))


def run(model: Path, device: str, job: JobRun) -> None:
    """Write strain.json, strain.npz and strain.png."""
    from ...figures.strain_figure import draw_strain

    training = finished_training(model)
    result = plausibility(training)
    level, sentence = judge(result)
    moving = training.model.moving_points
    with job.output(PICTURE) as path:
        draw_strain(path, moving.mesh, moving.mass, result.mean, result.cells, (result.strain, result.bending),
                    (SOFT_STRAIN, TORN), sentence)  # fmt: skip
    with job.output(ARRAYS) as path, open(path, "wb") as file:
        np.savez(file, strain=result.strain, bending=result.bending, folded=result.folded, cells=result.cells)
    keep_finding(job, Finding("strain", level, sentence, READING, _rows(result), ((PICTURE, ""),), _numbers(result)),
                 training)  # fmt: skip


def plausibility(training: FinishedTraining) -> Plausibility:
    """Of the particles' own states, at most `STATES` of them; ``InputError`` where nothing moves."""
    from ...engine.decoders.flow.mesh_deformation import mesh_deformation

    model, moving, rows = training.model, training.model.moving, training.members
    if moving is None:
        raise InputError(f"model: nothing moves in {training.folder.name}, so nothing is strained.")
    states = moving.vertices(model.latents[rows[spread_rows(len(rows), STATES)]])
    mean = mean_shape(states, moving.mass)
    at_rest, bent = mesh_deformation(moving.mesh, states), mesh_deformation(moving.mesh, states, mean)
    away = np.linalg.norm(states - place(mean, states, moving.mass), axis=2)
    seen = moving.mass > DENSE * moving.mass.max()
    vertices = moving.mesh.vertices
    gyration = moving.mass @ ((vertices - moving.mass @ vertices) ** 2).sum(axis=1)
    return Plausibility(
        at_rest.strain, bent.strain, float(mesh_deformation(moving.mesh, mean[None]).strain[0]), at_rest.folded,
        bent.volume, away[:, seen].max(axis=1), 2 * float(np.sqrt(5 / 3 * gyration)), at_rest.cells, mean,
    )  # fmt: skip


def judge(result: Plausibility) -> tuple[str, str]:
    """A level and a sentence."""
    size, folded, far = result.size, float(result.folded.mean()), float(np.percentile(result.farthest, 95))
    level = _level(size, folded, far / result.diameter)
    words = f"the mesh is strained by {100 * size:.1f} % (r.m.s.)"
    if level == GOOD:
        return level, f"A molecule can move so: {words}, and no part goes farther than {angstroms(far)}."
    if folded > CREASED:
        words += f" and {100 * folded:.1f} % of it is inside out"
    if far > FAR * result.diameter:
        words += f"; parts go {angstroms(far)} from their mean place, farther than the molecule is wide"
    if result.common > SAME * size:
        words += f", {100 * result.common:.1f} % of that in all states alike: the map itself is bent out of shape"
    doubt = "No molecule moves so" if level == BAD else "Few molecules move so"
    return level, f"{doubt}: {words}. Fewer latent dimensions, a coarser mesh or a higher --rigidity hold it together."


def _level(size: float, folded: float, far: float) -> str:
    if size > TORN or folded > FOLDED or far > FAR:
        return BAD
    return DOUBTFUL if size > SOFT_STRAIN or folded > CREASED else GOOD


def _rows(result: Plausibility) -> tuple[tuple[str, str], ...]:
    half, most = np.percentile(result.strain, (50, 95))
    moved = float(np.sqrt(np.mean(result.bending**2)))
    return (
        ("strain of the mesh, r.m.s. over states; half of them, and 95 %, have less",
         f"{100 * result.size:.1f} %; {100 * half:.1f} %, {100 * most:.1f} %"),
        ("of the mean shape, which all states share", f"{100 * result.common:.1f} %"),
        ("of the motion, against the mean shape", f"{100 * moved:.1f} %"),
        ("change of cells' volumes by the motion, r.m.s.", f"{100 * np.sqrt(np.mean(result.volume**2)):.1f} %"),
        ("share of the mesh inside out, mean and most", f"{100 * result.folded.mean():.2f} %, "
                                                        f"{100 * result.folded.max():.2f} %"),
        ("farthest from its mean place, half of the states and 95 %",
         f"{np.percentile(result.farthest, 50):.1f} Å, {np.percentile(result.farthest, 95):.1f} Å of a molecule "
         f"{result.diameter:.0f} Å wide"),
    )  # fmt: skip


def _numbers(result: Plausibility) -> dict:
    return {"strain": result.size, "common": result.common, "motion": float(np.sqrt(np.mean(result.bending**2))),
            "volume": float(np.sqrt(np.mean(result.volume**2))), "folded": float(result.folded.mean()),
            "farthest": float(np.percentile(result.farthest, 95)), "diameter": result.diameter}  # fmt: skip
