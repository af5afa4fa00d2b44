"""Writes frames as an animated picture, in a process of its own: it holds them all, and can be ended at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".gif", ".webp", ".png")
_TICK = {".gif": 10}  # milliseconds that a duration counts in; 1 for the others
_LOOKS = {".webp": {"quality": 90}}


def durations(frames: int, framerate: float, suffix: str) -> list[int]:
    """Milliseconds that each frame is shown, such that all of them together are as fast as is asked for."""
    tick = _TICK.get(suffix, 1)
    ends = [round(1000 * number / framerate / tick) * tick for number in range(frames + 1)]
    return [after - before for before, after in zip(ends, ends[1:])]


def write_animation(frames: list[Path], file: Path, framerate: float) -> None:
    """Write pictures of one size as one that moves, over and over; ``file``'s suffix says the format."""
    suffix = file.suffix.lower()
    first = next(iter(_Pictures(frames, suffix)))
    first.save(
        file, save_all=True, append_images=_Pictures(frames[1:], suffix), loop=0,
        duration=durations(len(frames), framerate, suffix), **_LOOKS.get(suffix, {}),
    )  # fmt: skip


class _Pictures:
    """Files as pictures, each read when it is wanted: some formats want all of them twice."""

    def __init__(self, files: list[Path], suffix: str) -> None:
        self._files, self._suffix = files, suffix

    def __iter__(self) -> Iterator[Image]:
        from PIL.Image import Dither, Quantize
        from PIL.Image import open as open_picture

        for file in self._files:
            with open_picture(file) as picture:
                colours = picture.convert("RGB")
            if self._suffix == ".gif":  # 256 colours, the mark's red among all the grey
                colours = colours.quantize(method=Quantize.MAXCOVERAGE, kmeans=1, dither=Dither.NONE)
            yield colours


def main(words: list[str]) -> int:
    """``FILE FRAMERATE``: of the frames that lie beside the file."""
    file = Path(words[0])
    write_animation(sorted(file.parent.glob("frame-*.png")), file, float(words[1]))
    return 0
