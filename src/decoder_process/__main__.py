"""``python -m chimerax.flexrec.decoder_process``: requests on standard input, answers on standard output."""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import io
import os
import signal
import sys
import threading
import time

from .messages import enlarge
from .server import serve

# What knows the answers lies above this room, and is found by its name when the process starts.
ANSWERS = ".answers:ModelAnswers"
_LOOK = 2.0  # seconds between looks whether the parent lives


def main(words: list[str] | None = None) -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m chimerax.flexrec.decoder_process", description=__doc__)
    parser.add_argument("--backend", default="auto", choices=("auto", "numba", "numpy"), help="what pushes voxels")
    backend = parser.parse_args(words).backend
    faulthandler.enable()
    # Ctrl-C in a terminal is meant for the program that asks, and reaches us too
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reading, writing = _pipes_to_ourselves()
    threading.Thread(target=_leave_with, args=(os.getppid(),), name="parent", daemon=True).start()
    module, name = ANSWERS.split(":")
    answers = getattr(importlib.import_module(module, __package__), name)(backend)
    serve(reading, writing, answers)
    os._exit(0)  # the thread that reads may wait for ever


def _pipes_to_ourselves() -> tuple[io.BufferedIOBase, io.FileIO]:
    """Standard input and output moved away: whatever prints prints to standard error, whatever reads finds nothing."""
    reading = io.BufferedReader(io.FileIO(os.dup(0), "r"), 1 << 16)
    writing = io.FileIO(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin, sys.stdout = open(0, encoding="utf-8", closefd=False), sys.stderr
    enlarge(writing)
    return reading, writing


def _leave_with(parent: int) -> None:
    """End when the parent has: a fork of it may hold our standard input open after its death."""
    while os.name != "nt" and os.getppid() == parent:
        time.sleep(_LOOK)
    if os.name != "nt":
        os._exit(0)


if __name__ == "__main__":
    main()
