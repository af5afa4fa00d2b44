"""The Python and the device that compute: chosen once, stored in the user's settings."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from chimerax.core.session import Session

from ..errors import InputError
from ..jobs.engines.engine_report import check_python, missing_modules
from .decoding import decoding
from .settings import engine_python, flexrec_settings

DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
OWN = "chimerax"  # in place of a path: ChimeraX's own Python


def able_python(session: Session) -> str:
    """The Python that runs jobs; ``InputError`` with the command that makes one, where it lacks what jobs need."""
    python = engine_python(session)
    if not Path(python).is_file():
        raise InputError(f"there is no Python {python}; choose one with flexrec engine python PATH.")
    missing = _missing(python, Path(python).stat().st_mtime)
    if missing:
        _missing.cache_clear()  # they may be installed before the next call
        raise InputError(
            f"{python} has no {', '.join(missing)}, which jobs need; make an environment that has them with flexrec "
            "engine install DIR, or choose another Python with flexrec engine python PATH."
        )
    return python


@cache
def _missing(python: str, changed: float) -> list[str]:
    return missing_modules(python)


def chosen_device(session: Session) -> str:
    """The device on which jobs compute that name none."""
    return flexrec_settings(session).device


def check_device(device: str) -> None:
    """``InputError`` for a word that is no device."""
    if not DEVICE.fullmatch(device):
        raise InputError(f"device is {device!r}, but must be auto, cpu, mps, cuda, cuda:1 or the like.")


def choose_device(session: Session, device: str) -> None:
    """Store a device; ``InputError`` for a word that is none."""
    check_device(device)
    settings = flexrec_settings(session)
    settings.device = device
    settings.save()


def choose_python(session: Session, python: str) -> None:
    """Store a Python, and let it show the open models from now on; ``InputError`` where there is none."""
    from .scene_model import FlexRecModel

    path = "" if python == OWN else str(Path(python).expanduser().absolute())
    if path and not Path(path).is_file():
        raise InputError(f"there is no file {path}; give the path of a Python, or {OWN} for ChimeraX's own.")
    settings = flexrec_settings(session)
    if settings.python == path:
        return
    if path:
        check_python(path)
    settings.python = path
    settings.save()
    decoding(session).restart_with(engine_python(session))
    for model in session.models.list(type=FlexRecModel):
        model.open_again()
