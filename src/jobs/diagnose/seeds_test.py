"""The same training from another seed: does it find the same latents, and the same motion?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...explore.state_agreement import StateAgreement, state_agreement
from ...explore.verdict import angstroms
from ...models import open_model
from ..job_folder import JobRun
from ..part_labels import labels_of_training
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from .finished_training import FinishedTraining, finished_training
from .keep_finding import keep_finding
from .train_again import train_again

PROJECT, PICTURE, LATENTS = "seeds", "seeds.png", "seeds_latents.png"
FURTHER = 1000  # of a seed: far from those of half models, which are next to a training's own
SAME, ALIKE = 0.95, 0.8  # correlation of every latent direction
MOVED_SAME, MOVED_ALIKE = 0.9, 0.6  # share of the changes that both have
READING = (
    "The training was done again from another seed, of the same images: another order of images, other random "
    "numbers, another division into half-maps. Latents may come out mirrored, turned or bent, so directions that "
    "match best are compared, and for each particle what the two models make of it. Two trainings that differ have "
    "not found what is in the images. Two that agree need not be right: they have seen the same noise, and may share "
    "a mistake; the null test and halves tell more."
)


def run(model: Path, device: str, job: JobRun) -> None:
    """Write seeds.json, its pictures, and the project seeds/ with the other training."""
    training = finished_training(model)
    seed = training.record["seed"] + FURTHER
    folder = train_again(training, job.folder / PROJECT / "001-train", device, job, f"seed {seed}", seed, halves=False)
    if folder is None:
        return
    other = open_model(folder)
    agreement = state_agreement(training.model, other, training.members)
    level, sentence = judge(agreement)
    pictures = _draw(training, other.latents, agreement, sentence, job)
    finding = Finding("seeds", level, sentence, READING, _rows(agreement), pictures, _numbers(agreement, seed))
    keep_finding(job, finding, training)


def judge(agreement: StateAgreement) -> tuple[str, str]:
    """A level and a sentence."""
    least, shared = float(agreement.correlation.min()), agreement.maps
    if agreement.motion is not None:
        motion, difference = agreement.motion.over(np.ones_like(agreement.motion.mass))
        shared = 1 - difference**2 / max(2 * motion**2, 1e-12)
        words = f"of {angstroms(motion)} of motion the two differ by {angstroms(difference)}"
    else:
        words = f"{100 * max(shared, 0):.0f} % of the changes of the map are common to both"
    text = f"latents correlate by {', '.join(f'{value:.3f}' for value in agreement.correlation)}, and {words}"
    if least > SAME and shared > MOVED_SAME:
        return GOOD, f"Another seed finds the same: {text}."
    if least > ALIKE and shared > MOVED_ALIKE:
        return DOUBTFUL, f"Another seed finds nearly the same: {text}."
    if agreement.correlation.max() > SAME:
        return DOUBTFUL, f"Another seed finds some of it again: {text}."
    return BAD, f"Another seed finds something else: {text}."


def _rows(agreement: StateAgreement) -> tuple[tuple[str, str], ...]:
    rows = [(f"latent direction {number}", f"correlation {each:.3f}, rank correlation {rank:.3f}")
            for number, (each, rank) in enumerate(zip(agreement.correlation, agreement.spearman), 1)]  # fmt: skip
    rows.append(("share of the map's changes that both have", f"{agreement.maps:.2f}"))
    if agreement.motion is not None:
        motion, difference = agreement.motion.over(np.ones_like(agreement.motion.mass))
        heavy = agreement.motion.mass > 0.02 * agreement.motion.mass.max()
        rows.append(("motion and difference, r.m.s.", f"{angstroms(motion)}, {angstroms(difference)}"))
        rows.append(("difference at the vertex where it is largest",
                     angstroms(float(agreement.motion.difference[heavy].max()))))  # fmt: skip
    return tuple(rows)


def _numbers(agreement: StateAgreement, seed: int) -> dict:
    numbers = {"seed": seed, "correlation": agreement.correlation.tolist(), "spearman": agreement.spearman.tolist(),
               "maps": agreement.maps}  # fmt: skip
    if agreement.motion is not None:
        motion, difference = agreement.motion.over(np.ones_like(agreement.motion.mass))
        numbers |= {"motion": motion, "difference": difference}
    return numbers


def _draw(
    training: FinishedTraining, other: np.ndarray, agreement: StateAgreement, sentence: str, job: JobRun
) -> tuple[tuple[str, str], ...]:
    from ...figures.agreement_figure import draw_agreement
    from ...figures.seeds_figure import draw_seeds

    model = training.model
    with job.output(LATENTS) as path:
        draw_seeds(path, model.latents[training.members], other[training.members], sentence)
    if agreement.motion is None:
        return ((LATENTS, ""),)
    with job.output(PICTURE) as path:
        mesh = model.moving_points.mesh
        labels = labels_of_training(training.folder, mesh.parts)
        draw_agreement(path, agreement.motion, mesh, model.volume, model.pixel_size, labels)
    return (LATENTS, ""), (PICTURE, "Where the molecule moves, and where the two trainings differ about it.")
