"""Scripts run in a real ChimeraX, where the machine has one with FlexRec installed: on the PATH or FLEXREC_CHIMERAX."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

_MODES = {"nogui": ["--nogui", "--exit"], "offscreen": ["--offscreen", "--nogui", "--exit"], "gui": []}
_BEFORE = """
import json, traceback
from chimerax.core.commands import run
from chimerax.core.errors import UserError
result = {}
def refused(command):
    try:
        run(session, command)
    except UserError as error:
        return str(error)
def leave(error=None):
    if error is not None:
        result["error"] = error
    with open("result.json", "w") as file:
        json.dump(result, file)
"""


@functools.cache
def chimerax() -> str | None:
    """The program, where it has FlexRec."""
    program = os.environ.get("FLEXREC_CHIMERAX") or shutil.which("ChimeraX")
    if program is None:
        return None
    asked = [program, "--nogui", "--exit", "--cmd", "usage flexrec record"]
    return program if subprocess.run(asked, capture_output=True, timeout=120).returncode == 0 else None


def run_chimerax(folder: Path, script: str, mode: str = "nogui") -> dict:
    """What a script left in ``result``; it runs in ``folder``, where it finds ``session``, ``run`` and ``refused``.

    With a window (``gui``) the script must call ``leave()`` and ``run(session, "exit")`` when it is done.
    """
    if chimerax() is None:
        pytest.skip("no ChimeraX with FlexRec on this machine")
    screen = []
    if mode == "gui" and not os.environ.get("DISPLAY"):
        if shutil.which("xvfb-run") is None:
            pytest.skip("no screen and no xvfb-run")
        screen = ["xvfb-run", "-a", "-s", "-screen 0 1000x800x24"]
    after = "" if mode == "gui" else "leave()\n"
    (folder / "script.py").write_text(_BEFORE + script + "\n" + after)
    (folder / "result.json").unlink(missing_ok=True)
    command = [*screen, chimerax(), *_MODES[mode], "--script", "script.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180)
    assert (folder / "result.json").is_file(), done.stdout[-3000:] + done.stderr[-3000:]
    result = json.loads((folder / "result.json").read_text())
    assert "error" not in result, result["error"]
    return result
