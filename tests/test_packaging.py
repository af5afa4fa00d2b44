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
from chimerax.flexrec.jobs.engines.engine_install import REQUIREMENTS
from chimerax_runs import build_wheel, copy_sources


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory) -> Path:
    """The wheel that pip builds from a copy of the source."""
    return build_wheel(copy_sources(repository, tmp_path_factory.mktemp("source") / "bundle"))


@pytest.fixture(scope="module")
def metadata(wheel) -> email.message.Message:
    """The wheel's METADATA."""
    return metadata_of(wheel)


@pytest.fixture(scope="module")
def bundle(repository) -> ElementTree.Element:
    """bundle_info.xml."""
    return ElementTree.parse(repository / "bundle_info.xml").getroot()


def metadata_of(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        return email.message_from_string(archive.read(name).decode())


def packed(wheel: Path) -> dict[str, bytes]:
    """What a wheel installs, but for what is said about it."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}


def classifiers(wheel: Path) -> list[list[str]]:
    return sorted([part.strip() for part in line.split("::")] for line in metadata_of(wheel).get_all("Classifier"))


def test_the_wheel_holds_every_source_file_and_no_other(wheel, repository):
    names = set(packed(wheel))
    files = (path for path in (repository / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    source = {path.relative_to(repository / "src").as_posix() for path in files}
    assert {Path(name).suffix for name in source} >= {".py", ".png", ".html"}
    assert names == {f"chimerax/flexrec/{name}" for name in source}
    assert "chimerax/__init__.py" not in names


def test_chimerax_builds_the_same_wheel(wheel, chimerax, repository):
    copy = copy_sources(repository, chimerax.new_folder() / "bundle")
    chimerax.give(copy.parent)
    done = chimerax.call(chimerax.program, "--nogui", "--exit", "--cmd", f"devel build {copy} exit true", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    built = next((copy / "dist").glob("*.whl"))
    assert packed(built) == packed(wheel)
    assert classifiers(built) == classifiers(wheel)
    said = [(one["Name"], one["Version"], one["Summary"], one["Home-page"], one["Author"], one["Author-email"])
            for one in (metadata_of(built), metadata_of(wheel))]  # fmt: skip
    assert said[0] == said[1]


def test_what_a_release_must_fill_in_stands_in_one_file(repository, bundle):
    for text in (bundle.findtext("Email").partition("@")[2], bundle.findtext("URL").partition("//")[2]):
        found = [path.relative_to(repository).as_posix() for path in committed(repository) if text in read(path)]
        assert found == ["bundle_info.xml"], text


def test_the_citation_and_the_changes_are_of_this_version(repository, bundle):
    lines = (repository / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    told = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith((" ", "#")))
    version = bundle.get("version")
    assert told["version"].strip('"') == version and told["license"] == bundle.findtext("License")
    changes = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", changes, re.MULTILINE)[0] == version


def committed(repository: Path) -> list[Path]:
    """Every file of the repository that git knows or would take."""
    words = ["git", "-C", str(repository), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    return [repository / name for name in names if (repository / name).is_file()]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def test_chimerax_knows_the_wheel_as_its_bundle(wheel, metadata, bundle):
    assert wheel.name == f"chimerax_flexrec-{bundle.get('version')}-py3-none-any.whl"
    assert metadata["Name"] == bundle.get("name") == "ChimeraX-FlexRec"
    assert metadata["Summary"] == bundle.findtext("Synopsis")
    lines = [line for line in metadata.get_all("Classifier") if line.startswith("ChimeraX ::")]
    own = [f"ChimeraX :: {item.text}" for item in bundle.iterfind("Classifiers/ChimeraXClassifier")]
    providers = [item for item in bundle.iterfind("Providers/Provider")]
    assert lines[0] == "ChimeraX :: Bundle :: Volume Data :: 1,1 :: chimerax.flexrec :: ::"
    assert len(providers) == 8 and [line.split(" :: ")[1:3] for line in lines[1:9]] == [
        ["Provider", item.get("name")] for item in providers]  # fmt: skip
    assert own and lines[9:] == own


def test_plain_requirements_are_light_and_on_an_index(metadata):
    plain = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    names = {line.split(">")[0].strip() for line in plain}
    assert names == {"numpy", "scipy", "gemmi", "mrcfile", "tqdm", "psutil", "PyYAML", "threadpoolctl"}
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
    code = "import chimerax.flexrec as f, chimerax.flexrec.cli.program as c; print(f.__file__, f.__version__); "
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
