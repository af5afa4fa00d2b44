"""Jobs are started from ChimeraX: queued, and followed until they end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..jobs.declare import Job
from ..jobs.queue import background
from ..scene.engine_choice import able_python, chosen_device
from .job_arguments import checked
from .job_lines import say_started
from .projects import the_project
from .watch import tell_end


def start_job(session, job: Job, project: Path | None, seed: int, values: dict[str, Any]) -> Path:
    """Queue a job with the user's Python and device; returns its folder at once."""
    values = checked(job, values)
    if "device" in {option.name for option in job.options()} and not values.get("devices"):
        values.setdefault("device", chosen_device(session))
    folder = background.submit(job.verb, values, the_project(session, project), seed, able_python(session))
    say_started(session, folder)
    tell_end(session, folder)
    return folder
