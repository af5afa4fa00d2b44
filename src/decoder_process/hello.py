"""What the engine process says of itself."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from .. import __version__
from .messages import PROTOCOL


def hello(backend: str) -> dict:
    """Versions, and what is there; torch is looked for and not imported, which would take seconds."""
    return {
        "protocol": PROTOCOL,
        "flexrec": __version__,
        "package": str(Path(__file__).resolve().parents[1]),
        "python": platform.python_version(),
        "executable": sys.executable,
        "modules": {name: _version(name) for name in ("numpy", "scipy", "numba", "torch")},
        "backend": backend,
        "pid": os.getpid(),
    }


def _version(module: str) -> str | None:
    """None where the module is missing."""
    try:
        return version(module) if find_spec(module) else None
    except PackageNotFoundError:
        return ""
