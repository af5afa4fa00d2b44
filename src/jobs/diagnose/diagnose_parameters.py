"""The ``diagnose`` job: what it can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...parameters import parameter
from ..declare import Job
from .diagnose_tests import TESTS, told_tests


@dataclass(frozen=True)
class DiagnoseParameters:
    """A test of a trained model, which is left as it is."""

    test: str = parameter("null", help=f"what is tested: {told_tests()}", choices=tuple(TESTS), positional=True)
    model: Path = parameter(help="the training, which must be finished", job="train")
    device: str = parameter("auto", help="where to compute: auto, cpu, cuda, cuda:1, mps, …", advanced=True)


DIAGNOSE = Job(
    verb="diagnose",
    synopsis="Test whether what a training found is real: the same training of a rigid molecule",
    parameters=DiagnoseParameters,
    run=".diagnose.diagnose_run:run",
)
