"""What a movie shall be like, checked before anything is drawn."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError

if TYPE_CHECKING:  # the viewer checks its movies by this file, without ChimeraX
    from chimerax.core.session import Session

SMALLEST, LARGEST = 16, 8192  # pixels on a side


@dataclass(frozen=True)
class Film:
    """A movie.

    Attributes
    ----------
    file : where to; its suffix says the format. size : ``(width, height)`` in pixels, even.
    supersample : images per side that each frame is the mean of. framerate : frames per second.
    quality : as ChimeraX's ``movie encode`` has it. frames_folder : where the single frames stay; None for nowhere.
    """

    file: Path
    size: tuple[int, int]
    supersample: int
    framerate: float
    quality: str
    frames_folder: Path | None


def planned_film(
    session: Session, file: Path, size: tuple[int, int] | None, supersample: int, framerate: float, quality: str,
    keep_frames: bool,
) -> Film:  # fmt: skip
    """What is asked for; ``InputError`` where it cannot be made: no graphics, no ffmpeg, no such folder, odd sizes."""
    if session.main_view.render is None:
        raise InputError("a movie needs graphics; start ChimeraX with its window, or with --offscreen on Linux.")
    if getattr(session, "ignore_movie_commands", False):
        raise InputError("ChimeraX ignores movies at present; run movie ignore false, then record again.")
    if getattr(session, "movie", None) is not None:
        raise InputError("frames of another movie are recorded or not yet encoded; run movie encode or movie reset.")
    if _ffmpeg() is None:
        raise InputError("ChimeraX encodes movies by ffmpeg, which is not there; install it and put it on the PATH.")
    file = file.expanduser().absolute()
    check_place(file, _suffixes())
    folder = frames_beside(file) if keep_frames else None
    return Film(file, checked_size(size, session.main_view.window_size), supersample, framerate, quality, folder)


def check_place(file: Path, suffixes: list[str]) -> None:
    """``InputError`` where a movie of one of these formats cannot be written there."""
    if file.suffix.lower() not in suffixes:
        raise InputError(f"{file.name}: its ending is no movie format; use one of {', '.join(suffixes)}.")
    if not file.parent.is_dir():
        raise InputError(f"{file}: there is no folder {file.parent}; make it first.")
    if file.is_dir() or not os.access(file.parent, os.W_OK | os.X_OK):
        raise InputError(f"{file}: cannot be written there; choose a folder that you may write to.")


def checked_size(size: tuple[int, int] | None, window: tuple[int, int]) -> tuple[int, int]:
    """``(width, height)`` of a movie in pixels, about those of the window where none is asked for."""
    if size is None:
        return tuple(max(side // 2 * 2, SMALLEST) for side in window)
    if any(not SMALLEST <= side <= LARGEST for side in size):
        raise InputError(f"a movie is {SMALLEST} to {LARGEST} pixels wide and high, not {size[0]},{size[1]}.")
    if size[0] % 2 or size[1] % 2:
        raise InputError(f"movies have an even number of pixels; give {size[0] // 2 * 2},{size[1] // 2 * 2}.")
    return tuple(size)


def frames_beside(file: Path) -> Path:
    """The folder for a movie's single frames; ``InputError`` where it exists."""
    folder = file.with_name(f"{file.stem}-frames")
    if folder.exists():
        raise InputError(f"{folder}: frames would be kept there, but it exists; remove it or give another file name.")
    return folder


def _suffixes() -> list[str]:
    from chimerax.movie.formats import formats

    return sorted({f".{movie_format['suffix']}" for movie_format in formats.values()})


def _ffmpeg() -> str | None:
    from chimerax import app_bin_dir

    places = os.pathsep.join([os.environ.get("PATH", os.defpath), app_bin_dir])
    return shutil.which("ffmpeg", path=places)
