"""A folder of maps: which maps are there, and which table says where in latent space each of them lies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np

from ...errors import InputError
from .latent_table import MAP_SUFFIXES, POINT_FILES, SUFFIXES, LatentTable, read_table, row_count

_FRAME = re.compile(r"(.*[_.-]|)(?:frame|series|vol|map)[_-]?(\d+)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class SeriesFiles:
    """maps : the files. points : ``(m, K)`` float32, where each lies. axis : of them in words, or "" where a table says
    them. particles : the table of the particles' latents, or None where there is none.
    places : the table of the maps' points, or None likewise. left_out : maps of the folder that it does not name.
    """

    folder: Path
    maps: tuple[Path, ...]
    points: np.ndarray
    axis: str
    particles: LatentTable | None
    places: LatentTable | None
    left_out: tuple[Path, ...] = ()

    @classmethod
    def of(cls, path: Path) -> SeriesFiles:
        """Of a folder, or of a table in it; ``InputError`` where no table fits the maps, or several do."""
        folder = path if path.is_dir() else path.parent
        maps = _maps(folder)
        if len(maps) < 2:
            raise InputError(f"{folder}: has {len(maps)} map(s) (.mrc, .map); a folder of maps has at least two.")
        tables = [read_table(file) for file in _tables(folder, len(maps))]
        places = _places(folder, maps, tables)
        particles = _particles(folder, [table for table in tables if table not in places])
        if not places and particles is not None:  # its axes are not the numbers in the maps' names
            raise InputError(f"{folder}: no table says where its {len(maps)} maps lie ({particles.file.name} is of "
                             f"{len(particles.z)} points); add a .csv with a column map (file names) and columns z1, "
                             "z2 …, or put that table elsewhere.")  # fmt: skip
        files, points, axis = _numbered(folder, maps) if not places else _placed(maps, places[0])
        if particles is not None and particles.z.shape[1] != points.shape[1]:
            raise InputError(f"{particles.file}: has {particles.z.shape[1]} number(s) for each particle, and the maps "
                             f"have {points.shape[1]}; give both the same latent dimensions.")  # fmt: skip
        if not np.isfinite(points).all():
            raise InputError(f"{places[0].file}: a map's point is not a number; mend the file.")
        left_out = tuple(path for path in maps if path not in files)
        return cls(folder, files, points, axis, particles, places[0] if places else None, left_out)


def _maps(folder: Path) -> list[Path]:
    # half-maps that RECOVAR and RELION have written beside a map are no states of their own
    return in_order(path for path in visible_files(folder)
                    if path.suffix.lower() in MAP_SUFFIXES and not path.stem.endswith("_unfil"))  # fmt: skip


def visible_files(folder: Path) -> list[Path]:
    """What lies in a folder, without hidden files: macOS leaves a ._NAME beside each NAME that it copies."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def in_order(files: Iterable[Path]) -> list[Path]:
    """In the order of the numbers in their names: 2 before 10."""
    return sorted(files, key=lambda path: [int(word) if word.isdigit() else word
                                           for word in re.split(r"(\d+)", f"_{path.name.lower()}")])  # fmt: skip


def _tables(folder: Path, count: int) -> list[Path]:
    """Those of points; another program's text beside its maps where it has one for each of the ``count`` maps."""
    return [path for path in visible_files(folder) if path.suffix.lower() in SUFFIXES
            or (path.name in POINT_FILES and row_count(path) == count)]  # fmt: skip


def _places(folder: Path, maps: list[Path], tables: list[LatentTable]) -> list[LatentTable]:
    """The table of the maps' points, perhaps written twice; none where no table is of maps."""
    named = [table for table in tables if table.maps is not None]
    fitting = named or [table for table in tables if not table.of_particles and len(table.z) == len(maps)]
    others = [table for table in tables if table not in fitting and not table.of_particles]
    for other in fitting[1:]:
        if other.z.shape != fitting[0].z.shape or not np.allclose(other.z, fitting[0].z, atol=1e-5, equal_nan=True):
            raise InputError(f"{folder}: {fitting[0].file.name} and {other.file.name} differ on where the maps lie; "
                             "leave one of them there.")  # fmt: skip
    copies = [] if not fitting else [other for other in others if other.z.shape == fitting[0].z.shape
                                     and np.allclose(other.z, fitting[0].z, atol=1e-5)]  # fmt: skip
    return [*fitting, *copies]


