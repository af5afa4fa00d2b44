"""How many latent dimensions the images support: the gain on images that were held out, dimension by dimension."""

from __future__ import annotations

from pathlib import Path

from ...explore.verdict import SURE, with_error
from ..job_folder import JobRun
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from .finished_training import finished_training
from .half_models import HeldOutGains, half_models, held_out_gains, refuse_without_halves
from .keep_finding import keep_finding

PICTURE = "dimensions.png"
Step = tuple[float, float]  # a gain and its standard error, nats per image
READING = (
    "For each number of latent dimensions up to one more than the training has, two models are trained on halves of "
    "the images, and images that neither has seen are judged by them. A dimension that is in the images adds to this "
    "gain; one that fits noise adds nothing, or takes away. The step of a dimension is compared image by image, and "
    "counts from three standard errors on."
)


def run(model: Path, device: str, job: JobRun) -> None:
    """Write dimensions.json, dimensions.png, and the half models in halves/."""
    from ...figures.dimensions_figure import draw_dimensions

    training = finished_training(model)
    refuse_without_halves(training)
    wanted, gains = training.model.latent_dims, []
    for dims in range(1, wanted + 2):
        folder = half_models(training, dims, device, job)
        if folder is None:
            return
        gains.append(held_out_gains(folder, training))
    totals = [each.mean() for each in gains]
    steps = [totals[0], *(_step(now, before) for before, now in zip(gains, gains[1:]))]
    level, sentence = judge(steps)
    with job.output(PICTURE) as path:
        draw_dimensions(path, totals, steps, wanted, sentence)
    rows = tuple((f"{dims} dimension{'s' * (dims > 1)}",
                  f"held-out gain {with_error(*total)} nats per image, {with_error(*step)} more than with one less")
                 for dims, (total, step) in enumerate(zip(totals, steps), 1))  # fmt: skip
    numbers = {"gain": totals, "step": steps, "latent_dims": wanted}
    keep_finding(job, Finding("dimensions", level, sentence, READING, rows, ((PICTURE, ""),), numbers), training)


def _step(now: HeldOutGains, before: HeldOutGains) -> Step:
    """The gain over one dimension less; image by image where both were judged by the same."""
    if len(now.row) == len(before.row) and (now.row == before.row).all():
        return now.mean(less=before)
    (first, error), (second, other) = now.mean(), before.mean()
    return first - second, (error**2 + other**2) ** 0.5


def judge(steps: list[Step]) -> tuple[str, str]:
    """A level and a sentence, of the gain that each dimension adds; the last is one more than the training has."""
    wanted = len(steps) - 1
    sure = [gain > SURE * error for gain, error in steps]
    supported = sum(sure[:wanted])
    more = f"one more adds {with_error(*steps[-1])}"
    if not supported:
        return BAD, f"No latent dimension explains images that were held out ({with_error(*steps[0])} nats per image)."
    if supported < wanted:
        return BAD, (f"Images that were held out support {supported} of {wanted} latent dimensions; train with "
                     f"--latent-dims {supported}.")  # fmt: skip
    if sure[-1]:
        return DOUBTFUL, (f"All {wanted} latent dimensions are in the images, and {more} nats per image: train with "
                          f"--latent-dims {wanted + 1}.")  # fmt: skip
    return GOOD, (f"Images that were held out support the {wanted} latent dimension{'s' * (wanted > 1)} of the "
                  f"training, and no further one ({more} nats per image).")  # fmt: skip
