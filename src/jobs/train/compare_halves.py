"""What two half models say of the held-out images, beside one another: halves.json, agreement.npz and figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...explore.held_out_gain import GainSummary, summarise
from ...explore.motion_agreement import STATES, Agreement, agree, canonical_correlations
from ...models import open_model
from ...models.halves_record import ARRAYS, RECORD, HalvesRecord
from ...models.interface import Model
from ..job_folder import JobRun
from ..part_labels import labels_of_training

JUDGED = "held_out.npz"  # in a half model's folder: row of prep's particles, gain by shell, z, probability
HALVES = "half1", "half2"


def compare_halves(job: JobRun, image: np.ndarray, *images: int) -> None:
    """Write what the half models in a train job's folder say.

    ``image`` ``(m,)`` are the held-out particles' images; ``images`` how many either model was trained on.
    """
    arrays = [_read(job.folder / half / JUDGED) for half in HALVES]
    models = [open_model(job.folder / half) for half in HALVES]
    weight = (arrays[0]["probability"] + arrays[1]["probability"]) / 2
    width = models[0].box * models[0].pixel_size
    own = [summarise(each["gain"], weight, image, width) for each in arrays]
    both = summarise((arrays[0]["gain"] + arrays[1]["gain"]) / 2, weight, image, width)
    agreement = _agreement(models, [each["z"] for each in arrays], weight)
    motion, difference = agreement.over(np.ones_like(agreement.mass))
    record = HalvesRecord(
        images=(images[0], images[1]),
        held_out=len(np.unique(image)),
        held_out_particles=float(weight.sum()),
        held_out_gain=both.gain,
        held_out_gain_error=both.error,
        half_gains=(own[0].gain, own[1].gain),
        half_gain_errors=(own[0].error, own[1].error),
        gain_resolution=both.resolution,
        shells=both.shells,
        motion=motion,
        difference=difference,
        parts=agreement.parts(models[0].moving_points.mesh),
        latent_correlations=tuple(map(float, canonical_correlations(arrays[0]["z"], arrays[1]["z"], weight))),
    )
    with job.output(ARRAYS) as path:
        np.savez(path, motion=agreement.motion.astype(np.float32), difference=agreement.difference.astype(np.float32))
    _draw(job, both, arrays, agreement, models[0])
    with job.output(RECORD) as path:
        path.write_text(record.text(), encoding="utf-8")
    job.log(summary(record))


def summary(record: HalvesRecord) -> str:
    """The record as a sentence."""
    upto = "" if record.gain_resolution is None else f", up to {record.gain_resolution:.1f} Å"
    return (f"Motion explains images that neither half model has seen by {record.held_out_gain:.2f} ± "
            f"{record.held_out_gain_error:.2f} nats better than a rigid molecule{upto}; of {record.motion:.1f} Å of "
            f"motion the two models differ by {record.difference:.1f} Å.")  # fmt: skip


def _read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _agreement(models: list[Model], latents: list[np.ndarray], weight: np.ndarray) -> Agreement:
    rows = np.flatnonzero(weight > 0.5)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), STATES)).astype(int)] if len(rows) else rows[:0]
    first, second = (model.moving_points.vertices(z[rows]) for model, z in zip(models, latents, strict=True))
    mass = (models[0].moving_points.mass + models[1].moving_points.mass) / 2
    return agree(first, second, models[0].moving_points.mesh.vertices, mass, weight[rows])


def _draw(
    job: JobRun, gain: GainSummary, arrays: list[dict[str, np.ndarray]], agreement: Agreement, model: Model
) -> None:
    from ...figures.agreement_figure import draw_agreement
    from ...figures.gain_figure import draw_gain

    with job.output("gain.png") as path:
        draw_gain(path, gain, np.mean([each["gain"].sum(axis=1) for each in arrays], axis=0))
    with job.output("agreement.png") as path:
        mesh = model.moving_points.mesh
        labels = labels_of_training(job.folder, mesh.parts)
        draw_agreement(path, agreement, mesh, model.volume, model.pixel_size, labels)
