"""The files that a job of cryoSPARC's 3D Variability Analysis leaves, and the reaction coordinates in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...particles.cs_table import check_fields, field_names, load_cs
from ..map_series.series_files import visible_files
from .components_table import components_of_table, whole_table

_COMPONENT = re.compile(r"(.+)_component_(\d{1,3})\.mrc")


@dataclass(frozen=True)
class VariabilityFiles:
    """folder : of the job. name : how its files' names begin, such as J11 or cryosparc_P1_J11."""

    folder: Path
    name: str

    @classmethod
    def of(cls, folder: Path) -> VariabilityFiles:
        """``InputError`` where there are those of no job, or of several."""
        names = _names(folder)
        if len(names) != 1:
            raise InputError(f"{folder}: has the files of {len(names)} jobs of 3D Variability ({', '.join(names)}); "
                             "put those of one into a folder of their own.")  # fmt: skip
        return cls(folder, names[0])

    @property
    def particles(self) -> Path:
        """The table with the reaction coordinates."""
        return self.folder / f"{self.name}_particles.cs"

    @property
    def mean(self) -> Path:
        """V₀."""
        return self.folder / f"{self.name}_map.mrc"

    def component(self, number: int) -> Path:
        """The map of a component, counted from 0."""
        return self.folder / f"{self.name}_component_{number}.mrc"

    def table(self) -> np.ndarray:
        """``(n,)`` structured: the particles' fields, those that cryoSPARC passes through beside them included."""
        passed = self.folder / f"{self.name}_passthrough_particles.cs"
        return whole_table(self.particles, passed) if passed.is_file() else load_cs(self.particles)

    def modes(self, table: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """Reaction coordinates ``(n, K)`` float32, and the numbers of the K components that they belong to."""
        coordinates = components_of_table(self.particles, table)
        latents, numbers = coordinates.latents, list(coordinates.modes)
        components = [self._component(table, number) for number in numbers]
        # a field that was never filled in names one component for all
        return latents, components if len(set(components)) == len(components) else numbers

    def _component(self, table: np.ndarray, mode: int) -> int:
        """Which component a mode is of: the field beside the coordinates says it, the same for all particles."""
        name = f"components_mode_{mode}/component"
        if name not in field_names(table):
            return mode
        check_fields(self.particles, table, {name: ()}, {name})
        if (table[name] != table[name][0]).any():
            raise InputError(f"{self.particles}: {name} differs between particles, so it is not known which map it is "
                             "of; export it again.")  # fmt: skip
        return int(table[name][0])


def _names(folder: Path) -> list[str]:
    """How the names begin of sets of files with components and particles."""
    return [name for name in _with_components(folder) if (folder / f"{name}_particles.cs").is_file()]


def _with_components(folder: Path) -> list[str]:
    matches = (_COMPONENT.fullmatch(path.name) for path in visible_files(folder))
    return sorted({match[1] for match in matches if match})


def lacks_particles(folder: Path) -> str:
    """What is to be said of a folder with components whose particles are not beside them; "" where there are none."""
    names = _with_components(folder)
    if not names:
        return ""
    return (f"{folder}: has components of 3D Variability and no {names[0]}_particles.cs, with their particles' "
            "coordinates; copy that too.")  # fmt: skip


def recognises(folder: Path) -> bool:
    """Whether components of 3D Variability and its particles lie there."""
    try:
        return bool(_names(folder))
    except OSError:
        return False
