"""Image stacks in a folder of a fast local disk, copied there once and found there by later jobs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...particles.particles import Particles
from .stack_copy import Copy, copy_of, make_copy

Progress = Callable[[int, int], None]  # called with (bytes done, of all); it may raise, to stop


def cached(
    particles: Particles, folder: Path, progress: Progress, say: Callable[[str], None] = lambda text: None
) -> Particles:
    """The same particles with their images in ``folder``, copied there where they are not yet.

    What ``progress`` raises leaves no unfinished copy. ``say`` is given a sentence for the log. ``InputError`` where
    the folder cannot be written, its disk is too small, or a stack changes while it is copied.
    """
    copies = {int(number): copy_of(particles.stacks[number], folder) for number in np.unique(particles.stack)}
    missing = [copy for copy in copies.values() if not copy.is_whole()]
    copied, seconds = _copy_all(missing, folder, progress) if missing else (0, 0.0)
    if copied:
        say(f"Copied {copied / 1e9:.2f} GB of images to {folder}, {copied / 1e6 / seconds:.0f} MB/s.")
    else:
        say(f"The images are in {folder} already.")
    paths = (copies[number].path if number in copies else path for number, path in enumerate(particles.stacks))
    return replace(particles, stacks=tuple(paths))


def _copy_all(missing: list[Copy], folder: Path, progress: Progress) -> tuple[int, float]:
    """Bytes that this process copied, and seconds that it took."""
    total = sum(copy.size for copy in missing)
    _make_folder(folder)
    began, done, copied = time.monotonic(), 0, 0
    for copy in missing:

        def progress_of_all(more: int, before: int = done) -> None:
            progress(before + more, total)

        if make_copy(copy, progress_of_all, total - done):
            copied += copy.size
        done += copy.size
    return copied, max(time.monotonic() - began, 1e-3)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"cache: {folder} cannot be written ({error.strerror}); give a folder of your own on a local "
                         "disk, or leave it out.") from error  # fmt: skip
