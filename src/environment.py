"""The environment of a process that computes for us: a short list of what is passed on, and nothing else.

ChimeraX limits its own process to one thread (``OPENBLAS_NUM_THREADS=1``) and points ``SSL_CERT_FILE``, ``QT_*``,
``DYLD_*`` and ``PYTHON*`` at its own files; a child with them would compute slowly or with the wrong libraries.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

BOOT = Path(__file__).resolve().with_name("boot.py")
PASSED = (
    "HOME", "USER", "LOGNAME", "PATH", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TMP", "TEMP",
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "USERNAME", "APPDATA", "LOCALAPPDATA",
    "PROGRAMDATA", "PROGRAMFILES", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
)  # fmt: skip
PASSED_PREFIXES = (
    "LC_", "XDG_", "CUDA_", "NVIDIA_", "NCCL_", "GLOO_", "NUMBA_", "TRITON_", "TORCH_", "PYTORCH_", "SLURM_",
    "FLEXREC_",
)  # fmt: skip
# What another Python must not be given: it would load this one's modules and libraries.
PASSED_TO_THE_SAME_PYTHON = ("PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


def passed_environment(python: Path | str, around: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment in which ``python`` runs as our child.

    ``around`` is the environment to take from (this process' own if None).
    """
    around = os.environ if around is None else around
    names = set(PASSED) | (set(PASSED_TO_THE_SAME_PYTHON) if _same(python) else set())
    wanted = [name for name in around if name.upper() in names or name.upper().startswith(PASSED_PREFIXES)]
    passed = {name: around[name] for name in wanted}
    passed["PYTHONUTF8"] = "1"  # texts and paths are UTF-8 whatever the locale
    return passed


def booted(module: str) -> list[str]:
    """What follows a Python's name to run a module's ``main`` there, from the very files that we run from.

    ``module`` is its whole name; its words come after. The Python need not have FlexRec.
    """
    from . import __version__

    path = [os.path.abspath(place) for place in sys.path if place and os.path.isdir(place)]
    starter = {"prefix": sys.prefix, "path": path, "version": __version__}
    return [str(BOOT), json.dumps(starter), module]


def _same(python: Path | str) -> bool:
    return os.path.normcase(python) == os.path.normcase(sys.executable)
