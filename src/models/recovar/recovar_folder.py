"""A folder of RECOVAR's pipeline: which embeddings it has, and where their maps and analyses are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ...errors import InputError
from .recovar_before_1 import WHOLE, Pickled
from .recovar_job import analyses

_ANALYSIS = re.compile(r"analysis_(\d{1,4})(_noreg)?")
_ZDIM = re.compile(r"zdim_(\d{1,4})")
_NAMES = {True: "latent_coords.npy", False: "latent_coords_noreg.npy"}  # regularised or not


@dataclass(frozen=True)
class Embedding:
    """file : the latents. zdim : how many numbers each has. regularised : by the spread along each eigenvector."""

    file: Path
    zdim: int
    regularised: bool

    def table(self, name: str) -> np.ndarray | None:
        """A table of it, float32: latent_coords, latent_precision or contrasts.

        None where there is none that can be read without a pickle.
        """
        try:
            table = np.load(self.file.with_name(f"{name}{self.suffix}.npy"), allow_pickle=False)
            return table.astype(np.float32) if isinstance(table, np.ndarray) and table.dtype.kind == "f" else None
        except (OSError, ValueError, EOFError):
            return None

    @property
    def source(self) -> Path:
        """The file that has its latents."""
        return self.file

    @property
    def suffix(self) -> str:
        """What ends the names of all that was made without regularisation."""
        return "" if self.regularised else "_noreg"


@dataclass(frozen=True)
class PickledEmbedding(Embedding):
    """One of RECOVAR before version 1.0, whose ``file`` is the folder of its analysis, or that of the pipeline.

    whole : the pipeline's folder.
    """

    whole: Path

    @property
    def source(self) -> Path:
        """See `Embedding`."""
        return self.whole / WHOLE

    def table(self, name: str) -> np.ndarray | None:
        """See `Embedding`."""
        return self._tables[name]

    @cached_property
    def _tables(self) -> dict[str, np.ndarray | None]:
        """Those of all others, in the same file, are not kept."""
        pickled = Pickled.read(self.whole)
        return {name: pickled.table(name, self.zdim, self.regularised)
                for name in ("latent_coords", "latent_precision", "contrasts")}  # fmt: skip


@dataclass(frozen=True)
class RecovarFolder:
    """folder : that the pipeline was told to write to. embeddings : all of them, the smallest zdim first; of before 1.0
    those that were analysed.
    """

    folder: Path
    embeddings: tuple[Embedding, ...]

    @classmethod
    def of(cls, path: Path) -> RecovarFolder:
        """Of the pipeline's folder, of that of one zdim in it, or of a file in that."""
        folder = path if path.is_dir() else path.parent
        for above in folder.absolute().parents[:2] if _ANALYSIS.fullmatch(folder.name) else ():
            if _is_pickled(above):
                folder = above
        if folder.name == WHOLE.parent.name and _is_pickled(folder.parent):
            folder = folder.parent
        if _ZDIM.fullmatch(folder.name) and folder.parent.name == "model":
            folder = folder.parent.parent
        if _is_pickled(folder):
            return cls(folder, _analysed(folder))
        places = {int(match[1]): place for place in sorted((folder / "model").glob("zdim_*"))
                  if (match := _ZDIM.fullmatch(place.name))}  # fmt: skip
        return cls(folder, tuple(
            Embedding(places[zdim] / name, zdim, regularised)
            for zdim in sorted(places) for regularised, name in _NAMES.items() if (places[zdim] / name).is_file()
        ))  # fmt: skip

    @property
    def volumes(self) -> Path:
        """Where the mean and the eigenvectors are."""
        return self.folder / "output" / "volumes"

    def named(self, path: Path) -> Embedding:
        """The embedding that is meant: a file, those of one zdim, or of the pipeline the one that was analysed.

        Of several the largest zdim, regularised where it is; ``InputError`` where there is none.
        """
        exact = next((embedding for embedding in self.embeddings if embedding.file == path), None)
        if exact is not None:
            return exact
        within = [embedding for embedding in self.embeddings if path in (self.folder, embedding.file.parent)]
        if not within and self.pickled:
            largest = Pickled.read(self.folder).largest
            within = [*self.embeddings] or [PickledEmbedding(self.folder, largest, True, self.folder)]
        if not within:
            raise InputError(f"{self.folder}: has no latents in model/zdim_N, which RECOVAR writes from version 1.0 "
                             "on; copy all of the folder, or run its pipeline again.")  # fmt: skip
        return max(within, key=lambda embedding: (self.analysis(embedding).is_dir(), embedding.zdim,
                                                  embedding.regularised))  # fmt: skip

    @property
    def pickled(self) -> bool:
        """Whether it is of RECOVAR before version 1.0."""
        return _is_pickled(self.folder)

    def analysis(self, embedding: Embedding) -> Path:
        """Where ``recovar analyze`` has written of an embedding: see `analyses`."""
        if isinstance(embedding, PickledEmbedding) and embedding.file != self.folder:
            return embedding.file
        named = self.folder / f"analysis_{embedding.zdim}{embedding.suffix}"
        return named if named.is_dir() else self._analyses.get((embedding.zdim, embedding.regularised), named)

    @cached_property
    def _analyses(self) -> dict[tuple[int, bool], Path]:
        return analyses(self.folder)


def _is_pickled(folder: Path) -> bool:
    """Whether a folder is of a pipeline before version 1.0. Reads names alone."""
    return (folder / WHOLE).is_file() and not any((folder / WHOLE.parent).glob("zdim_*/*.npy"))


def _analysed(folder: Path) -> tuple[PickledEmbedding, ...]:
    """The embeddings that ``recovar analyze`` has left a folder of, the smallest zdim first."""
    found = {}
    for place in [*folder.glob("output/analysis_*"), *folder.glob("analysis_*")]:
        if (match := _ANALYSIS.fullmatch(place.name)) and place.is_dir():
            found[int(match[1]), match[2] is None] = place
    return tuple(PickledEmbedding(found[key], *key, folder) for key in sorted(found))


def recognises(folder: Path) -> bool:
    """Whether RECOVAR's pipeline has written there."""
    try:
        recovar = RecovarFolder.of(folder)
        whole = recovar.pickled or (recovar.folder / "model" / "params.pkl").is_file()
        return bool(recovar.embeddings) or (whole and recovar.volumes.is_dir())
    except OSError:
        return False


def lacks_latents(folder: Path) -> str:
    """What is to be said of a folder in which the pipeline has left a mean and no latents; "" elsewhere."""
    mean = folder / "output" / "volumes" / "mean.mrc"
    if not mean.is_file():
        return ""
    return (f"{folder}: has RECOVAR's mean and no latents (model/zdim_N), as after --only-mean; run its pipeline "
            f"without that, or open {mean.relative_to(folder)} as a map.")  # fmt: skip


def checkpoints(folder: Path) -> dict[int, Path]:
    """The files that stand for one embedding each, by its zdim; of one without regularisation by -zdim."""
    return {embedding.zdim if embedding.regularised else -embedding.zdim: embedding.file
            for embedding in RecovarFolder.of(folder).embeddings}  # fmt: skip
