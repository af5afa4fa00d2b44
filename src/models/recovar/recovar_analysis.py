"""What RECOVAR has left beside an embedding: tables for each particle, k-means, UMAP, trajectories, computed states."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...particles.pickles import load_arrays_pickle
from ..origin import GivenClusters
from .recovar_before_1 import read_halfsets
from .recovar_folder import Embedding, RecovarFolder
from .recovar_job import jobs_of

_LARGEST_TEXT = 1 << 24  # bytes of a table of latent points
_POINTS = "latent_coords.txt"


def read_halves(folder: RecovarFolder, count: int) -> np.ndarray:
    """``(count,)`` int8: 1 or 2 of those that are in a half, 0 of the others, and of all where it is not known."""
    half = np.zeros(count, np.int8)
    for number, rows in enumerate(read_halfsets(folder.folder / "model")):
        half[rows[rows < count]] = number + 1
    return half


def read_umap(folder: RecovarFolder, embedding: Embedding, rows: np.ndarray) -> np.ndarray | None:
    """``(n, 2)`` float32 of the particles in these rows of the file; None where none fits them."""
    place = folder.analysis(embedding)
    points = _pickle(place / "plots" / "umap" / "umap_embedding.pkl", place / "umap" / "umap_embedding.pkl")
    if not isinstance(points, np.ndarray) or points.ndim != 2 or points.shape[1] != 2 or len(points) <= rows.max():
        return None
    points = points[rows].astype(np.float32)
    return points if np.isfinite(points).all() else None


def read_kmeans(folder: RecovarFolder, embedding: Embedding, rows: np.ndarray) -> GivenClusters | None:
    """The k-means clusters of `recovar analyze`, counted from 1, of the particles ``rows`` ``(n,)`` of its file.

    None where none fit. The middle of a cluster is the particle nearest to its centre.
    """
    place = folder.analysis(embedding)
    values = _pickle(place / "data" / "kmeans_result.pkl", place / "kmeans_result.pkl")
    values = values if isinstance(values, dict) else {}
    label, centres = (_numbers(values.get(name)) for name in ("labels", "centers"))
    latents = embedding.table("latent_coords")
    if latents is None or label.ndim != 1 or len(label) <= rows.max() or centres.shape[1:] != (embedding.zdim,):
        return None
    label, latents = label[rows], latents[rows]
    if not len(centres) or not (np.isfinite(label) & (label >= 0) & (label < len(centres))).all():
        return None
    label = label.astype(np.int32)
    centre = np.array([np.argmin(((latents - point) ** 2).sum(axis=1)) for point in centres])
    return GivenClusters(label + 1, centre, np.bincount(label, minlength=len(centres)))


def _numbers(values: Any) -> np.ndarray:
    """An array of numbers, without any where it is none."""
    return values if isinstance(values, np.ndarray) and values.ndim and values.dtype.kind in "iuf" else np.empty(0)


def read_states(folder: RecovarFolder, embedding: Embedding) -> dict[str, np.ndarray]:
    """Latent points ``(K,)``: the k-means' centres, and those at which compute_state has reconstructed maps.

    They are counted from 0, as RECOVAR's own maps are.
    """
    place = folder.analysis(embedding)
    kmeans = (place / "kmeans" / "centers.txt", place / "kmeans_center_coords.txt")  # the other before version 1.0
    tables = {"kmeans": next((file for file in kmeans if file.is_file()), kmeans[0])}
    files = sorted(folder.folder.glob(f"*/{_POINTS}"))
    for file in [*files, *(place / _POINTS for place, _ in jobs_of(folder.folder, "compute_state"))]:
        tables[re.sub(r"\W", "_", file.parent.name) + "_"] = file
    states = {}
    for name, file in tables.items():
        for number, point in enumerate(_points(file, embedding.zdim)):
            states[f"{name}{number}"] = point
    return states


def read_paths(folder: RecovarFolder, embedding: Embedding) -> dict[str, Path]:
    """The tables of latent points along analyze's trajectories, by their names."""
    place = folder.analysis(embedding)
    files = sorted([*place.glob(f"traj*/{_POINTS}"), *place.glob(f"path*/{_POINTS}")])
    return {file.parent.name: file for file in files if len(_points(file, embedding.zdim))}


def _points(file: Path, zdim: int) -> np.ndarray:
    """``(m, K)`` float32; none where the file has other ones."""
    try:
        if file.is_file() and file.stat().st_size < _LARGEST_TEXT:
            points = np.loadtxt(file, ndmin=2)
            points = points.reshape(-1, 1) if zdim == 1 else points
            if points.shape[1] == zdim and np.isfinite(points).all():
                return points.astype(np.float32)
    except (OSError, ValueError):
        pass
    return np.empty((0, zdim), np.float32)


def _pickle(*paths: Path) -> Any:
    """The first that is there; None where that cannot be read: what is beside a model keeps nobody from opening it."""
    path = next((path for path in paths if path.is_file()), None)
    try:
        return None if path is None else load_arrays_pickle(path)
    except InputError:
        return None