def _particles(folder: Path, tables: list[LatentTable]) -> LatentTable | None:
    stated = [table for table in tables if table.of_particles]
    tables = stated or tables
    if len(tables) > 1:
        names = ", ".join(table.file.name for table in tables)
        raise InputError(f"{folder}: {names} could each be the particles' latents; leave one of them there.")
    return tables[0] if tables else None


def _placed(maps: list[Path], table: LatentTable) -> tuple[tuple[Path, ...], np.ndarray, str]:
    """The maps that a table is of."""
    if table.maps is None:
        return tuple(maps), table.z, ""
    by_name = {name: path for path in maps for name in (path.stem, path.name)}
    names = [PureWindowsPath(str(name)).name for name in table.maps]  # parted by / or, as Windows has it, by \
    missing = [name for name in names if name not in by_name]
    if missing:
        raise InputError(f"{table.file}: names the map {missing[0]}, which is not in its folder; put it there, or take "
                         "its row out.")  # fmt: skip
    return tuple(by_name[name] for name in names), table.z, ""


def _numbered(folder: Path, maps: list[Path]) -> tuple[tuple[Path, ...], np.ndarray, str]:
    """A series without a table lies along one axis, by the numbers in the names of its maps."""
    numbers = [re.findall(r"\d+", path.stem) for path in maps]
    frames = [int(match[-1]) for match in numbers if match]
    stems = {re.sub(r"\d+(?=\D*$)", "", path.stem) for path in maps}
    if len(frames) != len(maps) or len(set(frames)) != len(maps) or len(stems) != 1:
        raise InputError(f"{folder}: no table says where its {len(maps)} maps lie, and their names are no numbered "
                         "series; add a .csv with a column map (file names) and columns z1, z2 …")  # fmt: skip
    return tuple(maps), np.array(frames, np.float32)[:, None], "the number in the map's name"


def recognises(folder: Path) -> bool:
    """Whether maps lie there with a table that is of them, or a numbered series of frames. Reads no map."""
    try:
        maps = _maps(folder)
        if len(maps) < 2 or _is_flexrecs(folder):
            return False
        if all(_FRAME.fullmatch(path.stem) for path in maps):
            return True
        return any(_is_table_of_maps(file, len(maps)) for file in _tables(folder, len(maps)))
    except OSError:
        return False


def _is_flexrecs(folder: Path) -> bool:
    """Whether it is of a job of FlexRec's, whose maps open when they are asked for; RECOVAR writes a job.json, too."""
    try:
        return "verb" in json.loads((folder / "job.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError, TypeError):
        return True


def lacks_places(folder: Path) -> str:
    """What is to be said of a folder of maps that are none; "" where there are not several."""
    count = len(_maps(folder))
    if count < 2:
        return ""
    for file in _tables(folder, count):
        try:
            if row_count(file) is None:
                read_table(file)
        except InputError as error:  # a table is there, and this is why it was not taken
            return str(error)
    return (f"{folder}: has {count} maps, and no table says where in latent space they lie; add a .csv with a column "
            "map (file names) and columns z1, z2 …")  # fmt: skip


def _is_table_of_maps(file: Path, count: int) -> bool:
    if file.suffix.lower() in (".csv", ".tsv"):
        with open(file, encoding="utf-8", errors="replace") as opened:
            head = re.split(r"[,;\t ]+", opened.readline(1 << 12).strip().lower())
        if {"map", "volume", "file"} & set(head):
            return True
    return row_count(file) == count
