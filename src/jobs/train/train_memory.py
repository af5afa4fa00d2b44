"""How many images a train job works on at once: found once, kept in its folder, lowered when memory runs out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..job_folder import JobRun

if TYPE_CHECKING:
    from ...engine.training.trainer import Trainer
    from ...engine.training.training_loop import Training

FILE = "memory.json"


def images_at_once(job: JobRun) -> int | None:
    """What the folder says; None where nothing has been found yet."""
    return _read(job).get("images_at_once")


def times_lowered(job: JobRun) -> int:
    """How often memory has run out."""
    return _read(job).get("lowered", 0)


def _read(job: JobRun) -> dict[str, int]:
    try:
        record = json.loads((job.folder / FILE).read_text(encoding="utf-8"))
        return {name: value for name, value in record.items() if type(value) is int and value > 0}
    except (OSError, ValueError, AttributeError):
        return {}


def _keep(job: JobRun, value: int, lowered: int = 0) -> None:
    """Let it be known to a resumed job, whose sums shall round alike, and to the other processes of this one."""
    with job.output(FILE) as path:
        path.write_text(json.dumps({"images_at_once": value, "lowered": lowered}) + "\n", encoding="utf-8")


def set_images_at_once(job: JobRun, trainer: Trainer, training: Training) -> None:
    """Try how many images memory holds, unless that is known or was asked for, or there is nothing to try."""
    from ...engine.training.memory import find_images_at_once

    if images_at_once(job) is not None or trainer.settings.images_at_once:
        return
    wanted, most = trainer.at_once, find_images_at_once(trainer, training)
    if most is None:
        return
    trainer.at_once = most
    if trainer.team.leads:
        _keep(job, trainer.at_once)
        if trainer.at_once < wanted:
            job.log(f"Memory holds {trainer.at_once} images of {trainer.images.box} pixels at once, not {wanted}; "
                    "a batch is worked on in parts, to the same numbers.")  # fmt: skip


def lower(job: JobRun, trainer: Trainer) -> bool:
    """Halve it, memory having run out; False where a single image is too much."""
    if trainer.at_once == 1:
        return False
    trainer.at_once //= 2
    _keep(job, trainer.at_once, times_lowered(job) + 1)
    job.log(f"Memory ran out; going on from the last whole pass with {trainer.at_once} images at once.")
    return True
