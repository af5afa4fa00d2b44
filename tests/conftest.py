"""Fixtures of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["chimerax_runs"]
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
