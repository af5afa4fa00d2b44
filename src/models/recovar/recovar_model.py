"""A model that RECOVAR has computed: its mean map, and eigenvectors times the latents that it found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...mesh.map_files import read_map
from ...mesh.map_place import read_centre
from ..linear.linear_model import LinearModel
from .recovar_folder import Embedding, RecovarFolder
from .recovar_origin import RecovarOrigin


@dataclass(frozen=True, eq=False, kw_only=True)
class RecovarModel(LinearModel):
    """The mean and the first eigenvectors of RECOVAR's covariance, as they are in its output.

    A map is its reprojection state (``generate_conformation_from_reprojection`` in RECOVAR's embedding.py), mean +
    Σ zₖ uₖ, at contrast 1. Its latents are coordinates in that basis, without any further scale.
    """

    kind = "RECOVAR"

    embedding: Embedding

    @property
    def progress(self) -> str:
        """Which of RECOVAR's embeddings it is."""
        how = "" if self.embedding.regularised else " without regularisation"
        return f"RECOVAR's mean and {self.latent_dims} eigenvector(s), zdim {self.embedding.zdim}{how}"

    @property
    def checkpoint(self) -> int:
        """Another number for another embedding."""
        return 2 * self.embedding.zdim + self.embedding.regularised


def read(path: Path) -> RecovarModel:
    """The embedding of a folder of RECOVAR's pipeline that was analysed, or the one that is named by its file.

    ``InputError``, a sentence, where files are missing, damaged, or do not fit together.
    """
    folder = RecovarFolder.of(path)
    embedding = folder.named(path)
    latents = _latents(embedding)
    mean_file = _present(folder.volumes / "mean.mrc")
    mean, pixel_size = read_map(mean_file)
    rows = np.flatnonzero(np.isfinite(latents).all(axis=1))
    return RecovarModel(
        latents=latents[rows], precision=_precision(embedding, rows, len(latents)), volume=mean,
        components=_eigenvectors(folder, embedding.zdim, len(mean)), latent_dims=embedding.zdim, box=len(mean),
        pixel_size=pixel_size, centre=read_centre(mean_file), file=embedding.file, embedding=embedding,
        origin=RecovarOrigin(folder, embedding, rows, len(latents)),
    )  # fmt: skip


def _latents(embedding: Embedding) -> np.ndarray:
    """``(n, K)`` float32, a row for each in the particles' file up to the last one used; NaN for those left out."""
    latents = embedding.table("latent_coords")
    if latents is None or latents.ndim != 2 or latents.shape[1] != embedding.zdim:
        raise InputError(f"{embedding.source}: holds no table of {embedding.zdim} number(s) for each particle; copy "
                         "the folder again.")  # fmt: skip
    if not np.isfinite(latents).all(axis=1).any():
        raise InputError(f"{embedding.source}: no particle's latents are numbers, so there is nothing to show; open "
                         "another zdim.")  # fmt: skip
    return latents


def _precision(embedding: Embedding, rows: np.ndarray, count: int) -> np.ndarray | None:
    """``(m, K, K)`` float32 of those particles; None where it is not there."""
    table = embedding.table("latent_precision")
    return None if table is None or table.shape != (count, *[embedding.zdim] * 2) else table[rows]


def _eigenvectors(folder: RecovarFolder, zdim: int, box: int) -> np.ndarray:
    """``(K, N, N, N)`` float32."""
    files = [_present(folder.volumes / f"eigen_pos{number:04d}.mrc") for number in range(zdim)]
    components = np.empty((zdim, box, box, box), np.float32)
    for file, component in zip(files, components, strict=True):
        volume, _ = read_map(file)
        if len(volume) != box:
            raise InputError(f"{file}: has {len(volume)} voxels on a side where mean.mrc has {box}; the two are of "
                             "different runs, copy the folder again.")  # fmt: skip
        component[:] = volume
    return components


def _present(file: Path) -> Path:
    if not file.is_file():
        raise InputError(f"{file}: is missing from RECOVAR's output; copy all of the folder.")
    return file
