"""The tests that a ``diagnose`` job can be asked for: a line each.

A test is a function ``run(model, device, job)`` that writes its numbers, its picture and its page into the
job's folder; ``model`` is a train job's, ``device`` where to compute.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..job_folder import JobRun


@dataclass(frozen=True)
class Test:
    """``name`` as it is asked for; ``help``, what it tells, in a clause; ``run`` its ``.module:function`` here."""

    name: str
    help: str
    run: str

    def function(self) -> Callable[[Path, str, JobRun], None]:
        """Import and return what runs it."""
        module, _, name = self.run.partition(":")
        return getattr(importlib.import_module(module, __package__), name)


TESTS = {
    test.name: test
    for test in (
        Test("null", "what the same training gives for images of a rigid molecule of the model's own map, at the same "
             "poses, through the same CTFs and with the same noise", ".null_test:run"),
    )
}  # fmt: skip


def told_tests() -> str:
    """Names and help of all tests, in one sentence."""
    return "; ".join(f"{test.name}, {test.help}" for test in TESTS.values())
