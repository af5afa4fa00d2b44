"""A model of cryoSPARC's 3D Variability Analysis: V(z) = V₀ + Σ zₖ Vₖ, of its own maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...mesh.map_files import read_map
from ...mesh.map_place import read_centre
from ..linear.linear_model import LinearModel
from .variability_files import VariabilityFiles
from .variability_origin import VariabilityOrigin


@dataclass(frozen=True, eq=False, kw_only=True)
class VariabilityModel(LinearModel):
    """The map and the components that 3D Variability solved for; latents are its reaction coordinates as they are."""

    kind = "3D Variability"

    @property
    def progress(self) -> str:
        """Whose maps these are."""
        return f"cryoSPARC's map and {self.latent_dims} component(s) of 3D Variability"


def read(path: Path) -> VariabilityModel:
    """The model in a job's folder, or beside a file in it.

    ``InputError``, a sentence, where files are missing, damaged, or do not fit together.
    """
    files = VariabilityFiles.of(path if path.is_dir() else path.parent)
    table = files.table()
    latents, numbers = files.modes(table)
    volume, pixel_size = read_map(_present(files.mean))
    _refuse_counted_from_1(files, numbers)
    components = np.stack([_component(files.component(number), len(volume)) for number in numbers])
    return VariabilityModel(
        latents=latents, volume=volume, components=components, latent_dims=len(numbers), box=len(volume),
        pixel_size=pixel_size, centre=read_centre(files.mean), origin=VariabilityOrigin(files, table),
    )  # fmt: skip


def _refuse_counted_from_1(files: VariabilityFiles, numbers: list[int]) -> None:
    """``InputError`` where the particles name components by numbers that are one more than those of the maps."""
    lacks = [number for number in numbers if not files.component(number).is_file()]
    if lacks and all(files.component(number - 1).is_file() for number in numbers):
        named, there = (", ".join(str(number - less) for number in numbers) for less in (0, 1))
        raise InputError(f"{files.particles}: is of the components {named}, and there are maps of {there}; where these "
                         "are the same, counted from 1 and from 0, add 1 to the numbers in the maps' names, else copy "
                         f"{files.component(lacks[0]).name} too.")  # fmt: skip


def _component(file: Path, box: int) -> np.ndarray:
    volume, _ = read_map(_present(file))
    if len(volume) != box:
        raise InputError(f"{file}: has {len(volume)} voxels on a side where the map has {box}; the two are of "
                         "different jobs, copy the folder again.")  # fmt: skip
    return volume


def _present(file: Path) -> Path:
    if not file.is_file():
        raise InputError(f"{file}: is missing from the job of 3D Variability; copy all of its folder.")
    return file
