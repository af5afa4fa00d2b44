"""RELION's optimiser.star: which particles and which maps a refinement or classification has ended with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .particles import MULTIPLIED, PHASE_FLIPPED
from .stack_paths import StackPaths, is_file
from .star_table import StarTable, read_tables

SUFFIX = "optimiser.star"
_DATA, _MODEL, _SECOND = "rlnExperimentalDataStarFile", "rlnModelStarFile", "rlnModelStarFile2"
_MAP = "rlnReferenceImage"
# what the refinement was told of the images; the particles' table does not say that they were phase-flipped
_STATES = {"rlnCtfDataAreCtfPremultiplied": MULTIPLIED, "rlnCtfDataArePhaseFlipped": PHASE_FLIPPED}


@dataclass(frozen=True)
class OptimiserFiles:
    """data : the particles' table. maps : of the classes, those that are there; none while two halves are refined.
    ctf_state : what was done to the images, as in `Optics`; None where nothing is said.
    """

    data: Path
    maps: tuple[Path, ...]
    ctf_state: int | None = None

    @property
    def consensus(self) -> Path | None:
        """The map of all particles: that of the only class."""
        return self.maps[0] if len(self.maps) == 1 else None


def is_optimiser(path: Path) -> bool:
    """Whether a file's name is that of RELION's optimiser."""
    return path.name.endswith(SUFFIX)


def read_optimiser(path: Path) -> OptimiserFiles:
    """The files that it names, looked for from its folder upwards, as RELION's names start from its project's.

    ``InputError`` where it is none, or its particles' table is not there.
    """
    general = _general(path)
    paths = StackPaths(path, None)
    data = paths.path(_name(path, general, _DATA))
    if not is_file(data):
        raise InputError(f"{path}: its particles' table is not at {data}; copy that beside it.")
    state = next((state for tag, state in _STATES.items() if tag in general and general.numbers(tag).any()), None)
    if _SECOND in general:
        return OptimiserFiles(data, (), state)
    model = paths.path(_name(path, general, _MODEL)) if _MODEL in general else None
    return OptimiserFiles(data, () if model is None or not is_file(model) else _maps(model), state)


def _general(path: Path) -> StarTable:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; give RELION's optimiser.star, or a particle file.")
    tables = read_tables(path)
    table = next((table for table in tables.values() if _DATA in table), None)
    if table is None:
        raise InputError(f"{path}: names no particles' table (_{_DATA}), so it is no optimiser.star of RELION's; give "
                         "the data.star itself.")  # fmt: skip
    return table


def _name(path: Path, table: StarTable, tag: str) -> str:
    name = next(iter(table.texts(tag)), "")
    if not name or "\0" in name:
        raise InputError(f"{path}: _{tag} is empty; give the data.star itself.")
    return name


def _maps(model: Path) -> tuple[Path, ...]:
    paths = StackPaths(model, None)
    names = [name for table in read_tables(model).values() if _MAP in table for name in table.texts(_MAP)]
    return tuple(path for path in map(paths.path, names) if is_file(path))
