"""How latents come to their places, pass by pass: do they converge, and are they bent to a V?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import InputError
from ...explore.latents_by_pass import Convergence, LatentsByPass, convergence, read_latents_by_pass
from ..job_folder import JobRun
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from .finished_training import finished_training
from .keep_finding import keep_finding

PICTURE, FILM = "epochs.png", "epochs.gif"
CONVERGED, MOVING = 0.97, 0.8  # mean canonical correlation of the last two passes
BENT, ARCHED = 0.3, 0.5  # share of variance that only a quadratic function explains
READING = (
    "Each frame is a pass over the images. With one latent dimension, a particle's latent after that pass is drawn "
    "against its last one: a line is a place that is kept, a V means that both ends of the motion were one place "
    "then. With more, the first two are drawn, coloured by the last place on the first. A V in early passes that "
    "opens later is how a training often begins, and harms nothing; one that stays has folded a motion."
)


def run(model: Path, device: str, job: JobRun) -> None:
    """Write epochs.json, epochs.png and epochs.gif."""
    from ...figures.epochs_figure import draw_epochs, film_epochs

    training = finished_training(model)
    kept = read_latents_by_pass(training.folder)
    if len(kept.passes) < 2:
        raise InputError(f"model: {training.folder.name} has one pass only, of which there is nothing to compare.")
    course = convergence(kept)
    level, sentence = judge(kept, course)
    with job.output(PICTURE) as path:
        draw_epochs(path, kept, course, sentence)
    with job.output(FILM) as path:
        film_epochs(path, kept)
    rows = tuple((f"pass {number}", f"agrees with the last by {to_last:.3f}; bent by {bend:.2f}")
                 for number, to_last, bend in zip(kept.passes, course.to_last, course.bend))  # fmt: skip
    numbers = {"passes": kept.passes.tolist(), "to_last": course.to_last.tolist(), "bend": course.bend.tolist(),
               "last_step": course.last_step, "arch": course.arch}  # fmt: skip
    pictures = ((PICTURE, ""), (FILM, "The same as a film."))
    keep_finding(job, Finding("epochs", level, sentence, READING, rows, pictures, numbers), training)


def judge(kept: LatentsByPass, course: Convergence) -> tuple[str, str]:
    """A level and a sentence."""
    early = [str(number) for number, bend in zip(kept.passes[:-1], course.bend[:-1]) if bend > BENT]
    was = f" (a V in pass {', '.join(early)}, which has opened)" if early else ""
    step = f"the last two passes agree by {course.last_step:.3f}"
    if not np.ptp(kept.z[-1], axis=0).any():
        return BAD, "Latents have collapsed: all particles end with the same ones, for the images tell no states apart."
    if course.arch > ARCHED:
        return BAD, (f"Latents end bent: {100 * course.arch:.0f} % of one dimension is a square of another, so that "
                     "one motion fills two dimensions.")  # fmt: skip
    if course.last_step < MOVING:
        return BAD, f"Latents have not settled: {step}; train for more epochs, or with fewer dimensions."
    if course.last_step < CONVERGED:
        return DOUBTFUL, f"Latents still move a little: {step}; more epochs may sharpen them{was}."
    return GOOD, f"Latents have settled: {step}{was}."
