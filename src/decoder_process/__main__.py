"""``python -m chimerax.flexrec.decoder_process``: requests on standard input, answers on standard output."""

from __future__ import annotations

import argparse
import importlib
import os

from .asker_pipes import take_pipes
from .server import serve

# The answers are in a package above this one, which is imported by its name when the process starts.
ANSWERS = ".answers:ModelAnswers"


def main(words: list[str] | None = None) -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m chimerax.flexrec.decoder_process", description=__doc__)
    parser.add_argument("--backend", default="auto", choices=("auto", "numba", "numpy"), help="what pushes voxels")
    backend = parser.parse_args(words).backend
    reading, writing = take_pipes()
    module, name = ANSWERS.split(":")
    answers = getattr(importlib.import_module(module, __package__), name)(backend)
    serve(reading, writing, answers)
    os._exit(0)  # the thread that reads may wait for ever


if __name__ == "__main__":
    main()
