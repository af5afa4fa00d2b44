"""What is beside RECOVAR's maps and latents: its particles, and what its analyses found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...particles.particles import Particles
from ..cryodrgn.cryodrgn_particles import config_path, read_cryodrgn_particles
from ..origin import GivenClusters, GivenColumn
from .recovar_analysis import read_halves, read_kmeans, read_paths, read_states, read_umap
from .recovar_folder import Embedding, RecovarFolder
from .recovar_job import RecovarJob


@dataclass(frozen=True, eq=False)
class RecovarOrigin:
    """An `Origin`; ``used`` are the rows of the particles' file with latents, of ``padded`` in RECOVAR's tables."""

    folder: RecovarFolder
    embedding: Embedding
    used: np.ndarray
    padded: int

    program = "RECOVAR"
    keys = None

    @property
    def source(self) -> Path | None:
        """Where the particles' file is, or was."""
        try:
            return config_path(RecovarJob.read(self.folder.folder), "particles")
        except InputError:
            return None

    @cached_property
    def identity(self) -> str:
        """Another one for other particles: a digest of their file's path and of their rows in it."""
        return hashlib.sha256(str(self.source).encode() + self.used.astype("<i8").tobytes()).hexdigest()

    def all_particles(self, image_root: Path | None) -> Particles:
        """Those of the particles' file, in the halves that RECOVAR had them in."""
        particles = read_cryodrgn_particles(RecovarJob.read(self.folder.folder), image_root, own_ctf=True)
        half = read_halves(self.folder, len(particles))
        return replace(particles, half=half) if half.any() else particles

    def rows(self, count: int, image_root: Path | None) -> np.ndarray:
        """``(n,)``, which of the ``count`` in the file have latents; ``InputError`` where they are too few."""
        if self.padded > count:
            raise InputError(f"{self.folder.folder}: has latents of the particle in row {self.padded} of "
                             f"{self.source}, which has {count}; put the file there that it was run on.")  # fmt: skip
        return self.used

    @cached_property
    def umap(self) -> np.ndarray | None:
        """See `Origin`."""
        return read_umap(self.folder, self.embedding, self.used)

    @cached_property
    def clusters(self) -> GivenClusters | None:
        """See `Origin`."""
        return read_kmeans(self.folder, self.embedding, self.used)

    @cached_property
    def states(self) -> dict[str, np.ndarray]:
        """See `Origin`."""
        return read_states(self.folder, self.embedding)

    @cached_property
    def paths(self) -> dict[str, Path]:
        """See `Origin`."""
        return read_paths(self.folder, self.embedding)

    @cached_property
    def columns(self) -> dict[str, GivenColumn]:
        """The contrast of each image, where RECOVAR has estimated one."""
        contrast = self.embedding.table("contrasts")
        if contrast is None or contrast.shape != (self.padded,) or not np.ptp(contrast[self.used]) > 0:
            return {}
        return {"contrast": GivenColumn(contrast[self.used], False)}

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Origin`."""
        sentences = []
        others = [str(other.file.relative_to(self.folder.folder)) for other in self.folder.embeddings
                  if other != self.embedding]  # fmt: skip
        if self.folder.pickled:
            sentences.append("It is of RECOVAR before version 1.0: other embeddings open by zdim once recovar analyze "
                             "has left a folder analysis_N of them, which may be empty.")  # fmt: skip
        if others:
            sentences.append(f"Other embeddings: {', '.join(others)} (flexrec open one of these; those "
                             "with regularisation also by zdim).")  # fmt: skip
        there = [f"{len(self.states)} states ({next(iter(self.states))} and so on)"] if self.states else []
        there += [f"the path {name} (flexrec path points {file})" for name, file in self.paths.items()]
        if there:
            sentences.append(f"RECOVAR has left beside it {', '.join(there)}; FlexRec's maps there are mean and "
                             "eigenvectors, its own files are reconstructed from images.")  # fmt: skip
        return tuple(sentences)
