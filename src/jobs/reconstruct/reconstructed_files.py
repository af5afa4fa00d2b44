"""The maps that a reconstruct job leaves: which can be shown, and by which files they can be coloured."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ...errors import InputError
from ..record import read_json, read_record
from .reconstruct_parameters import FIRST_OF_SERIES, MAP, RECONSTRUCT, first_map

HALVES, TWIN_HALVES = ("half1.mrc", "half2.mrc"), ("rigid_half1.mrc", "rigid_half2.mrc")
TWIN_MAP, MASK, SHARPENED = "rigid_map.mrc", "fsc_mask.mrc", "sharpened.mrc"
LOCAL, TWIN_LOCAL, LOCAL_MAP = "local_resolution.mrc", "rigid_local_resolution.mrc", "local_sharpened.mrc"
RECORD = "reconstruct.json"

SHOWN = {"sharpened": (SHARPENED,), "map": (MAP,), "local": (LOCAL_MAP,), "rigid": (TWIN_MAP,), "halves": HALVES}
COLOURED = {"resolution": (LOCAL,), "gain": (LOCAL, TWIN_LOCAL)}  # what each colouring is made of
_WHY_NONE = {
    "sharpened": "no B-factor could be fitted: give reconstruct --b-factor",
    "rigid": "reconstruct solves the rigid map beside a map under motion alone, and not with --no-twin",
    "gain": "only a map under motion has a rigid one beside it: reconstruct --model, without --no-twin",
    "resolution": "it is measured of the map of all particles, not of maps at points",
    "older": "the job was done before FlexRec measured it; run it again",
}


def is_reconstruction(folder: Path) -> bool:
    """Whether a folder is that of a reconstruct job."""
    with suppress(InputError, OSError):
        return read_record(folder)["verb"] == RECONSTRUCT.verb
    return False


def map_files(folder: Path, which: str | None = None) -> tuple[str, tuple[Path, ...]]:
    """Which of `SHOWN` is meant, and its files; the sharpened map, or else the map, where nobody says.

    Of maps at points it is the first. ``InputError`` where the job has written no map yet, or has none of the kind.
    """
    if not is_reconstruction(folder):
        raise InputError(f"{folder.name} is no reconstruct job; name one, such as flexrec maps 5.")
    if not first_map(folder).is_file():
        raise InputError(f"{folder.name} has written no map yet; wait until it is done, or resume it.")
    which = which or ("sharpened" if (folder / SHARPENED).is_file() else "map")
    several = folder / FIRST_OF_SERIES
    files = (several,) if which == "map" and several.is_file() else tuple(folder / name for name in SHOWN[which])
    _check_files(folder, files, which)
    return which, files


def colour_files(folder: Path, colour: str) -> tuple[Path, ...]:
    """The files of one of `COLOURED`; ``InputError`` where the job has not all of them."""
    files = tuple(folder / name for name in COLOURED[colour])
    # a job of maps at points has neither, and the first that is missing says why
    _check_files(folder, files[:1], "resolution")
    _check_files(folder, files, "older" if (folder / TWIN_MAP).is_file() else colour)
    return files


def _check_files(folder: Path, files: tuple[Path, ...], what: str) -> None:
    missing = next((file.name for file in files if not file.is_file()), None)
    if missing is not None:
        raise InputError(f"{folder.name} has no {missing}: {_WHY_NONE.get(what, 'run the job again')}.")


def colours_of(folder: Path) -> frozenset[str]:
    """Those of `COLOURED` that a job's map can have."""
    return frozenset(colour for colour, names in COLOURED.items() if all((folder / name).is_file() for name in names))


def recorded_level(folder: Path) -> float | None:
    """The contour level that the job recommends for its sharpened map, or else its map; None where it has none."""
    level = (read_json(folder / RECORD) or {}).get("contour_level")
    return float(level) if isinstance(level, (int, float)) and not isinstance(level, bool) else None
