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
TORN = 0.35  # r.m.s. principal strain, as SOFT_STRAIN: an arm that goes all the way round has 0.2 to 0.3
TORN_SHARE = 0.02  # of the mesh, strained by more than STRETCHED: less are scraps, which a real motion may have too
CREASED, FOLDED = 0.01, 0.05  # share of the mesh that is inside out: at the hinge of such an arm it is one per cent
STRETCHED = 0.3  # strain of a cell that no hinge has but of an arm that goes all the way round
FAR = 1.0  # of the molecule's diameter: nothing that hangs together goes further from its mean place
DENSE = 0.001  # of the heaviest vertex' mass: one that carries less moves nothing that is seen
SAME = 0.7  # of the strain: where no state has less, it is a distortion and no motion
READING = (
    "Principal strain is how much longer or shorter the sides of a cell of the mesh become; a cell counts by its "
    "rigidity, which follows its density, and its volume. Protein bends at hinges and hardly stretches, so a real "
    "motion strains the mesh by some per cent, and by 20 to 30 where an arm goes all the way round. More tears density "
    "apart: a flow does that where it explains noise or wrong poses. Strain that no state is without is no motion, but "
    "a map that was bent out of shape at the start, by few or weak images as a rule; where it is in few cells, latents "
    "may be right nevertheless (the tests motion and halves tell), but maps have scraps there."
)


@dataclass(frozen=True, eq=False)
class Plausibility:
    """What the states of m particles say.

    Attributes
    ----------
    strain : ``(m,)`` r.m.s. principal strain of each state. folded : ``(m,)`` share of the mesh that is inside out.
    stretched : share of the mesh in cells that are strained by more than `STRETCHED`.
    volume : ``(m,)`` r.m.s. change of cells' volumes. cells : ``(c,)`` r.m.s. principal strain of each cell.
    farthest : ``(m,)`` Å that the vertex which goes farthest is from its mean place. diameter : Å, of the molecule.
    mean : ``(v, 3)`` Å, the mean shape.
    """

    strain: np.ndarray
    stretched: float
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

    @property
    def common(self) -> float:
        """The strain that no state is without."""
        return float(self.strain.min())


def run(model: Path, device: str, job: JobRun) -> None:
    """Write strain.json, strain.npz and strain.png."""
    from ...figures.strain_figure import draw_strain

    training = finished_training(model)
    result = plausibility(training)
    level, sentence = judge(result)
    moving = training.model.moving_points
    with job.output(PICTURE) as path:
        draw_strain(path, moving.mesh, moving.mass, result.mean, result.cells, result.strain, (SOFT_STRAIN, TORN),
                    sentence)  # fmt: skip
    with job.output(ARRAYS) as path, open(path, "wb") as file:
        np.savez(file, strain=result.strain, folded=result.folded, cells=result.cells)
    keep_finding(job, Finding("strain", level, sentence, READING, _rows(result), ((PICTURE, ""),), _numbers(result)),
                 training)  # fmt: skip


def plausibility(training: FinishedTraining) -> Plausibility:
    """Of the particles' own states, at most `STATES` of them; ``InputError`` where nothing moves."""
    from ...engine.decoders.flow.mesh_deformation import mesh_deformation
    from ...engine.decoders.flow.soft_modes import rigidity_weights

    model, moving, rows = training.model, training.model.moving, training.members
    if moving is None:
        raise InputError(f"model: nothing moves in {training.folder.name}, so nothing is strained.")
    states = moving.vertices(model.latents[rows[spread_rows(len(rows), STATES)]])
    mean = mean_shape(states, moving.mass)
    at_rest = mesh_deformation(moving.mesh, states)
    away = np.linalg.norm(states - place(mean, states, moving.mass), axis=2)
    seen = moving.mass > DENSE * moving.mass.max()
    vertices = moving.mesh.vertices
    gyration = moving.mass @ ((vertices - moving.mass @ vertices) ** 2).sum(axis=1)
    return Plausibility(
        at_rest.strain, float(rigidity_weights(moving.mesh) @ (at_rest.cells > STRETCHED)), at_rest.folded,
        at_rest.volume, away[:, seen].max(axis=1), 2 * float(np.sqrt(5 / 3 * gyration)), at_rest.cells, mean,
    )  # fmt: skip


def judge(result: Plausibility) -> tuple[str, str]:
    """A level and a sentence."""
    size, folded, far = result.size, float(result.folded.mean()), float(np.percentile(result.farthest, 95))
    torn = size > TORN and result.stretched > TORN_SHARE
    level = _level(size, torn or folded > FOLDED or far > FAR * result.diameter, folded)
    words = f"the mesh is strained by {100 * size:.1f} % (r.m.s.)"
    if level == GOOD:
        return level, f"A molecule can move so: {words}, and no part goes farther than {angstroms(far)}."
    if size > SOFT_STRAIN:
        words += f", {100 * result.stretched:.1f} % of it by more than {100 * STRETCHED:.0f} %"
    if result.common > SAME * size:
        words += f", and in no state by less than {100 * result.common:.1f} %: the map itself is bent out of shape"
    if folded > CREASED:
        words += f"; {100 * folded:.1f} % of it is inside out"
    if far > FAR * result.diameter:
        words += f"; parts go {angstroms(far)} from their mean place, farther than the molecule is wide"
    doubt = "No molecule moves so" if level == BAD else "Few molecules move so"
    return level, f"{doubt}: {words}. Right poses, a coarser mesh or a higher --rigidity hold it together."


def _level(size: float, impossible: bool, folded: float) -> str:
    if impossible:
        return BAD
    return DOUBTFUL if size > SOFT_STRAIN or folded > CREASED else GOOD


def _rows(result: Plausibility) -> tuple[tuple[str, str], ...]:
    half, most = np.percentile(result.strain, (50, 95))
    return (
        ("strain of the mesh, r.m.s. over states; half of them, and 95 %, have less",
         f"{100 * result.size:.1f} %; {100 * half:.1f} %, {100 * most:.1f} %"),
        ("of the state that is strained least", f"{100 * result.common:.1f} %"),
        (f"share of the mesh strained by more than {100 * STRETCHED:.0f} %", f"{100 * result.stretched:.1f} %"),
        ("change of cells' volumes, r.m.s.", f"{100 * np.sqrt(np.mean(result.volume**2)):.1f} %"),
        ("share of the mesh inside out, mean and most", f"{100 * result.folded.mean():.2f} %, "
                                                        f"{100 * result.folded.max():.2f} %"),
        ("farthest from its mean place, half of the states and 95 %",
         f"{np.percentile(result.farthest, 50):.1f} Å, {np.percentile(result.farthest, 95):.1f} Å of a molecule "
         f"{result.diameter:.0f} Å wide"),
    )  # fmt: skip


def _numbers(result: Plausibility) -> dict:
    return {"strain": result.size, "common": result.common, "stretched": result.stretched,
            "volume": float(np.sqrt(np.mean(result.volume**2))), "folded": float(result.folded.mean()),
            "farthest": float(np.percentile(result.farthest, 95)), "diameter": result.diameter}  # fmt: skip
