"""Fixtures of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# windows of the tests are real, but on no screen
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")

def _has_qt() -> bool:
    """Whether Qt is here and can be loaded: a bare computer may lack the libraries of a screen (libEGL, libGL)."""
    try:
        import qtpy.QtWidgets  # noqa: F401
    except ImportError:
        return False
    return True


# pytest-qt ends the whole run where Qt cannot be loaded; pyproject.toml therefore keeps it from loading itself
pytest_plugins = ["chimerax_runs", *(["pytestqt.plugin"] if _has_qt() else [])]
REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The top folder of the source."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real files of other programs, which are not in the repository; tests that want them skip without."""
    folder = Path(os.environ.get("FLEXREC_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real files in {folder} (name their folder in FLEXREC_SHARED_DATA)")
    return folder
