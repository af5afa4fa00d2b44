"""Run a ``diagnose`` job: the tests that it was asked for, one after the other, and the page about them."""

from __future__ import annotations

from ...errors import InputError
from ..job_folder import JobRun
from ..reports.diagnose_report import finding_in
from ..reports.finding import LEFT_OUT, Finding
from ..reports.write_report import report, report_again
from .diagnose_parameters import DiagnoseParameters
from .diagnose_tests import QUICK, TESTS, Test, chosen_tests
from .finished_training import finished_training
from .keep_finding import keep_finding


def run(parameters: DiagnoseParameters, job: JobRun) -> None:
    """Write what the tests find, a file each, and a page of all; tests that are done already are not done again."""
    from ..train.train_run import choose_device

    training = finished_training(parameters.model)
    chosen = chosen_tests(parameters.test)
    if not chosen:
        raise InputError(f"test: nothing is asked for; name one of {', '.join(TESTS)}.")
    if parameters.device != "auto":
        choose_device(parameters.device)  # each test would be left out for it, one by one
    if not len(training.members):
        raise InputError(f"model: {training.folder.name} takes none of its images for a particle of this molecule, so "
                         "nothing can be tested; look at the images, or train with --junk keep.")  # fmt: skip
    for test, quickly in chosen:
        if finding_in(job.folder, test.name) is not None:
            continue
        try:
            test.function(quickly)(parameters.model, parameters.device, job)
        except InputError as error:
            if len(chosen) == 1:
                raise
            keep_finding(job, _left_out(test, str(error)), training)
        if finding_in(job.folder, test.name) is None:
            return  # asked to stop
    left = [test for test in TESTS.values() if test.again and test not in [each for each, _ in chosen]]
    if left and QUICK in parameters.test:
        job.log("Left out, as they train again: " + "; ".join(f"{test.name} ({test.again})" for test in left) + ".")
    report(job, "diagnose")
    if any(test.name == "null" for test, _ in chosen):
        report_again(training.folder, job)  # which tells of it


def _left_out(test: Test, reason: str) -> Finding:
    return Finding(test.name, LEFT_OUT, reason)
