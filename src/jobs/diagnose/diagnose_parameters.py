"""The ``diagnose`` job: what it can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...parameters import parameter
from ..declare import Job
from .diagnose_tests import ALL, QUICK, TESTS, tests_help


@dataclass(frozen=True)
class DiagnoseParameters:
    """Tests of a trained model, which is left as it is."""

    test: tuple[str, ...] = parameter(
        (QUICK,),
        help=f"what is tested, several with commas: {QUICK}, all that need no training; {ALL}, all that apply; "
        f"{tests_help()}",
        choices=(QUICK, ALL, *TESTS),
        positional=True,
    )
    model: Path = parameter(help="the training, which must be finished", job="train")
    device: str = parameter("auto", help="where to compute: auto, cpu, cuda, cuda:1, mps, …", advanced=True)


DIAGNOSE = Job(
    verb="diagnose",
    synopsis="Test a training: is its motion real, has it settled, which images does it not explain",
    parameters=DiagnoseParameters,
    run=".diagnose.diagnose_run:run",
)
