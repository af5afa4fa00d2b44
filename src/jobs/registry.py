"""All the jobs there are."""

from __future__ import annotations

import importlib
from functools import cache

from ..errors import InputError
from .declare import Job

VERBS = ("simulate", "prep", "mesh", "train", "generate", "reconstruct", "diagnose")


@cache
def find_job(verb: str) -> Job:
    """The declaration of a verb: the constant ``MESH`` of ``jobs/mesh/mesh_parameters.py``."""
    if verb not in VERBS:
        raise InputError(f"there is no job {verb!r}; there are {', '.join(VERBS)}.")
    return getattr(importlib.import_module(f".{verb}.{verb}_parameters", __package__), verb.upper())


def all_jobs() -> tuple[Job, ...]:
    """Every declared job, in the order in which they are usually run."""
    return tuple(find_job(verb) for verb in VERBS)
