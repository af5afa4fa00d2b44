"""What exploring has computed of a training and keeps: clusters, embeddings. It belongs to one epoch's latents."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import atomic_path
from ..errors import InputError
from .trained_model import Trained

FOLDER = "explore"


def changed_at(path: Path) -> int:
    """When a folder's files, or a file, were last replaced; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def kept_stamp(trained: Trained | None, name: str) -> tuple[Trained | None, int]:
    """Another one where the training is another, or what its project keeps under a name has changed."""
    return trained, 0 if trained is None else changed_at(trained.project / name)


def save_result(trained: Trained, name: str, /, **arrays: np.ndarray) -> Path:
    """Write ``explore/NAME.npz`` in the train job's folder, with the epoch that it is of; returns its path."""
    path = trained.folder / FOLDER / f"{name}.npz"
    path.parent.mkdir(exist_ok=True)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        contents: dict[str, Any] = {"epoch": np.int64(trained.model.checkpoint), **arrays}
        np.savez(file, **contents)
    return path


def load_result(trained: Trained, name: str, needs: tuple[str, ...]) -> dict[str, np.ndarray] | None:
    """The arrays ``needs`` of ``explore/NAME.npz``; None where there is none, or it is of another epoch's latents.

    ``InputError`` where the file is damaged. The first array has a row for each particle.
    """
    path = trained.folder / FOLDER / f"{name}.npz"
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            epoch, arrays = int(file["epoch"]), {word: file[word] for word in needs}
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read ({error}); remove it, and make it again.") from error
    fits = epoch == trained.model.checkpoint and len(arrays[needs[0]]) == len(trained.latents)
    return arrays if fits else None
