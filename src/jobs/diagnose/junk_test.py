"""Which images fit no state of the model, listed as a selection that can be exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...explore.unfit_particles import unfit
from ...particles.copies import image_numbers
from ...particles.prepared import particles_identity
from ...particles.selection import COLOURS, make_selection, save_selection
from ..job_folder import JobRun
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from .finished_training import FinishedTraining, finished_training
from .keep_finding import keep_finding
from .restored_training import restore

PICTURE, ARRAYS = "junk.png", "junk.npz"
FEWEST = 100  # images among which clouds can be told
FEW, MANY = 0.01, 0.1  # share of the images
READING = (
    "Each point is an image: to the right, how strong the model's image is in it (1 for a particle of mean signal, 0 "
    "for anything that is none); upwards, what the model leaves over beyond noise. One round cloud about 1 and 0 is "
    "as it should be. A cloud near 0 is junk; points far above are other molecules, broken particles, or states that "
    "the model cannot make. The selection is seen in the panel's Select tab and exported with flexrec save particles."
)


def run(model: Path, device: str, job: JobRun) -> None:
    """Write junk.json, junk.npz, junk.png, and the project's selection where there is anything to select."""
    from ...figures.junk_figure import draw_junk
    from ..train.train_run import choose_device

    training = finished_training(model)
    measured = fits(training, choose_device(device), job)
    if measured is None:
        return
    rows, scale, excess = measured
    probability = training.latents.get("probability", np.ones(len(training.model.latents)))
    foreign = np.zeros(len(probability), bool)
    image = image_numbers(training.prepared.particles)[rows]
    foreign[rows] = unfit(scale, excess, particles_among(scale, excess, image))
    none = foreign | ~(probability >= 0.5)
    name = _select(training, none, job) if none.any() else ""
    kept = getattr(training.parameters, "junk", "") == "keep"
    level, sentence = judge(int(none.sum()), len(none), int((~(probability >= 0.5)).sum()), name, kept)
    with job.output(PICTURE) as path:
        draw_junk(path, scale, excess, none[rows], sentence)
    with job.output(ARRAYS) as path, open(path, "wb") as file:
        np.savez(file, rows=rows, scale=scale, excess=excess, unfit=none)
    numbers = {"images": len(none), "unfit": int(none.sum()), "known_junk": int((~(probability >= 0.5)).sum()),
               "scale": [float(np.median(scale)), float(scale.std())],
               "excess": [float(np.median(excess)), float(excess.std())]}  # fmt: skip
    table = (
        ("images that fit no state", f"{int(none.sum()):,} of {len(none):,}"),
        ("of these known to the training as no particles", f"{numbers['known_junk']:,}"),
        ("scale of the model's image, median and spread", f"{np.median(scale):.2f}, {scale.std():.2f}"),
        ("misfit beyond noise, median and spread", f"{np.median(excess):.1f}, {excess.std():.1f} deviations of noise"),
    )
    keep_finding(job, Finding("junk", level, sentence, READING, table, ((PICTURE, ""),), numbers), training)


def fits(
    training: FinishedTraining, device: str, job: JobRun
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Rows ``(m,)`` of the particles that have a latent point, the scale ``(m,)`` of the model's image in each image
    and the misfit ``(m,)`` beyond noise that is left; None where the job was asked to stop.
    """
    from ...engine.training.resemblance import resemblance

    restored = restore(training, device)
    rows = np.flatnonzero(np.isfinite(training.model.latents).all(axis=1))
    alike = [resemblance(restored.stage, batch, image).cpu().numpy()
             for batch, image in restored.predicted(rows, job, "fit of the images")]  # fmt: skip
    values = np.concatenate(alike).astype(float)
    return (rows, values[:, 0], values[:, 1]) if len(values) == len(rows) else None


def particles_among(scale: np.ndarray, excess: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Which images ``(m,)`` are rather particles than not, by the clouds that ``scale`` and ``excess`` ``(m,)`` form.

    So training tells its members; ``image`` ``(m,)`` is equal for copies of one image. All, where there are too few to
    form clouds.
    """
    from ...engine.training.membership import particle_probability
    from ...engine.training.resemblance import of_images

    points, number = of_images(np.stack([scale, excess], axis=1), image)
    if len(points) < FEWEST:
        return np.ones(len(scale), bool)
    return (particle_probability(points) >= 0.5)[number]


def _select(training: FinishedTraining, none: np.ndarray, job: JobRun) -> str:
    """Keep them as a selection of the training's project; its name."""
    name = f"unfit-{training.folder.name}"
    made = f"images that fit no state of {training.folder.name}"
    identity = particles_identity(training.prepared.folder)
    save_selection(training.folder.parent, make_selection(name, none, len(none), identity, COLOURS[-1], made))
    return name


def judge(unfit: int, count: int, known: int, name: str, kept: bool = False) -> tuple[str, str]:
    """A level and a sentence; ``known`` to the training as no particles, unless it ``kept`` all."""
    share = unfit / max(count, 1)
    level = GOOD if share < FEW else DOUBTFUL if share < MANY else BAD
    if not unfit:
        return level, f"Each of the {count:,} images fits a state of the model."
    aware = f", of which training knew {known:,} as no particles" if known else ""
    advice = ", and training learned from them: train again with --junk weigh" if kept and level != GOOD else ""
    return level, (f"{unfit:,} of {count:,} images ({100 * share:.1f} %) fit no state of the model{aware}; they are "
                   f"the selection {name!r} of the project{advice}.")  # fmt: skip
