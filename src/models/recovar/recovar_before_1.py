"""What RECOVAR before version 1.0 has in other places: all embeddings in one pickle, the record in a log.

model/embeddings.pkl is a dict of zs, cov_zs (precisions, whatever their name) and contrasts, each by zdim or, without
regularisation, by "4_noreg"; shortly before 1.0 of latent_coords, latent_coords_noreg and so on, by zdim. From version
0.1 on a row is one of the particles' file, and a double, NaN where the particle was left out; before, in float32, the
rows are those of the first half of the particles and then of the second.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...particles.pickles import load_arrays_pickle

WHOLE = Path("model") / "embeddings.pkl"
HALVES = ("particles_halfsets.pkl", "halfsets.pkl")
_OLD_NAMES = {"latent_coords": "zs", "latent_precision": "cov_zs", "contrasts": "contrasts"}
_NAMES = ("particles", "poses", "ctf", "ind", "datadir", "uninvert_data", "tilt_series")
_VALUE = r"('[^'\n]*'|\"[^\"\n]*\"|None|True|False)"
_MOST_ROWS = 100_000_000  # of a file of particles; a larger number is damage, and would take all memory
_PARTICLES = (".mrcs", ".mrc", ".star", ".cs", ".txt")


@dataclass(frozen=True)
class Pickled:
    """The pickle of a pipeline's folder. tables : arrays by name and then by zdim."""

    file: Path
    tables: dict[str, dict[Any, Any]]

    @classmethod
    def read(cls, folder: Path) -> Pickled:
        """``InputError`` where it is damaged, or holds other things than tables."""
        values = load_arrays_pickle(folder / WHOLE)
        if not isinstance(values, dict) or not all(isinstance(table, dict) for table in values.values()):
            raise InputError(f"{folder / WHOLE}: holds no tables of latents by zdim; copy it again.")
        return cls(folder / WHOLE, values)

    @property
    def largest(self) -> int:
        """Of the zdims; ``InputError`` where there is none."""
        numbers = [zdim for name in ("zs", "latent_coords") for zdim in self.tables.get(name, {}) if type(zdim) is int]
        if not numbers:
            raise InputError(f"{self.file}: has latents of no zdim; copy it again.")
        return max(numbers)

    def table(self, name: str, zdim: int, regularised: bool) -> np.ndarray | None:
        """``(m, …)`` float32, a row for each in the particles' file up to the last one used; None where there is none.

        ``name`` : as the files of version 1.0 are called.
        """
        new = name if regularised else f"{name}_noreg"
        values = self.tables.get(new, {}).get(zdim) if "latent_coords" in self.tables else None
        old = values is None
        if old:
            values = self.tables.get(_OLD_NAMES[name], {}).get(zdim if regularised else f"{zdim}_noreg")
        if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or not values.ndim:
            return None
        return (self._in_order(values) if old and values.dtype != np.float64 else values).astype(np.float32)

    def _in_order(self, values: np.ndarray) -> np.ndarray:
        """Of a table by halves."""
        rows = self._rows_by_halves
        if len(rows) != len(values) or rows.max(initial=-1) >= _MOST_ROWS:
            raise InputError(f"{self.file}: its rows are of RECOVAR's two halves one after the other, and "
                             f"model/{HALVES[-1]} does not say of which; copy that too.")  # fmt: skip
        table = np.full((int(rows.max()) + 1, *values.shape[1:]), np.nan, np.float32)
        table[rows] = values
        return table

    @cached_property
    def _rows_by_halves(self) -> np.ndarray:
        parts = read_halfsets(self.file.parent)
        return np.concatenate(parts) if parts else np.empty(0, int)


def read_halfsets(model: Path) -> list[np.ndarray]:
    """The rows of the particles' file in each half; none where that is not known. ``model`` : the folder of that name.
    """
    for name in HALVES:
        try:
            parts = load_arrays_pickle(model / name) if (model / name).is_file() else None
        except InputError:
            continue
        if isinstance(parts, list | tuple) and len(parts) == 2:
            rows = [part.astype(np.int64) for part in parts if isinstance(part, np.ndarray) and part.dtype.kind in "iu"]
            if len(rows) == 2 and all(part.ndim == 1 and (part >= 0).all() for part in rows):
                return rows
    return []


def logged_parameters(log: str, command: str) -> dict[str, Any]:
    """What the pipeline was asked, by the names of job.json: of the text of its run.log, else of its command.txt.

    Empty where neither says it.
    """
    calls = re.findall(r"Namespace\(.*\)", log)
    if calls:
        found = {name: re.search(rf"(?<!\w){name}={_VALUE}", calls[-1]) for name in _NAMES}
        return {name: ast.literal_eval(match[1]) for name, match in found.items() if match}
    try:
        words = ast.literal_eval(command.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return {}
    asked: dict[str, Any] = {"tilt_series": "--tilt-series" in words}
    for before, word in zip(words, words[1:]):
        name = before.removeprefix("--").replace("-", "_")
        if before.startswith("--") and name in _NAMES and name != "tilt_series":
            asked[name] = word
        elif not before.startswith("-") and word.endswith(_PARTICLES):
            asked.setdefault("particles", word)
    return asked
