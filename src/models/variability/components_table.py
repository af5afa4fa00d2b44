"""Coordinates of particles along components, in cryoSPARC's .cs tables of 3D Variability and of 3D Flex alike."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...particles.cs_table import check_fields, field_names, joined_by_uid, load_cs
from ...particles.image_match import Keys

_MODE = "components_mode_"
_VALUE = re.compile(rf"{_MODE}(\d{{1,3}})/value")


@dataclass(frozen=True, eq=False)
class Components:
    """table : ``(n,)`` structured, all fields. latents : ``(n, K)`` float32. modes : the numbers of the K modes."""

    file: Path
    table: np.ndarray
    latents: np.ndarray
    modes: tuple[int, ...]

    @property
    def keys(self) -> Keys:
        """What the images are known by; ``InputError`` where nothing is."""
        keys = Keys.of_table(self.table)
        if keys is None:
            raise InputError(f"{self.file}: has neither uid nor blob/path, so its particles cannot be told; export it "
                             "again.")  # fmt: skip
        return keys


def passthrough_of(file: Path) -> Path | None:
    """The table beside it in which cryoSPARC keeps what the job did not change; None where there is none."""
    for name in (file.name.replace("_particles", "_passthrough_particles"),
                 re.sub(r"_(latents.*|particles.*)\.cs$", r"_passthrough_particles.cs", file.name)):  # fmt: skip
        if name != file.name and (file.parent / name).is_file():
            return file.parent / name
    return None


def read_components(file: Path) -> Components:
    """``InputError``, a sentence, where the file is no .cs, or has no coordinates that are numbers."""
    passed = passthrough_of(file)
    return components_of_table(file, load_cs(file) if passed is None else whole_table(file, passed))


def whole_table(file: Path, passed: Path) -> np.ndarray:
    """``(n,)`` structured: a table with what its job has passed through. Where it has coordinates of its own, those
    that are passed through are of an earlier job, and not taken.
    """
    table = load_cs(file)
    own = any(_VALUE.fullmatch(name) for name in field_names(table))
    return joined_by_uid(file, table, passed, without=_MODE if own else "")


def components_of_table(file: Path, table: np.ndarray) -> Components:
    """The same of a table ``(n,)`` that was read from there."""
    numbers = sorted(int(match[1]) for name in field_names(table) if (match := _VALUE.fullmatch(name)))
    if not numbers or not len(table):
        raise InputError(f"{file}: has no reaction coordinates (components_mode_0/value); give the particles that 3D "
                         "Variability, or the latents that 3D Flex put out.")  # fmt: skip
    values = [f"components_mode_{number}/value" for number in numbers]
    check_fields(file, table, dict.fromkeys(values, ()), set())
    latents = np.stack([table[name] for name in values], axis=1).astype(np.float32)
    if not np.isfinite(latents).all(axis=1).any():
        raise InputError(f"{file}: no particle's reaction coordinates are numbers; export it again.")
    return Components(file, table, latents, tuple(numbers))
