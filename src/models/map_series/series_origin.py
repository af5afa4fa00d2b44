"""What lies beside a folder's maps: the particles that its table of latents is of, and the maps' own points."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...particles.image_match import Keys, matched
from ...particles.particles import Particles
from ...particles.read import read_particles
from ..origin import GivenColumn
from .series_files import SeriesFiles, visible_files

_PARTICLES = (".star", ".cs")


@dataclass(frozen=True, eq=False)
class SeriesOrigin:
    """An `Origin`: of a folder of maps."""

    files: SeriesFiles

    program = "a folder of maps"
    umap = None
    clusters = None

    @property
    def source(self) -> Path | None:
        """The one .star or .cs of the folder; None where there is none, or several."""
        files = [path for path in visible_files(self.files.folder) if path.suffix.lower() in _PARTICLES]
        return files[0] if len(files) == 1 and self.files.particles is not None else None

    @cached_property
    def identity(self) -> str:
        """Another one for other particles: a digest of their names, or of their latents where there are none."""
        table = self.files.particles
        about = self.files.points if table is None else next(
            (np.char.encode(values, "utf-8") if values.dtype.kind == "U" else values
             for values in (table.uid, table.images) if values is not None), table.z)  # fmt: skip
        return hashlib.sha256(np.ascontiguousarray(about).tobytes()).hexdigest()

    def all_particles(self, image_root: Path | None) -> Particles:
        """Those of the particle file beside the maps."""
        if self.files.particles is None:
            raise InputError(f"{self.files.folder}: has maps and no particles; add a table of their latents, and their "
                             ".star or .cs.")  # fmt: skip
        if self.source is None:
            raise InputError(f"{self.files.folder}: has no particle file, or several; leave the one .star or .cs there "
                             f"that {self.files.particles.file.name} is of.")  # fmt: skip
        return replace(read_particles(self.source, image_root, require=()), source=self.source)

    def rows(self, count: int, image_root: Path | None) -> np.ndarray:
        """``(n,)``: by image or uid where the table has these, else all in their order."""
        table = self.files.particles
        assert table is not None
        if not table.of_particles:
            if count != len(table.z):
                raise InputError(f"{table.file}: has latents of {len(table.z)} particles, and {self.source} has "
                                 f"{count}; add a column image or uid to it.")  # fmt: skip
            return np.arange(count)
        match = matched(self.keys or Keys(), Keys.of(self.all_particles(image_root)))
        if len(match) != len(table.z):
            raise InputError(f"{table.file}: {len(table.z) - len(match)} of its {len(table.z)} particles are not in "
                             f"{self.source}; put the file there that it is of.")  # fmt: skip
        return match.second

    @property
    def keys(self) -> Keys | None:
        """See `Origin`: where the table of the particles' latents names images, or has their uid."""
        table = self.files.particles
        if table is None or not table.of_particles:
            return None
        return table.keys

    @cached_property
    def states(self) -> Mapping[str, np.ndarray]:
        """The maps' own points, by the names of their files."""
        return {re.sub(r"\W", "_", path.stem): point for path, point in zip(self.files.maps, self.files.points)}

    @property
    def paths(self) -> Mapping[str, Path]:
        """None."""
        return {}

    @cached_property
    def columns(self) -> Mapping[str, GivenColumn]:
        """None but those of the particle file."""
        return {}

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Origin`."""
        sentences = [f"z1 is {self.files.axis}, as no table says where the maps lie."] if self.files.axis else []
        places = self.files.places
        if places is not None and places.axes:
            names = ", ".join(f"z{number + 1} is {name}" for number, name in enumerate(places.axes))
            sentences.append(f"No column of {places.file.name} is named z1 or so, and all that hold numbers alone were "
                             f"taken: {names}.")  # fmt: skip
        left_out = [path.name for path in self.files.left_out]
        if places is not None and left_out:
            names = ", ".join(left_out[:3]) + (" and so on" if len(left_out) > 3 else "")
            sentences.append(f"{len(left_out)} map(s) of the folder are passed over, as {places.file.name} does not "
                             f"say where they lie: {names}.")  # fmt: skip
        if self.files.particles is None:
            sentences.append("There is no table of particles: each point in the plot is a map.")
        first = next(iter(self.states))
        note = f"Each map is a state ({first} and so on: flexrec volume at {first}); what is shown between them is no "
        return (*sentences, note + "measurement.")
