"""A real ChimeraX, with the wheel of this checkout in a home of its own, which runs scripts for the tests.

It is the program that FLEXREC_CHIMERAX names, or ``ChimeraX`` on the PATH. ChimeraX treats root specially; where root
runs the tests, it runs as FLEXREC_CHIMERAX_USER, or else as the first ordinary user with a home.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

SOURCES = ("src", "setup.py", "pyproject.toml", "bundle_info.xml", "README.md", "LICENSE")
_PATIENCE, _LIMIT = 120, 600  # seconds: of what must become true, and of a whole script; a busy machine takes long
# ChimeraX's own start, before anything of a test has run, fails or hangs now and then: tries, seconds of each.
_STARTS, _START_LIMIT = 3, 180
_STUCK = 20  # seconds before the limit of a script when it writes where its threads are, and ends
_FOLDER = "FLEXREC_TESTS_CHIMERAX_FOLDER"  # of one run of the tests, the same in all its processes

# What a test's script is put into: it fills ``result``, and an exception of its own comes back as text.
_FRAME = '''
import faulthandler, json, sys, traceback
from chimerax.core.commands import run as _run
from chimerax.core.errors import UserError

open({begun!r}, "w").close()
faulthandler.dump_traceback_later({limit}, exit=True, file=open({stuck!r}, "w"))

result = {{}}

def run(text):
    return _run(session, text)

def sentence(text):
    """What a command that is wrong is answered with."""
    try:
        _run(session, text, log=False)
    except UserError as error:
        return str(error)
    raise AssertionError(text + " did not fail")

try:
    exec(compile(open({code!r}, encoding="utf-8").read(), {code!r}, "exec"), globals())
except BaseException:
    result["failed"] = traceback.format_exc()
with open({answer!r}, "w") as file:
    json.dump(result, file)
'''

# The same in a window, which lives on while ``steps()`` rests. It yields for how many seconds; after them it is waited
# until all that was asked of the engine has been answered and drawn, and the panel has read the model, however long it
# takes. Or it yields what must become true.
_WINDOW = '''
import faulthandler, json, time, traceback
from Qt.QtCore import QTimer
from chimerax.core.commands import run as _run

faulthandler.dump_traceback_later({limit}, exit=True, file=open({stuck!r}, "w"))

result = {{}}
_frames, _wanted, _since = [0], lambda: True, 0.0

def run(text):
    return _run(session, text)

def _drawn():
    """Whether what was asked is answered, the panel has what it reads, and two frames have passed since."""
    decoding = getattr(session, "_flexrec_decoding", None)
    panels = [tool.panel for tool in session.tools.list() if tool.tool_name == "FlexRec"]
    if (decoding is not None and decoding.engine.waiting) or any(panel.reading for panel in panels):
        _frames[0] = 0
    return _frames[0] >= 2

def _frame(*_):
    _frames[0] += 1

session.triggers.add_handler("new frame", _frame)

def _end():
    try:
        text = json.dumps(result)
    except TypeError:
        text = json.dumps({{"failed": traceback.format_exc()}})
    with open({answer!r}, "w") as file:
        file.write(text)
    _run(session, "exit", log=False)

def _go():
    global _wanted, _since
    open({begun!r}, "w").close()
    try:
        if not _wanted():
            assert time.monotonic() < _since + {patience}, "waited in vain"
            QTimer.singleShot(20, _go)
            return
        rest = next(_steps)
    except StopIteration:
        _end()
    except BaseException:
        result["failed"] = traceback.format_exc()
        _end()
    else:
        _wanted, _since, _frames[0] = rest if callable(rest) else _drawn, time.monotonic(), 0
        QTimer.singleShot(0 if callable(rest) else int(1000 * rest), _go)

exec(compile(open({code!r}, encoding="utf-8").read(), {code!r}, "exec"), globals())
_steps = steps()
QTimer.singleShot(500, _go)
'''


def pytest_configure(config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[_FOLDER] = f"{tempfile.gettempdir()}/flexrec-tests-{uuid.uuid4().hex[:8]}"


def pytest_unconfigure(config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(_FOLDER), ignore_errors=True)


@dataclass(frozen=True)
class ChimeraX:
    """An installed ChimeraX. ``folder`` is where its ``user`` (None: this one) may write, ``home`` the user's."""

    program: str
    folder: Path
    user: str | None
    home: Path

    def command(self, *words: object) -> list[str]:
        """Words that run a program as the user, at home here."""
        clean = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "SSL_CERT_FILE") if name in os.environ}
        clean |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        clean |= {"HOME": str(self.home), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1",
                  "FLEXREC_SLOTS": str(self.home / "slots")}  # fmt: skip
        become = ["runuser", "-u", self.user, "--"] if self.user else []
        return [*become, "env", "-i", *(f"{name}={value}" for name, value in clean.items()), *map(str, words)]

    def call(self, *words: object, timeout: float = _LIMIT) -> subprocess.CompletedProcess:
        """Run a program to its end."""
        return subprocess.run(
            self.command(*words), cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout,
        )  # fmt: skip

    def run(self, code: str, offscreen: bool = False, timeout: float = _LIMIT) -> dict:
        """What a script has put into ``result``; it has ``session``, ``run(command)`` and ``sentence(command)``."""
        how = ["--offscreen"] if offscreen else []
        return self._answer(_FRAME, code, timeout, self.program, *how, "--nogui", "--exit", "--script")

    def window(
        self, code: str, timeout: float = _LIMIT, screen: tuple[int, int] = (1400, 1000), scale: float = 1.0
    ) -> dict:
        """What ``steps()`` of a script has put into ``result``, in a window on a screen that nobody sees.

        ``screen`` is its width and height in pixels, ``scale`` how many of them are one of Qt's.
        """
        if shutil.which("xvfb-run") is None:
            pytest.skip("no xvfb-run, without which a window needs a screen")
        shown = ("xvfb-run", "-a", "-s", f"-screen 0 {screen[0]}x{screen[1]}x24")
        return self._answer(_WINDOW, code, timeout, "env", f"QT_SCALE_FACTOR={scale:g}", *shown, self.program)

    def _answer(self, frame: str, code: str, timeout: float, *words: object) -> dict:
        here = self.new_folder()
        (here / "code.py").write_text(code, encoding="utf-8")
        names = {"code": "code.py", "answer": "answer.json", "begun": "begun", "stuck": "stuck.txt"}
        paths = {name: here / file for name, file in names.items()}
        script = frame.format(
            patience=_PATIENCE, limit=timeout - _STUCK, **{name: str(path) for name, path in paths.items()}
        )
        (here / "script.py").write_text(script, encoding="utf-8")
        for _ in range(_STARTS):
            paths["begun"].unlink(missing_ok=True)
            said = self._end_of([*words, here / "script.py"], paths["begun"], timeout)
            where = paths["stuck"].read_text() if paths["stuck"].exists() else ""
            if paths["begun"].exists() and not _of_chimerax_alone(where):
                break
        assert paths["answer"].exists() and not where, said + where
        result = json.loads(paths["answer"].read_text())
        assert "failed" not in result, result["failed"]
        return result

    def _end_of(self, words: list, begun: Path, limit: float) -> str:
        """What a program has written when it ends, or is ended: after ``limit`` seconds, or since it does not begin."""
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            process = subprocess.Popen(
                self.command(*words), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
            since = time.monotonic()
            while process.poll() is None:
                time.sleep(0.05)
                taken = time.monotonic() - since
                if taken > limit or (taken > _START_LIMIT and not begun.exists()):
                    os.killpg(process.pid, signal.SIGKILL)  # with the screen and the engine that it started
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what has outlived it
            output.seek(0)
            return output.read()

    def new_folder(self) -> Path:
        """An empty folder that ChimeraX may write to."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        self.give(folder)
        return folder

    def give(self, top: Path) -> None:
        """Let the user have a folder and all in it."""
        top.chmod(0o755)
        if self.user:
            account = pwd.getpwnam(self.user)
            for path in (top, *top.rglob("*")):
                os.chown(path, account.pw_uid, account.pw_gid)


def _of_chimerax_alone(stacks: str) -> bool:
    """Whether a script stood still, and in what is not ours: of all threads' stacks the main thread's is the last."""
    return bool(stacks) and "/chimerax/flexrec/" not in stacks.rpartition("Thread 0x")[2]


def find_program() -> str:
    """ChimeraX, or the test is skipped."""
    program = os.environ.get("FLEXREC_CHIMERAX") or shutil.which("ChimeraX")
    if program is None:
        pytest.skip("no ChimeraX on the PATH (or name it in FLEXREC_CHIMERAX)")
    return program


def find_user() -> str | None:
    """As whom ChimeraX is run; None where that is who runs the tests."""
    if os.geteuid() != 0:
        return None
    if "FLEXREC_CHIMERAX_USER" in os.environ:
        return os.environ["FLEXREC_CHIMERAX_USER"]
    ordinary = [one for one in pwd.getpwall() if 1000 <= one.pw_uid < 60000 and Path(one.pw_dir).is_dir()]
    if not ordinary or shutil.which("runuser") is None:
        pytest.skip("ChimeraX does not run as root, and there is no ordinary user: name one in FLEXREC_CHIMERAX_USER")
    return min(ordinary, key=lambda one: one.pw_uid).pw_name


def copy_sources(repository: Path, folder: Path) -> Path:
    """A copy of what the bundle is built from."""
    folder.mkdir(parents=True)
    for name in SOURCES:
        if (repository / name).is_dir():
            shutil.copytree(repository / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(repository / name, folder / name)
    return folder


def build_wheel(sources: Path) -> Path:
    """The wheel that ``pip wheel`` makes of a copy of the sources, which is the one that people install."""
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    done = subprocess.run([*words, "-w", sources / "dist", sources], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next((sources / "dist").glob("*.whl"))


@pytest.fixture(scope="session")
def chimerax(repository) -> ChimeraX:
    """ChimeraX with the bundle, installed once for all processes of the tests."""
    program, user, folder = find_program(), find_user(), Path(os.environ[_FOLDER])
    installed = ChimeraX(program, folder, user, folder / "home")
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "bundle").exists():
            installed.home.mkdir()
            wheel = build_wheel(copy_sources(repository, folder / "bundle"))
            for path in (installed.home, folder / "bundle"):
                installed.give(path)
            done = installed.call(program, "--nogui", "--exit", "--cmd", f"toolshed install {wheel}", timeout=_LIMIT)
            (folder / "install.txt").write_text(done.stdout + done.stderr)
            folder.chmod(0o777)
    said = (folder / "install.txt").read_text()
    assert "Installed ChimeraX-FlexRec" in said, said
    # a home for each process of the tests: what one chooses, such as an engine, is not for the others
    own = replace(installed, home=folder / f"home-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}")
    shutil.copytree(installed.home, own.home, symlinks=True)
    own.give(own.home)
    return own


@pytest.fixture(scope="session")
def engine_python(chimerax) -> str:
    """A Python with torch that ChimeraX's user can run: ours, or ChimeraX's own with our packages."""
    if chimerax.call(sys.executable, "-c", "import torch, numba").returncode == 0:
        return sys.executable
    own = chimerax.run(
        "import sys; from chimerax.core.python_utils import chimerax_python_executable as f\n"
        "result['python'], result['version'] = f(), list(sys.version_info[:2])"
    )
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    folder = chimerax.new_folder() / "venv"
    chimerax.call(own["python"], "-m", "venv", "--without-pip", folder)
    if own["version"] == list(sys.version_info[:2]):
        next(folder.glob("lib/python*/site-packages")).joinpath("ours.pth").write_text(packages)
    if chimerax.call(folder / "bin/python", "-c", "import torch, numba").returncode != 0:
        pytest.skip(f"ChimeraX's user {chimerax.user} can run no Python with torch: not {sys.executable} either")
    return str(folder / "bin/python")
