"""An environment that can run jobs: a Python of its own with the torch for this machine, FlexRec and what it needs."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ...environment import booted
from ...errors import InputError
from ..job_environment import worker_environment
from ..queue.slots import visible_gpus
from ..record import read_json, write_json
from .engine_report import EngineReport, ask_python
from .engine_wheel import pack_wheel

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CUDA_INDEX = "https://download.pytorch.org/whl/cu126"  # for Windows, where the usual index has CPU builds only
MARK = "flexrec-engine.json"
# All that jobs need, as setup.py has it; in ChimeraX the bundle's own metadata names ChimeraX's packages instead.
REQUIREMENTS = (
    "numpy>=1.26", "scipy>=1.12", "gemmi>=0.7", "mrcfile>=1.5", "tqdm>=4.60", "psutil>=5.9", "PyYAML>=6.0",
    "threadpoolctl>=3.1", "torch>=2.4", "numba>=0.60", "safetensors>=0.4", "matplotlib>=3.8", "h5py>=3.10",
)  # fmt: skip
_PASSED = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_AGAIN = "run the same command again to go on"


def install(
    folder: Path, index: str | None = None, python: Path | str | None = None, say: Callable[[str], None] = print
) -> EngineReport:
    """Make the environment, or finish one that was begun; ``InputError`` says which step failed.

    ``index`` is where torch alone comes from (None: what suits this machine); all else comes from pip's usual index.
    ``python`` makes the environment (this one if None).
    """
    folder, python = folder.absolute(), str(python or sys.executable)
    _refuse_others(folder)
    steps = {
        "environment": lambda again: _make(folder, python, again),
        "torch": lambda again: _pip(folder, ["--no-deps", *_index_words(index), *_reinstall_options(again), "torch"]),
        "FlexRec": lambda again: _install_flexrec(folder),
    }
    begun = _mark(folder).get("begun")
    for number, (name, step) in enumerate(steps.items(), 1):
        say(f"{number} of {len(steps)}: {name} in {folder}")
        # what was begun and not ended is made anew, whatever it looks like
        _write_mark(folder, name)
        try:
            step(name == begun)
        except subprocess.CalledProcessError as error:
            raise InputError(_failed(name, folder, index)) from error
        except OSError as error:
            raise InputError(f"{name} could not be installed in {folder} ({error.strerror}); {_AGAIN}.") from error
    report = ask_python(environment_python(folder))
    if report.problem is None:
        _write_mark(folder, None)
    return report


def install_command(python: Path | str, folder: Path, index: str | None = None) -> list[str]:
    """The words that do this in a process of its own, made by ``python``, for programs that cannot wait."""
    more = ["--index", index] if index else []
    return [str(python), *booted(__name__), str(folder), *more]


def main(words: list[str]) -> int:
    """``FOLDER [--index URL]``: make the environment and print its report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--index")
    chosen = parser.parse_args(words)
    try:
        return 0 if install(chosen.folder, chosen.index, say=say_step).print_report() else 1
    except InputError as error:
        print(f"flexrec: {error}", file=sys.stderr)
        return 2


def say_step(text: str) -> None:
    """Print a step as it begins, also where standard output is no terminal."""
    print(f"flexrec: {text}", flush=True)


def install_environment(python: Path | str) -> dict[str, str]:
    """The environment of that process."""
    return worker_environment(python) | _for_pip() | {"PYTHONUNBUFFERED": "1"}


def environment_python(folder: Path) -> Path:
    """The Python of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _refuse_others(folder: Path) -> None:
    """Only an empty folder, or one that was made here, is written to."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise InputError(f"{folder} is not empty and no environment of FlexRec's; give a new folder.")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a new folder.")


def _mark(folder: Path) -> dict:
    """What was begun last; a mark that cannot be read says nothing."""
    try:
        return read_json(folder / MARK) or {}
    except InputError:
        return {}


def _write_mark(folder: Path, begun: str | None) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / MARK, {"begun": begun})
    except OSError as error:
        raise InputError(f"{folder} cannot be written to ({error.strerror}); give another folder.") from error


def _make(folder: Path, python: str, again: bool) -> None:
    if again:
        for part in folder.iterdir():
            if part.name != MARK:
                shutil.rmtree(part) if part.is_dir() and not part.is_symlink() else part.unlink()
    if not environment_python(folder).exists():
        version = _ask_version(python)
        if version < (3, 11):
            shutil.rmtree(folder)
            raise InputError(f"{python} is Python {version[0]}.{version[1]}, but FlexRec needs 3.11; give --python.")
        _run([python, "-m", "venv", str(folder)], worker_environment(python))


def _ask_version(python: str) -> tuple[int, ...]:
    code = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True)
    return tuple(int(part) for part in done.stdout.split())


def _index_words(index: str | None) -> list[str]:
    """Where torch comes from: without an NVIDIA driver it need not be one with gigabytes of CUDA."""
    if index is None and sys.platform.startswith("linux") and platform.machine() in ("x86_64", "aarch64"):
        index = None if visible_gpus() else CPU_INDEX
    elif index is None and os.name == "nt" and visible_gpus():
        index = CUDA_INDEX
    return ["--index-url", index] if index else []


def _reinstall_options(again: bool) -> list[str]:
    return ["--force-reinstall"] if again else []


def _install_flexrec(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        wheel = pack_wheel(Path(temporary))
        _pip(folder, list(REQUIREMENTS))
        # pip leaves an older FlexRec of the same version as it is
        _pip(folder, ["--force-reinstall", "--no-deps", str(wheel)])


def _pip(folder: Path, words: list[str]) -> None:
    python = environment_python(folder)
    constraints = Path(__file__).resolve().parents[3] / "constraints.txt"
    limits = ["--constraint", str(constraints)] if constraints.is_file() else []
    _run([str(python), "-m", "pip", "install", *limits, *words], worker_environment(python) | _for_pip())


def _for_pip() -> dict[str, str]:
    """What pip needs to reach its index."""
    return {
        name: value for name, value in os.environ.items() if name.upper() in _PASSED or name.upper().startswith("PIP_")
    }


def _run(command: list[str], environment: dict[str, str]) -> None:
    """Run a step, whose own words go to the terminal."""
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=True)


def _failed(name: str, folder: Path, index: str | None) -> str:
    other = "; another index can be given with --index URL" if name == "torch" and index is None else ""
    return f"{name} could not be installed in {folder} (see above{other}); {_AGAIN}."
