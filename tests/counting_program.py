"""FlexRec with the small jobs ``count``, ``walk`` and ``after`` beside its own: a terminal, or a worker.

``python counting_program.py worker FOLDER`` is the worker; any other words are a command line of ``flexrec``.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

from chimerax.flexrec.jobs import registry
from chimerax.flexrec.jobs.queue import spawn
from counting_job import AFTER, COUNT, WALK

_ROOM = registry.__package__
WORKER = (str(Path(__file__).resolve()), "worker")


def declare(replace=setattr) -> None:
    """Make the small jobs known to this program and to the workers that it starts."""
    for job in (COUNT, WALK, AFTER):
        declaration = SimpleNamespace(**{job.verb.upper(): job})
        sys.modules[f"{_ROOM}.{job.verb}"] = SimpleNamespace(__path__=[])
        sys.modules[f"{_ROOM}.{job.verb}.{job.verb}_parameters"] = declaration
        if job.verb not in registry.VERBS:
            replace(registry, "VERBS", (*registry.VERBS, job.verb))
    replace(spawn, "WORKER", WORKER)


def main(words: list[str]) -> int:
    declare()
    working = words[:1] == ["worker"]
    module = importlib.import_module(f"chimerax.flexrec.{'jobs.queue.worker' if working else 'cli.program'}")
    return module.main(words[1:] if working else words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
