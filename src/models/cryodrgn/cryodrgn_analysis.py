"""What ``cryodrgn analyze`` and ``analyze_landscape`` have left for an epoch: UMAP, k-means, components, landscapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...particles.pickles import load_arrays_pickle
from ..origin import GivenClusters, GivenColumn
from .cryodrgn_folder import CryodrgnFolder

_LARGEST_TABLE = 1 << 24  # bytes of a table of centres


def read_umap(folder: CryodrgnFolder, epoch: int, count: int) -> np.ndarray | None:
    """``(n, 2)`` float32; None where none fits the ``count`` particles."""
    points = _array(folder.analysis("analyze", epoch) / "umap.pkl")
    if points is None or points.shape != (count, 2) or points.dtype.kind != "f":
        return None
    return points.astype(np.float32)


def read_kmeans(folder: CryodrgnFolder, epoch: int, count: int) -> GivenClusters | None:
    """The k-means clusters of analyze, those of the most clusters where there are several; counted from 1."""
    for place in _kmeans_folders(folder.analysis("analyze", epoch)):
        label, centre = _array(place / "labels.pkl"), _text(place / "centers_ind.txt")
        if label is None or centre is None or label.shape != (count,) or label.dtype.kind not in "iu":
            continue
        centre = centre.ravel().astype(np.int64)
        if len(centre) and 0 <= label.min() <= label.max() < len(centre) and 0 <= centre.min() <= centre.max() < count:
            return GivenClusters((label + 1).astype(np.int32), centre, np.bincount(label, minlength=len(centre)))
    return None


def read_states(folder: CryodrgnFolder, epoch: int, dims: int) -> dict[str, np.ndarray]:
    """Latent points ``(K,)`` of the maps that analyze has made at its k-means' centres, by the numbers of the maps.

    They are counted from 1, by older versions from 0, and otherwise where it was told to (--vol-start-index).
    """
    for place in _kmeans_folders(folder.analysis("analyze", epoch)):
        points = _text(place / "z_values.txt", place / "centers.txt")
        if points is None or not points.size:
            continue
        points = points.reshape(-1, dims) if points.size % dims == 0 else points
        if points.ndim == 2 and points.shape[1] == dims and np.isfinite(points).all():
            maps = [file.stem.removeprefix("vol_") for file in place.glob("vol_*.mrc")]
            first = min((int(number) for number in maps if number.isdigit()), default=1)
            return {f"kmeans{first + number}": point.astype(np.float32) for number, point in enumerate(points)}
    return {}


def read_paths(folder: CryodrgnFolder, epoch: int) -> dict[str, Path]:
    """The tables of latent points along the traversals of analyze, which a path can be made of, by their names."""
    place = folder.analysis("analyze", epoch)
    paths = {file.parent.name: file for file in sorted(place.glob("pc*/z_values.txt"))}
    alone = place / "z_values.txt"  # of one latent dimension there is but one, in no folder of its own
    return {"z1": alone, **paths} if alone.is_file() else paths


def read_landscape(folder: CryodrgnFolder, epoch: int, count: int) -> dict[str, GivenColumn]:
    """For each particle its state in analyze_landscape's clusters of maps, and analyze_landscape_full's clusters and
    components. The folders of the former are called sketch_clustering_… in version 4.3, clustering_… before.
    """
    place, columns = folder.analysis("landscape", epoch), {}
    labels = (_array(kmeans / "labels.pkl") for kmeans in _kmeans_folders(place))
    sketch = next((label for label in labels if label is not None), None)
    if sketch is not None and sketch.shape == (count,) and sketch.dtype.kind in "iu" and count:
        sketch = sketch - sketch.min()  # no cluster is empty; they are counted as their maps are, from 1 in version 4.3
        for file in sorted(place.glob("*clustering_*/state_labels.pkl")):
            states = _array(file)
            if states is not None and states.ndim == 1 and sketch.max() < len(states):
                columns[_plain(file.parent.name)] = GivenColumn(states[sketch], True)
    full = _array(place / "landscape_full" / "full_clustering" / "cluster_labels.pkl")
    if full is not None and full.shape == (count,) and full.dtype.kind in "iu":
        columns["landscape_full"] = GivenColumn(full, True)
    axes = _array(place / "landscape_full" / "vol_pca_all.pkl")
    if axes is not None and axes.ndim == 2 and len(axes) == count and axes.dtype.kind == "f":
        for number, values in enumerate(axes.T[:10]):
            columns[f"volpc{number + 1}"] = GivenColumn(values.astype(np.float32), False)
    return columns


def _plain(name: str) -> str:
    """The name of a column after that of a folder."""
    return f"landscape_{name.removeprefix('sketch_').removeprefix('clustering_').replace('-', '_')}"


def _kmeans_folders(place: Path) -> list[Path]:
    """The largest first."""
    folders = [path for path in place.glob("kmeans*") if path.name.removeprefix("kmeans").isdigit()]
    return sorted(folders, key=lambda path: -int(path.name.removeprefix("kmeans")))


def _array(path: Path) -> np.ndarray | None:
    """None where there is none that can be read: what is beside a model keeps nobody from opening it."""
    try:
        value: Any = load_arrays_pickle(path) if path.is_file() else None
        return None if value is None else np.asarray(value)
    except (InputError, ValueError):
        return None


def _text(*paths: Path) -> np.ndarray | None:
    """The first table of numbers that is there."""
    for path in paths:
        try:
            if path.is_file() and path.stat().st_size < _LARGEST_TABLE:
                return np.loadtxt(path, ndmin=2)
        except (OSError, ValueError):
            continue
    return None
