"""What a test has found, kept in the job's folder and said in its log."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import Any

from ..job_folder import JobRun
from ..reports.finding import Finding, write_finding
from .finished_training import FinishedTraining


def keep_finding(job: JobRun, finding: Finding, training: FinishedTraining) -> None:
    """Write it, last of all that the test writes, and log its sentence."""
    model = os.path.relpath(training.folder, job.folder)
    write_finding(job.folder, replace(finding, model=model, numbers=plain(finding.numbers)))
    job.log(f"{finding.test}: {finding.level}. {finding.sentence}")


def plain(value: Any) -> Any:
    """Numbers as JSON has them: what is not finite is null."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
