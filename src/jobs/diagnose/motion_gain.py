"""How much better a trained motion explains images than the same map held rigid, image by image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...explore.bending import mean_shape, place, spread_rows
from ...explore.motion_numbers import Gain
from ...particles.copies import image_numbers
from ..job_folder import JobRun
from ..throttle import Throttled
from .finished_training import FinishedTraining

if TYPE_CHECKING:
    from ...engine.training.pose_corrections import Poses
    from ...engine.training.stage import Stage

IMAGES = 4_000  # looked at: the error of their mean gain is then small beside the gain of any motion worth a map
AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class ImageGains:
    """Of images at ``rows`` ``(m,)``: ``gain`` ``(m,)`` nats, ``motion`` ``(m,)`` Å r.m.s. over the density.

    ``image`` ``(m,)`` is equal for copies of one image.
    """

    rows: np.ndarray
    gain: np.ndarray
    motion: np.ndarray
    image: np.ndarray

    def mean(self) -> Gain:
        """Means over the images; copies of one count as one."""
        _, number, copies = np.unique(self.image, return_inverse=True, return_counts=True)
        gains = np.bincount(number.ravel(), self.gain) / copies
        error = float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else float("inf")
        return Gain(float(gains.mean()), error, float(np.sqrt(np.mean(self.motion**2))))


def motion_gain(training: FinishedTraining, device: str, job: JobRun, stage: str) -> ImageGains | None:
    """The gains of a training's own images, at its own latents and poses; None where the job was asked to stop.

    Held rigid, the map has the particles' mean shape, laid where each image's state has the whole body: what is gained
    is gained by bending, not by a better place. The images are those that were fitted, so noise alone gives a gain too.
    """
    import torch

    model = training.model
    moving, rows = model.moving_points, training.members
    rows = rows[spread_rows(len(rows), IMAGES)]
    mean = mean_shape(moving.vertices(model.latents[rows[spread_rows(len(rows))]]), moving.mass)
    compared, gains, motions, progress = _stage(training, device), [], [], Throttled(job)
    done = 0
    with torch.no_grad():
        for batch in compared.batches(rows):
            states = moving.vertices(model.latents[batch.rows.cpu().numpy()])
            rigid = place(mean, states, moving.mass)
            fits = [compared.misfit(batch, compared.forward(batch, torch.from_numpy(shape).to(device)))
                    for shape in (rigid, states)]  # fmt: skip
            gains.append((fits[0] - fits[1]).cpu().numpy())
            motions.append(np.sqrt(((states - rigid) ** 2).sum(axis=2) @ moving.mass))
            done += len(batch)
            progress(done, len(rows), stage=stage)
            if done < len(rows) and job.stop_requested():
                return None
    image = image_numbers(training.prepared.particles)[rows]
    return ImageGains(rows, np.concatenate(gains).astype(float), np.concatenate(motions).astype(float), image)


def _stage(training: FinishedTraining, device: str) -> Stage:
    """The last stage of the training, with its final map, noise and poses."""
    import torch

    from ...engine.training.batch_cache import BatchCache
    from ...engine.training.batches import ParticleImages
    from ...engine.training.membership import Membership
    from ...engine.training.signal_scales import SignalScales
    from ...engine.training.stage import make_stage, resample_mass

    prepared, model = training.prepared, training.model
    count, box = len(prepared.particles), int(training.about["stage_box"])
    cache = BatchCache(ParticleImages(prepared.particles, prepared.filter), device)
    noise = torch.from_numpy(training.passes["noise"].astype(np.float32)).to(device)
    stage = make_stage(cache, model.moving_points.mesh, box, noise, training.parameters.band, _poses(training, device),
                       Membership.all(count, device),
                       SignalScales.of(training.latents.get("signal_scale"), count, device), device,
                       AT_ONCE)  # fmt: skip
    volume = model.volume if model.box == box else resample_mass(model.volume, box)
    return stage.with_density(stage.cloud.gather(torch.from_numpy(volume).to(device)))


def _poses(training: FinishedTraining, device: str) -> Poses:
    """The poses' corrections as training left them."""
    import torch

    from ...engine.training.pose_corrections import Poses

    fixed, variance = Poses.fixed(len(training.prepared.particles), device), training.pose_variance
    if variance is None or not variance.max() > 0:
        return fixed
    arrays = (training.latents["pose_correction"], variance, training.latents["pose_centre"])
    correction, learned, centre = (torch.from_numpy(np.asarray(array, np.float32)).to(device) for array in arrays)
    return Poses(correction, learned, centre, float(training.latents["pose_radius"]))
