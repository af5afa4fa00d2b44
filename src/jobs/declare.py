"""A job is declared once; its terminal options, record on disk and reference page all come from that declaration."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..parameters import Parameter, build_parameters, read_parameters


@dataclass(frozen=True)
class Job:
    """One kind of job.

    ``run`` names its function as ``".mesh.mesh_run:run"``: a module of ``jobs`` and a function in it. It is imported
    only when the job runs, and called as ``function(parameters, job_run)``.

    ``parameters`` is a frozen dataclass, or a function that gives it where it is composed of others. ``unused`` tells
    of some values the names of the parameters that mean nothing with them; ``implied`` gives them with those that they
    stand for. ``member`` names, as ``run`` does, what one
    of several processes of the job does where it is parted: ``function(parameters, job_run, device)``.
    """

    verb: str
    synopsis: str
    parameters: type | Callable[[], type]
    run: str
    unused: Callable[[Mapping[str, Any]], frozenset[str]] = lambda values: frozenset()
    implied: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda values: values
    member: str = ""

    def declaration(self) -> type:
        """The frozen dataclass of its parameters."""
        return self.parameters if isinstance(self.parameters, type) else self.parameters()

    def options(self) -> tuple[Parameter, ...]:
        """The declared parameters, in order of declaration."""
        return read_parameters(self.declaration())

    def function(self) -> Callable[[Any, Any], None]:
        """Import and return the function that runs the job."""
        return _imported(self.run)

    def member_function(self) -> Callable[[Any, Any, str], None]:
        """Import and return what one of several processes of the job does."""
        return _imported(self.member)

    def build(self, values: Mapping[str, Any]) -> Any:
        """An instance of ``parameters`` from the values given: see `parameters.build_parameters`."""
        return build_parameters(self.verb, self.declaration(), self.implied(values))


def refuse_without_use(job: Job, parameters: Any, causes: Mapping[str, str]) -> None:
    """``InputError`` for the first parameter that was given and has no use, ``causes`` saying why of each of these:
    ``with --mask``.
    """
    for sentence in given_without_use(job, parameters, causes):
        raise InputError(f"{sentence}; leave it out.")


def given_without_use(job: Job, parameters: Any, causes: Mapping[str, str]) -> list[str]:
    """Of each parameter that was given and has no use, what is said of it, as in `refuse_without_use`."""
    return [
        f"{option.name}: means nothing {causes[option.name]}"
        for option in job.options()
        if option.name in causes and getattr(parameters, option.name) != option.default
    ]


def _imported(name: str) -> Callable:
    """What stands in a module of ``jobs`` under that name: ``.mesh.mesh_run:run``."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module, package=__package__), function)
