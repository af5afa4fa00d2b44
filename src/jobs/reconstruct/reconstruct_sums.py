"""The sums of two half-maps over all their images, streamed from disk; a killed job goes on from the last kept ones."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ...engine.maps.backproject import BackProjector
from ...particles.observe import observe
from ...particles.prefetch import in_order, thread_share
from ...particles.prepared import Prepared
from ...particles.shells import spread_by_group
from ...particles.stack import ImageStack
from ..job_folder import JobRun
from ..throttle import Throttled

SUMS = "sums.npz"
_BATCH_PIXELS = 1 << 20  # of images that are worked on at a time
_KEEP_SECONDS, _KEEP_SHARE = 60, 0.05  # between two times that the sums are kept, and of the time that this may take

Halves = tuple[np.ndarray, np.ndarray]
Sums = tuple[BackProjector, BackProjector]


def sum_images(prepared: Prepared, halves: Halves, job: JobRun) -> Sums | None:
    """Both half-maps' sums; None where the job was asked to stop, and has kept what there is in sums.npz.

    The images are visited in the order of the file, in batches that do not depend on where the job goes on, so that
    it comes to the same sums.
    """
    sums, done = _kept(prepared.box, job)
    rows = np.sort(np.concatenate(halves))
    batches = [*image_batches(rows, prepared.box)]
    of_first = np.zeros(len(prepared.particles), bool)
    of_first[halves[0]] = True
    progress, writer = ImageProgress(job, sum(map(len, batches[:done])), len(rows)), SumsWriter(job)
    for number, batch in enumerate(in_order(Spectra(prepared), batches[done:], thread_share()), done):
        _insert(sums, batch, batches[number], of_first, prepared)
        progress.advance(len(batches[number]))
        more = number + 1 < len(batches)
        stop = more and job.stop_requested()
        if stop or (more and writer.is_due()):
            writer.write(sums, number + 1)
        if stop:
            return None
    return sums


def forget_sums(job: JobRun) -> None:
    """Remove what was kept to go on from: the maps are written."""
    (job.folder / SUMS).unlink(missing_ok=True)


class Spectra:
    """Makes the Fourier transforms of images, and what multiplied those of the projections: whitening times CTF."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared, self._stack = prepared, ImageStack(prepared.particles)

    def __call__(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``(m, D, D//2+1)`` complex64, and float32, of particles ``rows``."""
        prepared = self._prepared
        images = np.fft.rfft2(self._stack.read(rows))
        spectra, transfer = observe(prepared.particles, images, prepared.pixel_size, rows)
        transfer *= spread_by_group(prepared.filter, prepared.particles.group[rows], prepared.box)
        return spectra.astype(np.complex64), transfer


def image_batches(rows: np.ndarray, box: int) -> Iterator[np.ndarray]:
    """Rows of images that are worked on together."""
    size = max(8, _BATCH_PIXELS // box**2)
    for first in range(0, len(rows), size):
        yield rows[first : first + size]


def _insert(
    sums: Sums, batch: tuple[np.ndarray, np.ndarray], rows: np.ndarray, of_first: np.ndarray, prepared: Prepared
) -> None:
    """A batch's images, each into its half; ``of_first`` ``(n,)`` tells of all particles which are of half 1."""
    spectra, transfer = batch
    particles, first = prepared.particles, of_first[rows]
    for projector, mine in zip(sums, (first, ~first)):
        shift = particles.shift[rows[mine]] / prepared.pixel_size
        projector.insert(spectra[mine], transfer[mine], particles.views(rows[mine]), shift)


def _kept(box: int, job: JobRun) -> tuple[Sums, int]:
    """The sums that an interrupted run has kept, and of how many batches they are."""
    path = job.folder / SUMS
    if not path.is_file():
        return (BackProjector(box), BackProjector(box)), 0
    with np.load(path, allow_pickle=False) as file:
        halves = ({name: file[f"{name}{half}"] for name in ("sum", "weight")} for half in (1, 2))
        first, second = (BackProjector.of_sums(sums) for sums in halves)
        done = int(file["batches"])
    job.log(f"Going on after batch {done}.")
    return (first, second), done


class SumsWriter:
    """Writes the sums now and then, more seldom where that takes long: of a large box they are gigabytes."""

    def __init__(self, job: JobRun) -> None:
        self._job, self._next = job, time.monotonic() + _KEEP_SECONDS

    def is_due(self) -> bool:
        """Whether they should be written again."""
        return time.monotonic() >= self._next

    def write(self, sums: Iterable[BackProjector], done: int, **more: Any) -> None:
        """Write the sums of the first ``done`` batches, numbered from 1, and whatever else is to be known of them."""
        begun = time.monotonic()
        arrays: dict[str, Any] = more | {
            f"{name}{number}": values for number, each in enumerate(sums, 1) for name, values in each.sums.items()
        }
        with self._job.output(SUMS) as path, open(path, "wb") as file:
            np.savez(file, batches=done, **arrays)
        now = time.monotonic()
        self._next = now + max(_KEEP_SECONDS, (now - begun) / _KEEP_SHARE)


class ImageProgress:
    """Reports how many images are done, of all of a ``stage``, and how many a second."""

    def __init__(self, job: JobRun, done: int, total: int, stage: str | None = None) -> None:
        self._progress, self._before, self._done, self._total = Throttled(job), done, done, total
        self._stage = {} if stage is None else {"stage": stage}
        self._begun = time.monotonic()

    def advance(self, more: int) -> None:
        """So many more are done."""
        self._done += more
        rate = (self._done - self._before) / max(time.monotonic() - self._begun, 1e-3)
        self._progress(self._done, self._total, images_per_second=round(rate, 1), **self._stage)
