"""Progress of work in small steps, told now and then."""

from __future__ import annotations

import time

from .job_folder import JobRun

SECONDS_BETWEEN_LINES = 0.5  # of progress.jsonl: batches can be a hundred a second


class Throttled:
    """Progress lines at most twice a second, and the last of each stage always."""

    def __init__(self, job: JobRun) -> None:
        self._job, self._last = job, 0.0

    def __call__(self, step: int, total: int, **values: object) -> None:
        """As ``JobRun.progress``."""
        now = time.monotonic()
        if step == total or now - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now
            self._job.progress(step, total, **values)
