"""A job is declared once; its terminal options, record on disk and reference page all come from that declaration."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from typing import Any

from ..errors import InputError
from ..parameters import Parameter, read_parameters


@dataclass(frozen=True)
class Job:
    """One kind of job.

    ``run`` names its function as ``".mesh.mesh_run:run"``: a module of ``jobs`` and a function in it. It is imported
    only when the job runs, and called as ``function(parameters, job_run)``.

    ``parameters`` is a frozen dataclass, or a function that gives it where it is composed of others. ``unused`` tells
    of some values the names of the parameters that mean nothing with them.
    """

    verb: str
    synopsis: str
    parameters: type | Callable[[], type]
    run: str
    unused: Callable[[Mapping[str, Any]], frozenset[str]] = lambda values: frozenset()

    def declaration(self) -> type:
        """The frozen dataclass of its parameters."""
        return self.parameters if isinstance(self.parameters, type) else self.parameters()

    def options(self) -> tuple[Parameter, ...]:
        """The declared parameters, in order of declaration."""
        return read_parameters(self.declaration())

    def function(self) -> Callable[[Any, Any], None]:
        """Import and return the function that runs the job."""
        module, _, name = self.run.partition(":")
        return getattr(importlib.import_module(module, package=__package__), name)

    def build(self, values: Mapping[str, Any]) -> Any:
        """An instance of ``parameters`` from the values given, each checked; the rest take their defaults.

        Job folders that were not given stay None until the project is known (see ``inputs.resolve_inputs``).
        """
        options = {option.name: option for option in self.options()}
        for name in values:
            if name not in options:
                raise InputError(f"{self.verb} has no parameter {name}; it has {', '.join(options)}.")
        return self.declaration()(**{name: self._value(option, values) for name, option in options.items()})

    def _value(self, option: Parameter, values: Mapping[str, Any]) -> Any:
        if option.name in values:
            return option.check(values[option.name])
        if option.required:
            raise InputError(f"{self.verb} needs {option.name}: {option.help}")
        return None if option.default is MISSING else option.default
