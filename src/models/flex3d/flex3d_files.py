"""The files that jobs of cryoSPARC's 3D Flex leave: latents, the canonical map, generated series, halves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...particles.cs_table import field_names, load_cs
from ..map_series.series_files import in_order, visible_files
from ..variability.components_table import components_of_table

_LATENTS = re.compile(r"(.+?)_latents(?:_(\d+))?.*\.cs")
_SERIES = re.compile(r".+_series_\d+")
_FRAME = re.compile(r".+_frame_\d+\.mrc")
_MAPS = ("*_flex_map.mrc", "*_map.mrc", "*_volume.mrc")  # the sharpest first
_NOT_CANONICAL = ("_noflex_", "_half_", "_mask", "_sharp")


@dataclass(frozen=True)
class Series:
    """frames : maps in order. points : ``(m, K)`` float32, where they lie; None where no file says it."""

    folder: Path
    frames: tuple[Path, ...]
    points: np.ndarray | None


@dataclass(frozen=True)
class Flex3DFiles:
    """folder : with the files of one training, and perhaps of the jobs after it. name : how the latents' file begins.
    """

    folder: Path
    name: str
    particles: Path

    @classmethod
    def of(cls, path: Path) -> Flex3DFiles:
        """The newest latents of a folder, or the file that is named; ``InputError`` where there are those of several
        jobs, or none.
        """
        folder = path if path.is_dir() else path.parent
        files = _latents(folder)
        if path in files:
            return cls(folder, files[path][0], path)
        names = sorted({name for name, _ in files.values()})
        if len(names) != 1:
            raise InputError(f"{folder}: has the latents of {len(names)} jobs of 3D Flex ({', '.join(names)}); put "
                             "those of one into a folder of their own, or name the file.")  # fmt: skip
        newest = max(files, key=lambda file: files[file][1])
        return cls(folder, names[0], newest)

    @property
    def map(self) -> Path | None:
        """The canonical map: of the reconstruction where there is one, else of the training."""
        for pattern in _MAPS:
            files = [file for file in visible_files(self.folder) if file.match(pattern)
                     and not any(word in file.name for word in _NOT_CANONICAL)]  # fmt: skip
            if files:
                return files[0]
        return None

    @property
    def half_maps(self) -> tuple[Path, ...]:
        """Of the reconstruction, where there is one."""
        return tuple(file for file in visible_files(self.folder) if file.match("*_flex_map_half_[AB].mrc"))

    def series(self, dims: int) -> tuple[Series, ...]:
        """What the generator has written: folders of frames."""
        places = [place for place in visible_files(self.folder) if place.is_dir() and _SERIES.fullmatch(place.name)]
        frames = [in_order(file for file in visible_files(place) if _FRAME.fullmatch(file.name)) for place in places]
        return tuple(Series(place, tuple(files), _points(place, len(files), dims))
                     for place, files in zip(places, frames) if files)  # fmt: skip


def _latents(folder: Path) -> dict[Path, tuple[str, int]]:
    """Files of latents: how their names begin, and their number, -1 without one."""
    matches = {file: _LATENTS.fullmatch(file.name) for file in visible_files(folder)}
    return {file: (match[1], int(match[2] or -1)) for file, match in matches.items() if match}


def _points(folder: Path, count: int, dims: int) -> np.ndarray | None:
    """The points of a series: of a table of a custom trajectory in its folder, a row for each frame."""
    for file in (file for file in visible_files(folder) if file.suffix == ".cs"):
        table = load_cs(file)
        if len(table) == count and any(name.startswith("components_mode_") for name in field_names(table)):
            points = components_of_table(file, table).latents
            if points.shape[1] != dims or not np.isfinite(points).all():
                raise InputError(f"{file}: has points of {points.shape[1]} number(s), and the latents have {dims}; it "
                                 "is of another training.")  # fmt: skip
            return points
    return None


def recognises(folder: Path) -> bool:
    """Whether latents of 3D Flex lie there. Reads names alone."""
    try:
        return bool(_latents(folder))
    except OSError:
        return False


def checkpoints(folder: Path) -> dict[int, Path]:
    """The files of latents of one job, by the number in their names; -1 of one without."""
    files = _latents(folder)
    of_one_job = len({name for name, _ in files.values()}) == 1
    return {number: file for file, (_, number) in files.items()} if of_one_job else {}
