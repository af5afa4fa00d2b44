"""The house's rules: which room may import which, and what no file may do."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

SOURCE = Path(__file__).resolve().parent.parent / "src"
FILES = sorted(SOURCE.rglob("*.py"))
NAMES = [file.relative_to(SOURCE).as_posix() for file in FILES]

# Each room with the rooms below it, from which it may import besides itself.
_GROUND = {"particles", "mesh"}
_ENGINE = _GROUND | {"engine", "simulate"}
_MODELS = _ENGINE | {"models"}
_WORK = _MODELS | {"jobs", "explore", "figures", "decoder_process"}
_FACES = _WORK | {"scene", "panel", "actions"}
ALLOWED = {
    "particles": _GROUND,
    "mesh": _GROUND,
    "engine": _ENGINE - {"simulate"},
    "simulate": _ENGINE,
    "models": _MODELS,
    "explore": _MODELS,
    "figures": _MODELS | {"explore"},
    "decoder_process": _MODELS,
    "jobs": _MODELS | {"figures", "explore"},
    "scene": _WORK,
    "panel": _WORK | {"actions"},
    "actions": _WORK,
    "commands": _FACES,
    "cli": _FACES | {"viewer"},
    "viewer": _FACES,
    "panel_in_chimerax": _FACES | {"commands"},
    "bundle": {"commands", "panel_in_chimerax", "scene"},
    "__init__": {"bundle"},
}
LEAVES = {"errors", "atomic", "file_locks", "environment", "boot", "parameters", "reading"}
WITHOUT_CHIMERAX = set(ALLOWED) - {"scene", "panel_in_chimerax", "commands", "bundle", "__init__"} | LEAVES
WITHOUT_QT = WITHOUT_CHIMERAX - {"panel", "viewer"}
SAME_NAMES = {"__init__.py", "__main__.py", "particles.py"}
HEAVY = ("torch", "numba", "matplotlib", "gemmi", "scipy", "numpy", "mrcfile")


def room(file: Path) -> str:
    return file.relative_to(SOURCE).with_suffix("").parts[0]


@cache
def nodes(file: Path) -> list[ast.AST]:
    """Everything that a file says; the module itself comes first."""
    return list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


@cache
def imports(file: Path) -> list[tuple[int, str]]:
    """``(level, dotted name)`` of everything a file imports, wherever it does so; level 0 is absolute."""
    return list(_imports(file))


def _imports(file: Path) -> Iterator[tuple[int, str]]:
    for node in nodes(file):
        if isinstance(node, ast.Import):
            yield from ((0, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.level, node.module
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.level, name.name) for name in node.names)


@cache
def modules_imported(file: Path) -> list[tuple[str, ...]]:
    """Where in the package a file takes something from: by a relative import, or by a dotted name in a string."""
    return list(_modules_imported(file))


def _modules_imported(file: Path) -> Iterator[tuple[str, ...]]:
    package = file.relative_to(SOURCE).parent.parts
    for level, name in imports(file):
        if level:
            yield (*package[: len(package) + 1 - level], *name.split("."))
    docstrings = {id(node.value) for node in nodes(file) if isinstance(node, ast.Expr)}
    for node in nodes(file):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            named = NAMED.fullmatch(node.value)
            if named and named["absolute"]:
                yield tuple(named["path"].split("."))
            elif named:
                level = len(named["dots"])
                yield (*package[: len(package) + 1 - level], *named["path"].split("."))


# "chimerax.flexrec.jobs.worker", ".answers:ModelAnswers", "...models.opening:open_model"
NAMED = re.compile(r"(?:(?P<absolute>chimerax\.flexrec\.)|(?P<dots>\.+)(?=[a-z_.]+:))(?P<path>[a-z_][a-z_.]*)(?::\w+)?")


def rooms_imported(file: Path) -> Iterator[str]:
    """The rooms from which a file takes something."""
    yield from (module[0] for module in modules_imported(file))


def test_the_rules_see_the_rooms():
    assert set(ALLOWED) | LEAVES == {room(file) for file in FILES}
    assert {"jobs", "viewer", "errors", "cli"} <= set(rooms_imported(SOURCE / "cli" / "program.py")) | {"viewer"}
    assert "atomic" in set(rooms_imported(SOURCE / "jobs" / "record.py"))
    assert "jobs" in set(rooms_imported(SOURCE / "jobs" / "mesh" / "mesh_parameters.py"))
    assert "decoder_process" in set(rooms_imported(SOURCE / "decoder_process" / "__main__.py"))


def test_arrows_point_one_way():
    wrong = {}
    for file, name in zip(FILES, NAMES):
        allowed = ALLOWED[room(file)] | {room(file)} if room(file) in ALLOWED else set()
        wrong[name] = set(rooms_imported(file)) - allowed - LEAVES - {"__version__"}
    assert {name: rooms for name, rooms in wrong.items() if rooms} == {}


def test_no_files_import_one_another_in_a_circle():
    """Neither when they are loaded nor, by an import inside a function, later."""
    files = {file.relative_to(SOURCE).with_suffix("").parts: file for file in FILES}

    def loaded(module: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for named in modules_imported(files[module]):
            known = [named[:end] for end in range(len(named), 0, -1) if named[:end] in files]
            package = [(*named, "__init__")] if (*named, "__init__") in files else []
            yield from (other for other in [*known[:1], *package] if other != module)

    graph = {module: set(loaded(module)) for module in files}
    assert [sorted(circle) for circle in strongly_connected(graph) if len(circle) > 1] == []


def strongly_connected(graph: dict) -> Iterator[set]:
    names = sorted(graph)
    number = {name: index for index, name in enumerate(names)}
    pairs = [(number[name], number[other]) for name in names for other in graph[name] if other in number]
    rows, columns = zip(*pairs, strict=True)
    matrix = scipy.sparse.coo_matrix((np.ones(len(pairs)), (rows, columns)), shape=(len(names),) * 2)
    count, label = scipy.sparse.csgraph.connected_components(matrix, connection="strong")
    yield from ({names[index] for index in np.flatnonzero(label == group)} for group in range(count))


def test_a_file_name_stands_once_in_the_house():
    """But for what Python names, and for names that a folder each has by a rule of CONTRIBUTING.md."""
    count = Counter(file.name for file in FILES)
    assert [name for name, times in count.items() if times > 1 and name not in SAME_NAMES] == []


def test_imports_inside_the_package_are_relative():
    absolute = [(name, module) for file, name in zip(FILES, NAMES) for level, module in imports(file)
                if level == 0 and module.startswith("chimerax.flexrec")]  # fmt: skip
    assert absolute == []


def test_below_the_scene_nothing_knows_chimerax_or_qt():
    known = {}
    for file, name in zip(FILES, NAMES):
        absolute = {module.split(".")[0] for level, module in imports(file) if level == 0}
        if room(file) in WITHOUT_CHIMERAX:
            known[name] = absolute & {"chimerax", "Qt", "PyQt5", "PyQt6", "PySide6"}
        if room(file) in WITHOUT_QT:
            known[name] |= absolute & {"qtpy"}
    assert len(known) > 500 and {name: packages for name, packages in known.items() if packages} == {}


def test_nothing_is_unpickled_but_by_the_restricted_unpickler():
    careless = []
    for file in FILES:
        for node in nodes(file):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("pickle.load", "pickle.loads", "eval", "exec"):
                careless.append((file.name, node.lineno))
            for keyword in node.keywords if isinstance(node, ast.Call) else ():
                if keyword.arg in ("allow_pickle", "shell") and ast.unparse(keyword.value) != "False":
                    careless.append((file.name, node.lineno))
    assert careless == []


def public_functions(body: list[ast.stmt], in_class: bool = False) -> Iterator[tuple[ast.FunctionDef, bool]]:
    """The functions of a module, and the methods of its classes, that others may call; whether each is a method."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body, in_class=True)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            static = any(isinstance(name, ast.Name) and name.id == "staticmethod" for name in node.decorator_list)
            yield node, in_class and not static


def is_hinted(function: ast.FunctionDef, method: bool) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return function.returns is not None and all(argument.annotation for argument in arguments[1 if method else 0 :])


def test_public_functions_below_the_scene_say_what_they_take_and_return():
    trees = {file: nodes(file)[0] for file in FILES if room(file) in _WORK}
    functions = [(file, *function) for file, tree in trees.items() for function in public_functions(tree.body)]
    bare = [f"{file}:{function.lineno}" for file, function, method in functions if not is_hinted(function, method)]
    assert len(functions) > 1000 and len(bare) < 0.05 * len(functions), bare


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


def test_what_is_to_be_touched_exists():
    """The files and folders that CONTRIBUTING.md names; documents name no source file that a move could break."""
    top = SOURCE.parent
    named = re.findall(r"`((?:tests/)?[a-z_/]+(?:\.py|/))`", (top / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    assert [name for name in named if not ((top if name.startswith("tests/") else SOURCE) / name).exists()] == []
    sources = {file.name for file in FILES} - {file.name for file in (top / "benchmarks").glob("*.py")}
    for page in (top / "docs").glob("*.md"):
        words = set(re.findall(r"[a-z_]+\.py", page.read_text(encoding="utf-8")))
        assert not words & sources, page
