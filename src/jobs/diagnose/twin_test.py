"""The evil twin, on a trained model: does a particle's latent explain its own image better than another's latent does?

Edelberg & Lederman (2023) showed an encoder the wrong image on purpose, and found that it trained to nearly the same
loss. Here the trained model is asked: own latents against those of another particle, and those of an image of noise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...explore.bending import spread_rows
from ...explore.verdict import NOISE, SURE, with_error
from ..job_folder import JobRun
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from .evidence import mean_and_error, noise_like
from .finished_training import FinishedTraining, finished_training
from .keep_finding import keep_finding
from .restored_training import restore

IMAGES = 512  # looked at
PICTURE = "twin.png"
NAMES = ("another particle's latents", "latents of an image of noise", "the mean of all latents")
READING = (
    "Each image is explained by the map at its own latents, and then at wrong ones: those of another particle, those "
    "that the model gives an image of pure noise, and the mean of all. What own latents gain over the others is what "
    "the images have told the model. If it is nothing, latents are decoration, and the map would be as good without; "
    "latents fitted to noise gain half a nat per dimension."
)


def run(model: Path, device: str, job: JobRun) -> None:
    """Write twin.json and twin.png."""
    from ...figures.twin_figure import draw_twin
    from ..train.train_run import choose_device

    training = finished_training(model)
    gains = twin_gains(training, choose_device(device), job)
    if gains is None:
        return
    means = [mean_and_error(gain) for gain in gains.T]
    level, sentence = judge(*means[0], training.model.latent_dims)
    with job.output(PICTURE) as path:
        draw_twin(path, gains, NAMES, sentence)
    rows = tuple((f"gain of own latents over {name}", f"{with_error(*mean)} nats per image")
                 for name, mean in zip(NAMES, means))  # fmt: skip
    numbers = {"twin": means[0], "noise": means[1], "mean": means[2], "images": len(gains)}
    keep_finding(job, Finding("twin", level, sentence, READING, rows, ((PICTURE, ""),), numbers), training)


def twin_gains(training: FinishedTraining, device: str, job: JobRun) -> np.ndarray | None:
    """Nats ``(m, 3)`` that own latents explain an image better than each of `NAMES`; None where stopped."""
    import torch

    restored = restore(training, device)
    decoder, points, stage = restored.training.decoder, restored.training.points, restored.stage
    rows = training.members[spread_rows(len(training.members), IMAGES)]
    order = np.random.default_rng((job.seed, 31)).permutation(len(rows))
    partner = dict(zip(rows[order], np.roll(rows[order], 1)))
    mean = points.z[torch.from_numpy(training.members)].mean(dim=0, keepdim=True)
    gains: list[np.ndarray] = []
    for batch, image in restored.predicted(rows, job, "twins"):
        with torch.no_grad():
            others = torch.tensor([partner[row] for row in batch.rows.tolist()], device=points.z.device)
            noise, _ = restored.training.source.place_again(
                restored.now, decoder, noise_like(batch, job.seed + len(gains)), points.z[batch.rows])  # fmt: skip
            own = stage.misfit(batch, image)
            wrong = [stage.misfit(batch, decoder.predict(stage, batch, z))
                     for z in (points.z[others], noise, mean.expand(len(batch), -1))]  # fmt: skip
        gains.append((torch.stack(wrong, dim=1) - own[:, None]).cpu().numpy())
    values = np.concatenate(gains).astype(float)
    return values if len(values) == len(rows) else None


def judge(gain: float, error: float, dims: int) -> tuple[str, str]:
    """A level and a sentence, of the gain of own latents over another particle's."""
    words = f"{with_error(gain, error)} nats per image better than another particle's"
    if gain - SURE * error > NOISE * dims:
        return GOOD, f"Latents belong to their images: they explain them by {words}."
    if gain > SURE * error:
        return DOUBTFUL, f"Latents hardly belong to their images: they explain them by {words}, as noise may give."
    return BAD, f"Latents do not belong to their images: they explain them by {words}."
