"""What a movie of the slices shall be like, checked before anything is decoded, and what encodes it."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from ..actions.path_actions import Movie
from ..environment import booted
from ..errors import InputError
from ..figures.latents_inset import SHARE
from ..scene.movies.film import check_place, checked_size, frames_beside
from .animation import SUFFIXES
from .slice_view import Slices

BY_FFMPEG = (".mp4", ".mov", ".webm")
_FASTEST_GIF = 50  # frames a second: it counts in hundredths, and viewers take a single one for ten
_FRAMES = "frame-%05d.png"


@dataclass(frozen=True)
class SlicesFilm:
    """A movie.

    Attributes
    ----------
    file : where to; its suffix says the format. size : ``(width, height)`` in pixels, even.
    plot : side in pixels of the plot beside the slices; 0 for none. scale : pixels per logical pixel.
    framerate : frames per second. frames_folder : where the single frames are kept; None for nowhere.
    """

    file: Path
    size: tuple[int, int]
    plot: int
    scale: float
    framerate: float
    frames_folder: Path | None

    def encoder(self, folder: Path) -> list[str]:
        """Program and words that make `encoded` of the frames in ``folder``, where they are run."""
        if self.file.suffix.lower() in SUFFIXES:
            return [sys.executable, *booted("chimerax.flexrec.viewer.animation"), str(self.encoded(folder)),
                    str(self.framerate)]  # fmt: skip
        return [
            _ffmpeg() or "ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-framerate", str(self.framerate),
            "-i", _FRAMES, "-pix_fmt", "yuv420p", "-crf", "18", str(self.encoded(folder)),
        ]  # fmt: skip

    def encoded(self, folder: Path) -> Path:
        """The movie before it is whole."""
        return folder / f"movie{self.file.suffix.lower()}"

    @staticmethod
    def frame(folder: Path, number: int) -> Path:
        """A frame's file, counted from 0."""
        return folder / (_FRAMES % number)


def movie_suffixes() -> tuple[str, ...]:
    """The formats that can be written here, the usual one first."""
    return (*BY_FFMPEG, *SUFFIXES) if _ffmpeg() else SUFFIXES


def repeats(file: Path) -> bool:
    """Whether movies of the format begin again when they end."""
    return file.suffix.lower() in SUFFIXES


def planned_film(slices: Slices, movie: Movie) -> SlicesFilm:
    """What is asked for; ``InputError`` where it cannot be made: no ffmpeg, no such folder, odd sizes, too fast."""
    file = movie.file.expanduser().absolute()
    check_place(file, sorted((*BY_FFMPEG, *SUFFIXES)))
    suffix, ratio = file.suffix.lower(), slices.devicePixelRatioF()
    if suffix in BY_FFMPEG and _ffmpeg() is None:
        raise InputError(f"{file.name}: {suffix} needs ffmpeg; install it by pip install imageio-ffmpeg, or record to "
                         f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")  # fmt: skip
    if suffix == ".gif" and movie.framerate > _FASTEST_GIF:
        raise InputError(f"{file.name}: a GIF has {_FASTEST_GIF} frames a second at most; give a lower framerate, or "
                         "record to .webp or .png.")  # fmt: skip
    wide, high = round(ratio * slices.width()), round(ratio * slices.height())
    window = (wide + round(SHARE * high), high) if movie.inset else (wide, high)
    size = checked_size(movie.size, window)
    folder = frames_beside(file) if movie.keep_frames else None
    plot = round(SHARE * size[1]) if movie.inset else 0
    return SlicesFilm(file, size, plot, size[1] / slices.height(), movie.framerate, folder)


def _ffmpeg() -> str | None:
    """The program: imageio-ffmpeg's, or, where that is not installed, one on the PATH."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return get_ffmpeg_exe()
    except (ImportError, RuntimeError):  # it has none for this computer
        return shutil.which("ffmpeg")
