"""How much worse latents explain images than the best ones would: of an encoder, the amortisation gap."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...explore.bending import spread_rows
from ...explore.verdict import with_error
from ..job_folder import JobRun
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from .evidence import DiagonalNormal, best_diagonal_normal, diagonal_normal, evidence_bound, mean_and_error, posed
from .finished_training import FinishedTraining, finished_training
from .keep_finding import keep_finding
from .restored_training import restore

IMAGES = 256  # looked at
SMALL, LARGE = 0.5, 2.0  # nats per latent dimension: half is as much as fitting noise gives
PICTURE = "gap.png"
READING = (
    "For each image the model's own distribution of its latents is compared with the best normal distribution that "
    "can be found for this image alone, by their evidence bounds: what the map at these latents explains of the "
    "image, less what it costs to say where they are. An encoder has one network for all images and cannot reach the "
    "best for each: what it loses is its amortisation gap, which a variational table of the same images would not "
    "have. A gap far below a nat is harmless; one of several nats blurs maps as wrong latents do."
)


def run(model: Path, device: str, job: JobRun) -> None:
    """Write gap.json and gap.png."""
    from ...figures.gap_figure import draw_gap
    from ..train.train_run import choose_device

    training = finished_training(model)
    measured = gaps(training, choose_device(device), job)
    if measured is None:
        return
    gap, before, after, error = measured
    level, sentence = judge(*mean_and_error(gap), before.shape[1])
    with job.output(PICTURE) as path:
        draw_gap(path, gap, before, after, sentence)
    rows = (("gap", f"{with_error(*mean_and_error(gap))} nats per image"),
            ("images whose gap is above 1 nat", f"{100 * (gap > 1).mean():.0f} % of {len(gap):,}"),
            ("stated uncertainty over that of the best, by dimension",
             ", ".join(f"{value:.2f}" for value in error)))  # fmt: skip
    mean, uncertain = mean_and_error(gap)
    numbers = {"gap": mean, "gap_error": uncertain, "median": float(np.median(gap)), "uncertainty": error.tolist()}
    keep_finding(job, Finding("gap", level, sentence, READING, rows, ((PICTURE, ""),), numbers), training)


def gaps(
    training: FinishedTraining, device: str, job: JobRun
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """Gaps ``(m,)`` in nats, latents ``(m, k)`` as they are and the best, and ``(k,)`` how large the stated error is by
    that of the best; None where the job was asked to stop.
    """
    import torch

    restored = restore(training, device)
    rows = training.members[spread_rows(len(training.members), IMAGES)]
    points = restored.training.points
    uncertain_poses = restored.trainer.poses.active  # which a stated variance may hold, and these bounds do not
    gap: list[np.ndarray] = []
    before, after, errors = [], [], []
    for batch in restored.batches(rows, job, "gap"):
        with torch.no_grad():
            own = diagonal_normal(points.z[batch.rows], points.precision[batch.rows])
            batch = posed(restored, batch)
            best = best_diagonal_normal(restored, batch, own.mean)
            stated, reached = (evidence_bound(restored, batch, q, job.seed + len(gap)) for q in (own, best))
            if uncertain_poses:
                placed = evidence_bound(restored, batch, DiagonalNormal(own.mean, best.variance), job.seed + len(gap))
                stated = torch.maximum(stated, placed)
        # a step may lead to a worse place: the best of both is still no better than the best there is
        gap.append((reached - stated).clamp(min=0).cpu().numpy())
        before.append(own.mean.cpu().numpy())
        after.append(best.mean.cpu().numpy())
        errors.append((own.variance / best.variance).sqrt().cpu().numpy())
    if sum(map(len, gap)) < len(rows):
        return None
    return (np.concatenate(gap).astype(float), np.concatenate(before), np.concatenate(after),
            np.median(np.concatenate(errors), axis=0))  # fmt: skip


def judge(gap: float, error: float, dims: int) -> tuple[str, str]:
    """A level and a sentence."""
    level = GOOD if gap < SMALL * dims else DOUBTFUL if gap < LARGE * dims else BAD
    words = f"the best latents of each image by itself would explain it better by {with_error(gap, error)} nats"
    return level, {GOOD: f"Latents are about as good as they can be: {words}.",
                   DOUBTFUL: f"Latents could be better: {words}.",
                   BAD: f"Latents are far from the best: {words}."}[level]  # fmt: skip
