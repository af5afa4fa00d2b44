"""One wheel is both an ordinary package and a ChimeraX bundle."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from chimerax.flexrec.jobs.engine_install import REQUIREMENTS
from chimerax_runs import copy_sources


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory) -> Path:
    """The wheel that pip builds from a copy of the source."""
    copy = copy_sources(repository, tmp_path_factory.mktemp("source") / "bundle")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    done = subprocess.run([*command, "-w", copy / "dist", copy], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next((copy / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def metadata(wheel) -> email.message.Message:
    """The wheel's METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        return email.message_from_string(archive.read(name).decode())


@pytest.fixture(scope="module")
def bundle(repository) -> ElementTree.Element:
    """bundle_info.xml."""
    return ElementTree.parse(repository / "bundle_info.xml").getroot()


def names_packed(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_every_source_file_and_no_other(wheel, repository):
    packed = names_packed(wheel)
    files = (path for path in (repository / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    source = {path.relative_to(repository / "src").as_posix() for path in files}
    assert {Path(name).suffix for name in source} >= {".py", ".png", ".html"}
    assert packed == {f"chimerax/flexrec/{name}" for name in source}
    assert "chimerax/__init__.py" not in packed


def test_chimerax_builds_the_same_wheel(wheel, chimerax):
    built = next((chimerax.folder / "bundle" / "dist").glob("*.whl"))
    assert names_packed(built) == names_packed(wheel)


def test_chimerax_knows_the_wheel_as_its_bundle(wheel, metadata, bundle):
    assert wheel.name == f"chimerax_flexrec-{bundle.get('version')}-py3-none-any.whl"
    assert metadata["Name"] == bundle.get("name") == "ChimeraX-FlexRec"
    assert metadata["Summary"] == bundle.findtext("Synopsis")
    lines = [line for line in metadata.get_all("Classifier") if line.startswith("ChimeraX ::")]
    own = [f"ChimeraX :: {item.text}" for item in bundle.iterfind("Classifiers/ChimeraXClassifier")]
    assert own and lines == ["ChimeraX :: Bundle :: Volume Data :: 1,1 :: chimerax.flexrec :: ::", *own]


def test_plain_requirements_are_light_and_on_an_index(metadata):
    plain = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    names = {line.split(">")[0].strip() for line in plain}
    assert names == {"numpy", "scipy", "gemmi", "mrcfile", "tqdm", "psutil"}
    extras = {line.split(">")[0] for line in metadata.get_all("Requires-Dist") if 'extra == "engine"' in line}
    assert extras == {"torch", "numba", "safetensors", "matplotlib", "h5py"}


def test_an_environment_of_the_engine_gets_what_the_wheel_asks_for(metadata):
    wanted = [line.split("; extra")[0] for line in metadata.get_all("Requires-Dist")
              if "extra ==" not in line or 'extra == "engine"' in line]  # fmt: skip
    assert sorted(REQUIREMENTS) == sorted(wanted)


def test_the_wheel_runs_where_it_is_unpacked(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    code = "import chimerax.flexrec as f, chimerax.flexrec.cli as c; print(f.__file__, f.__version__); "
    code += "c.main(['log', '1'])"
    environment = clean | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "it has no jobs yet" in done.stderr, done.stderr
    assert done.stdout.split() == [str(tmp_path / "chimerax/flexrec/__init__.py"), "0.1"]


def test_the_bundle_has_what_chimerax_insists_on(bundle):
    for tag in ("Author", "Email", "URL", "Synopsis", "Description", "Categories/Category"):
        assert bundle.find(tag) is not None, tag
    needed = {item.get("name") for item in bundle.iterfind("Dependencies/Dependency")}
    assert "ChimeraX-Core" in needed and "torch" not in needed


def test_pyproject_leaves_the_bundle_to_bundle_info(repository):
    tables = tomllib.loads((repository / "pyproject.toml").read_text())
    assert set(tables) == {"build-system", "tool"} and "setuptools" not in tables["tool"]


def test_constraints_pin_every_requirement(repository, metadata):
    lines = (repository / "constraints.txt").read_text().splitlines()
    pinned = {line.split("==")[0].lower() for line in lines if "==" in line}
    wanted = {re.split("[<>!=;]", line)[0].strip().lower() for line in metadata.get_all("Requires-Dist")}
    assert wanted - pinned <= {"triton", "setuptools"}


def test_every_dependency_is_accounted_for(repository, metadata):
    page = (repository / "docs/dependencies.md").read_text()
    wanted = {re.split("[<>!=;]", line)[0].strip() for line in metadata.get_all("Requires-Dist")}
    assert [name for name in sorted(wanted) if f"| {name} |" not in page] == []
