"""A part of a job that writes its outputs into a folder of its own."""

from __future__ import annotations

from typing import Any

from .job_folder import JobRun


class PartRun(JobRun):
    """As a job of its own to what runs in it, but the ``whole`` job's log and progress tell of it, and stop it.

    Its outputs are in the folder ``name`` of the whole job's, and its ``seed`` is its own.
    """

    def __init__(self, whole: JobRun, name: str, seed: int) -> None:
        super().__init__(whole.folder / name, seed)
        self.whole, self.name = whole, name

    def log(self, text: str) -> None:
        """Add a line to the whole job's log."""
        self.whole.log(f"{self.name}: {text}")

    def progress(self, step: int, total: int, **values: Any) -> None:
        """Add a line to the whole job's progress, whose epochs are those of the whole job's model."""
        stage = " ".join(filter(None, (self.name, values.pop("stage", None))))
        values.pop("epoch", None)
        self.whole.progress(step, total, stage=stage, **values)

    def stop_requested(self) -> bool:
        """Whether somebody asked the whole job to stop."""
        return self.whole.stop_requested()


def whole_of(job: JobRun) -> JobRun:
    """The job that a part is of; a whole job itself."""
    return job.whole if isinstance(job, PartRun) else job
