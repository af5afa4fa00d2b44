"""Run a ``diagnose`` job: the test that it was asked for."""

from __future__ import annotations

from ..job_folder import JobRun
from .diagnose_parameters import DiagnoseParameters
from .diagnose_tests import TESTS


def run(parameters: DiagnoseParameters, job: JobRun) -> None:
    """Write what the test writes."""
    TESTS[parameters.test].function()(parameters.model, parameters.device, job)
