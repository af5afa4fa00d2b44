"""The house's rules: which room may import which, and what no file may do."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src"
FILES = sorted(SOURCE.rglob("*.py"))
NAMES = [file.relative_to(SOURCE).as_posix() for file in FILES]

# Each room with the rooms below it, from which it may import.
_GROUND = {"particles", "mesh"}
_ENGINE = _GROUND | {"engine"}
_MODELS = _ENGINE | {"models"}
_MIDDLE = _MODELS | {"scene", "explore", "jobs"}
CLI = {"cli_jobs", "cli_cluster", "cli_engine", "cli_explore", "cli_select", "cli_options", "cli_view", "cli_watch"}
ALLOWED = {
    "particles": _GROUND,
    "mesh": _GROUND,
    "engine": _ENGINE,
    "models": _MODELS,
    "explore": _MODELS | {"explore"},
    "jobs": _MODELS | {"jobs"},
    "scene": _MIDDLE,
    "commands": _MIDDLE | {"commands"},
    "panel": _MIDDLE | {"commands", "panel"},
    "cli": _MIDDLE | CLI,
    "cli_jobs": _MIDDLE | {"cli_jobs", "cli_cluster", "cli_options"},
    "cli_cluster": _MIDDLE | {"cli_cluster"},
    "cli_engine": _MIDDLE | {"cli_engine", "cli_jobs", "cli_options"},
    "cli_explore": _MIDDLE | {"cli_explore", "cli_jobs"},
    "cli_select": _MIDDLE | {"cli_select", "cli_explore", "cli_jobs"},
    "cli_options": _MIDDLE | {"cli_options"},
    "cli_view": {"panel"},
    "cli_watch": _MIDDLE | {"cli_watch", "cli_jobs"},
    "bundle": {"commands", "panel", "scene"},
    "__init__": {"bundle"},
}
LEAVES = {"errors", "atomic", "environment", "boot"}
WITHOUT_CHIMERAX = {"particles", "mesh", "engine", "models", "explore", "jobs", "cli", *CLI, *LEAVES}
HEAVY = ("torch", "numba", "matplotlib", "gemmi", "scipy", "numpy", "mrcfile")


def room(file: Path) -> str:
    return file.relative_to(SOURCE).with_suffix("").parts[0]


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """``(level, dotted name)`` of everything a file imports, wherever it does so; level 0 is absolute."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((0, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.level, node.module
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.level, name.name) for name in node.names)


def rooms_imported(file: Path) -> Iterator[str]:
    """The rooms from which a file takes something by a relative import."""
    package = file.relative_to(SOURCE).parent.parts
    for level, name in imports(file):
        if level:
            yield (*package[: len(package) + 1 - level], *name.split("."))[0]


def test_the_rules_see_the_rooms():
    assert {"cli", "jobs", "particles", "mesh", "engine"} <= {room(file) for file in FILES}
    assert set(rooms_imported(SOURCE / "cli.py")) == CLI | {"jobs", "errors", "__version__"}
    assert "atomic" in set(rooms_imported(SOURCE / "jobs" / "record.py"))


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_arrows_point_one_way(file):
    if room(file) in LEAVES:
        assert set(rooms_imported(file)) <= LEAVES | {"__version__"}
        return
    assert set(rooms_imported(file)) <= ALLOWED[room(file)] | LEAVES | {"__version__"}


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_imports_inside_the_package_are_relative(file):
    assert [name for level, name in imports(file) if level == 0 and name.startswith("chimerax.flexrec")] == []


@pytest.mark.parametrize("file", [file for file in FILES if room(file) in WITHOUT_CHIMERAX], ids=str)
def test_the_engine_side_knows_neither_chimerax_nor_qt(file):
    absolute = {name.split(".")[0] for level, name in imports(file) if level == 0}
    assert not absolute & {"chimerax", "Qt", "qtpy", "PyQt5", "PyQt6", "PySide6"}


def test_only_two_files_of_the_panel_know_chimerax():
    """The rest of it runs outside ChimeraX too."""
    inside = {SOURCE / "panel" / "tool.py", SOURCE / "panel" / "chimerax_scene.py"}
    for file in FILES:
        if room(file) == "panel" and file not in inside:
            names = {name.split(".")[0] for level, name in imports(file) if level == 0}
            own = {"/".join(name.split(".")) for level, name in imports(file) if level == 1}
            assert not names & {"chimerax", "Qt", "PyQt5", "PyQt6", "PySide6"}, file
            assert not own & {"tool", "chimerax_scene"}, file


def test_nothing_is_unpickled_but_by_the_restricted_unpickler():
    careless = []
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("pickle.load", "pickle.loads", "eval", "exec"):
                careless.append((file.name, node.lineno))
            for keyword in node.keywords if isinstance(node, ast.Call) else ():
                if keyword.arg in ("allow_pickle", "shell") and ast.unparse(keyword.value) != "False":
                    careless.append((file.name, node.lineno))
    assert careless == []


def test_no_file_is_a_drawer_for_odds_and_ends():
    drawers = {"util", "utils", "helper", "helpers", "common", "misc"}
    assert [name for name in NAMES if Path(name).stem in drawers] == []


def test_every_room_is_a_package():
    folders = {file.parent for file in FILES}
    assert [folder.name for folder in folders if not (folder / "__init__.py").exists()] == []


def test_declarations_and_the_package_import_nothing_heavy():
    code = f"""
import sys
import chimerax.flexrec
from chimerax.flexrec.jobs.registry import all_jobs
assert all(job.options() for job in all_jobs())
print(*[name for name in {HEAVY} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
