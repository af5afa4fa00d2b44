"""Which Python, torch and device would run a job, asked of that Python itself."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..job_environment import worker_environment
from .engine_probe import MODULES

_GLANCE = 20.0  # seconds
_PATIENCE = 300.0  # seconds: the first import of torch from a network disk takes its time
_NO_FLEXREC = "none: a job that is started here brings its own"
# the same Python finds what this process finds, as a job does
_FIND = """
import importlib.util, json, os, sys
prefix, path, modules = json.loads(sys.argv[1])
if os.path.realpath(prefix) == os.path.realpath(sys.prefix):
    sys.path.extend(path)
print(*[name for name in modules if importlib.util.find_spec(name) is None])
"""
_INSTALL = "flexrec engine install DIR makes an environment that has it"


@dataclass(frozen=True)
class Device:
    """A device of torch's: ``device`` is ``cuda:0``, ``name`` what it is, ``error`` why it does not compute."""

    device: str
    name: str
    error: str | None = None


@dataclass(frozen=True)
class EngineReport:
    """What a Python offers to a job. ``problem`` is the one sentence that says why no job can run; None if one can."""

    python: str
    version: str
    flexrec: str | None = None
    modules: dict[str, str] = field(default_factory=dict)
    devices: tuple[Device, ...] = ()
    problem: str | None = None

    @property
    def device(self) -> Device | None:
        """The best device that computes."""
        return next((device for device in self.devices if device.error is None), None)

    def lines(self) -> list[str]:
        """The report for a person, without its problem."""
        rows = [("Python", f"{self.version} ({self.python})"), ("FlexRec", self.flexrec or _NO_FLEXREC)]
        rows += [(name, self.modules.get(name, "missing")) for name in ("torch", "numba")]
        rows += [("device", f"{d.device} ({d.name})" + (f": {d.error}" if d.error else "")) for d in self.devices]
        text = [f"{name:<9}{value}" for name, value in rows]
        if not self.problem and self.device is not None:
            text.append(f"Jobs can run with this Python, on {self.device.device}.")
        return text

    def print_report(self) -> bool:
        """Print it, the problem to standard error; whether a job can run."""
        print("\n".join(self.lines()), flush=True)
        if self.problem is not None:
            print(f"flexrec: {self.problem}", file=sys.stderr)
        return self.problem is None


def ask_python(python: Path | str | None = None) -> EngineReport:
    """Run a tiny computation in a Python (this one if None), in the environment that a job is given."""
    python = str(python or sys.executable)
    code = Path(__file__).with_name("engine_probe.py").read_text(encoding="utf-8")
    try:
        with tempfile.TemporaryDirectory() as folder:  # a Python that reads its program imports from where it runs
            done = subprocess.run(
                [python, "-"], cwd=folder, env=worker_environment(python), input=code,
                capture_output=True, encoding="utf-8", errors="replace", timeout=_PATIENCE,
            )  # fmt: skip
        return _read(python, json.loads(done.stdout.splitlines()[-1]))
    except OSError as error:
        raise InputError(f"{python} cannot be run ({error.strerror}); give the path of a Python.") from error
    except subprocess.TimeoutExpired:
        raise InputError(f"{python} did not answer within {_PATIENCE:g} s; look at it, or give another one.") from None
    except (ValueError, IndexError, TypeError, KeyError):
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1][:200]
        raise InputError(f"{python} is no working Python: it ended with {done.returncode} and said {last}.") from None


def check_python(python: Path | str) -> None:
    """``InputError`` where a program is no Python, or one that is too old."""
    code = "import sys; print('FlexRec', sys.version_info[0], sys.version_info[1])"
    try:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [str(python), "-c", code], cwd=folder, env=worker_environment(python), stdin=subprocess.DEVNULL,
                capture_output=True, encoding="utf-8", errors="replace", timeout=_GLANCE,
            )  # fmt: skip
        word, *version = done.stdout.split()
        major, minor = map(int, version)
        if word != "FlexRec":
            raise ValueError(word)
    except OSError as error:
        raise InputError(f"{python} cannot be run ({error.strerror}); give the path of a Python.") from error
    except (subprocess.SubprocessError, ValueError):
        raise InputError(f"{python} is no working Python; give the path of another one.") from None
    if (major, minor) < (3, 11):
        raise InputError(f"{python} is Python {major}.{minor}, and FlexRec needs 3.11 or newer; give another one.")


def missing_modules(python: Path | str) -> list[str]:
    """The modules that jobs need and a Python has not, found without importing any; ``InputError`` as above."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [str(python), "-c", _FIND, json.dumps([sys.prefix, sys.path, MODULES])],
                cwd=folder, env=worker_environment(python), stdin=subprocess.DEVNULL,
                capture_output=True, encoding="utf-8", errors="replace", timeout=_GLANCE, check=True,
            )  # fmt: skip
    except OSError as error:
        raise InputError(f"{python} cannot be run ({error.strerror}); give the path of a Python.") from error
    except subprocess.SubprocessError as error:
        raise InputError(f"{python} is no working Python ({error}); give another one.") from error
    return done.stdout.split()


def _read(python: str, facts: dict[str, Any]) -> EngineReport:
    devices = tuple(Device(**device) for device in facts.get("devices", ()))
    modules = facts.get("modules", {})
    problem = _problem(python, facts, devices)
    return EngineReport(python, facts["version"], facts.get("flexrec"), modules, devices, problem)


def _problem(python: str, facts: dict[str, Any], devices: tuple[Device, ...]) -> str | None:
    if "modules" not in facts:
        return f"{python} is Python {facts['version']}, but a job needs 3.11 or newer; {_INSTALL}."
    missing = [name for name, error in facts["broken"].items() if not error]
    if missing:
        return f"{python} has no {', '.join(missing)}; {_INSTALL}."
    for name, error in facts["broken"].items():
        return f"{python} cannot import {name} ({error.splitlines()[0]}); install it again, or {_INSTALL}."
    if facts["numba_error"]:
        return f"numba of {python} does not compile ({facts['numba_error']}); install it again, or {_INSTALL}."
    if all(device.error for device in devices):
        return f"torch of {python} does not compute ({devices[0].error}); install it again, or {_INSTALL}."
    return None
