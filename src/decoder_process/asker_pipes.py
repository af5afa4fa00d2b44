"""The pipes of a process that was started to compute for another one, and its end when that ends."""

from __future__ import annotations

import faulthandler
import io
import os
import signal
import sys
import threading
import time

from .messages import enlarge

_LOOK = 2.0  # seconds between looks whether the parent lives


def take_pipes() -> tuple[io.BufferedIOBase, io.FileIO]:
    """Where messages of the program that started us come from, and where they go; this process ends when that does.

    Standard input and output are moved away: whatever prints prints to standard error, whatever reads finds nothing.
    """
    faulthandler.enable()
    # Ctrl-C in a terminal is meant for the program that asks, and reaches us too
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reading = io.BufferedReader(io.FileIO(os.dup(0), "r"), 1 << 16)
    writing = io.FileIO(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin, sys.stdout = open(0, encoding="utf-8", closefd=False), sys.stderr
    enlarge(writing)
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), name="parent", daemon=True).start()
    return reading, writing


def _exit_with_parent(parent: int) -> None:
    """End when the parent has: a fork of it may hold our standard input open after its death."""
    while os.name != "nt" and os.getppid() == parent:
        time.sleep(_LOOK)
    if os.name != "nt":
        os._exit(0)
