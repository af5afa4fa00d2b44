"""The latents of some particles after each pass, kept beside a model: they show whether a training converges."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ...explore.latents_by_pass import FILE, LatentsByPass, read_latents_by_pass
from ..job_folder import JobRun


def keep_latents(job: JobRun, z: np.ndarray, epoch: int, epochs: int) -> None:
    """Add the latents ``(n, k)`` after pass number ``epoch`` (from 1) of ``epochs`` to those of the passes before."""
    kept = _before(job, epoch)
    if kept is None:
        kept = LatentsByPass.none_yet(*z.shape)
    kept = kept.with_pass(epoch, z, epochs)
    with job.output(FILE) as path, open(path, "wb") as file:
        np.savez(file, rows=kept.rows, passes=kept.passes, z=kept.z.astype(np.float16))


def _before(job: JobRun, epoch: int) -> LatentsByPass | None:
    """Those of the passes before; None where there are none that can be read, and at the first pass."""
    try:
        return read_latents_by_pass(job.folder) if epoch > 1 else None
    except InputError:
        return None
