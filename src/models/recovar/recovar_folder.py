"""A folder of RECOVAR's pipeline: which embeddings it has, and where their maps and analyses are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ...errors import InputError
from .recovar_job import analyses

_ZDIM = re.compile(r"zdim_(\d{1,4})")
_NAMES = {True: "latent_coords.npy", False: "latent_coords_noreg.npy"}  # regularised or not


@dataclass(frozen=True)
class Embedding:
    """file : the latents. zdim : how many numbers each has. regularised : by the spread along each eigenvector."""

    file: Path
    zdim: int
    regularised: bool

    def beside(self, name: str) -> Path:
        """Another table of the same embedding, such as its contrasts."""
        return self.file.with_name(f"{name}{self.suffix}.npy")

    @property
    def suffix(self) -> str:
        """What ends the names of all that was made without regularisation."""
        return "" if self.regularised else "_noreg"


@dataclass(frozen=True)
class RecovarFolder:
    """folder : that the pipeline was told to write to. embeddings : all of them, the smallest zdim first."""

    folder: Path
    embeddings: tuple[Embedding, ...]

    @classmethod
    def of(cls, path: Path) -> RecovarFolder:
        """Of the pipeline's folder, of that of one zdim in it, or of a file in that."""
        folder = path if path.is_dir() else path.parent
        if _ZDIM.fullmatch(folder.name) and folder.parent.name == "model":
            folder = folder.parent.parent
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
        if not within:
            if (self.folder / "model" / "embeddings.pkl").is_file():
                raise InputError(f"{self.folder}: is of RECOVAR before version 1.0, and its latents, which are in "
                                 "model/embeddings.pkl, are not read; run the pipeline of a newer one, or open a "
                                 "folder of maps that its analyze has written.")  # fmt: skip
            raise InputError(f"{self.folder}: has no latents in model/zdim_N, which RECOVAR writes from version 1.0 "
                             "on; copy all of the folder, or run its pipeline again.")  # fmt: skip
        return max(within, key=lambda embedding: (self.analysis(embedding).is_dir(), embedding.zdim,
                                                  embedding.regularised))  # fmt: skip

    def analysis(self, embedding: Embedding) -> Path:
        """Where ``recovar analyze`` has written of an embedding: see `analyses`."""
        named = self.folder / f"analysis_{embedding.zdim}{embedding.suffix}"
        return named if named.is_dir() else self._analyses.get((embedding.zdim, embedding.regularised), named)

    @cached_property
    def _analyses(self) -> dict[tuple[int, bool], Path]:
        return analyses(self.folder)


def recognises(folder: Path) -> bool:
    """Whether RECOVAR's pipeline has written there."""
    try:
        recovar = RecovarFolder.of(folder)
        return bool(recovar.embeddings) or ((recovar.folder / "model" / "params.pkl").is_file()
                                            and recovar.volumes.is_dir())  # fmt: skip
    except OSError:
        return False


def checkpoints(folder: Path) -> dict[int, Path]:
    """The files that stand for one embedding each, by its zdim; of one without regularisation by -zdim."""
    return {embedding.zdim if embedding.regularised else -embedding.zdim: embedding.file
            for embedding in RecovarFolder.of(folder).embeddings}  # fmt: skip
