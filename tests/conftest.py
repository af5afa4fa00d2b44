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
pytest_plugins = ["chimerax_runs", "blank_pictures", *(["pytestqt.plugin"] if _has_qt() else [])]
REPOSITORY = Path(__file__).resolve().parent.parent
# Test files that take more than ten seconds by themselves on one core; those in a real ChimeraX do, too.
SLOW = set(
    """
    begin bodies classes components diagnose engine_client explore_holes explore_landscape explore_paths explore_playing
    field flow generate halves images jobs_background jobs_cluster jobs_engine jobs_faults jobs_runner latent_sources
    linear membership mesh_again
    mesh_job modes nodes null occupancy packaging panel panel_jobs panel_layout panel_opening panel_paths panel_pixels
    panel_record panel_select panel_states peer_programs place poses prep prep_images reconstruct reconstruct_moving
    reconstruct_states reference_maps report resolution resolution_files rigidity serve simulate simulate_hard
    splat splat_triton symmetry team train train_cache train_memory train_picture train_poses unfold_latents
""".split()
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_slow(item.path):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: not is_slow(item.path))  # so that the quick files fill what is left at the end


def is_slow(path: Path) -> bool:
    name = path.stem.removeprefix("test_")
    return name in SLOW or name.startswith("chimerax_")


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
