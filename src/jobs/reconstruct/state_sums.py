"""The sums of the shells of particles about states, streamed from disk; a killed job goes on from the last kept ones.

In one pass over the images, each goes into the shell that it is in about each of several states.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...engine.maps.backproject import BackProjector
from ...engine.maps.kernel_choice import Halves
from ...engine.maps.kernel_shells import OUTSIDE, SHELLS, KernelShells
from ...errors import InputError
from ...particles.free_memory import free_memory
from ...particles.prefetch import in_order, thread_share
from ...particles.prepared import Prepared
from ..job_folder import JobRun
from .reconstruct_sums import SUMS, ImageProgress, Spectra, SumsWriter, image_batches

_SHARE = 0.5  # of the memory that is free, for the sums of the states of one pass
_VOXEL_BYTES = 12 * SHELLS  # of one state, for each voxel of the box: two halves' sums, over half a Fourier space
_WORK_BYTES = 250  # for each voxel, while the kernel of one state is chosen


def states_at_once(box: int) -> int:
    """How many states' sums fit into memory; ``InputError`` where not one state's do."""
    free, own, work = free_memory(), _VOXEL_BYTES * box**3, _WORK_BYTES * box**3
    if own + work > free:
        raise InputError(f"A map at a point of images of {box} pixels needs {(own + work) / 1e9:.1f} GB of memory, "
                         f"and {free / 1e9:.1f} GB are free; make room, or run prep with a smaller --box.")  # fmt: skip
    return max(1, int(_SHARE * (free - work) / own))


class StateSums:
    """Sums for the states of one pass.

    shells : about each state. side : ``(n,)`` int8, 0 or 1 of half 1 or 2. weight : ``(n,)`` how far images count.
    """

    def __init__(self, box: int, shells: Sequence[KernelShells], side: np.ndarray, weight: np.ndarray) -> None:
        self._shells, self._side, self._weight = shells, side, weight
        self._places = [BackProjector(box, single=True) for _ in range(sum(2 * len(each.square) for each in shells))]
        self._first = np.cumsum([0, *(2 * len(each.square) for each in shells)])

    @property
    def rows(self) -> np.ndarray:
        """The particles ``(m,)`` that are in a shell of any state, in the order of the file."""
        return np.flatnonzero(np.any([each.shell != OUTSIDE for each in self._shells], axis=0))

    def insert(self, batch: tuple[np.ndarray, np.ndarray], rows: np.ndarray, prepared: Prepared) -> None:
        """Add the images ``rows``, given as `Spectra` makes them."""
        spectra, transfer = batch
        weight = np.sqrt(self._weight[rows])[:, None, None].astype(np.float32)
        spectra, transfer = spectra * weight, transfer * weight  # w C I and w C² are what is summed
        views, shift = prepared.particles.views(rows), prepared.particles.shift[rows] / prepared.pixel_size
        for state, shells in enumerate(self._shells):
            place = 2 * shells.shell[rows].astype(int) + self._side[rows]
            for number in np.unique(place[shells.shell[rows] != OUTSIDE]):
                own = np.flatnonzero((place == number) & (shells.shell[rows] != OUTSIDE))
                target = self._places[self._first[state] + number]
                target.insert(spectra[own], transfer[own], views[own], shift[own])

    def of_state(self, state: int) -> list[Halves]:
        """The two halves' sums of each shell about a state, the nearest first."""
        own = self._places[self._first[state] : self._first[state + 1]]
        return list(zip(own[0::2], own[1::2], strict=True))

    def keep(self, job: JobRun, box: int, about: dict[str, Any]) -> None:
        """Write the sums of all images, to go on from."""
        SumsWriter(job).write(self.all, len([*image_batches(self.rows, box)]), **about)

    @property
    def all(self) -> list[BackProjector]:
        """All sums, to be kept."""
        return self._places

    def restore(self, kept: dict[str, np.ndarray]) -> None:
        """Go on from sums that `SumsWriter` has written."""
        self._places = [BackProjector.of_sums({name: kept[f"{name}{number}"] for name in ("sum", "weight")})
                        for number in range(1, len(self._places) + 1)]  # fmt: skip


def sum_states(sums: StateSums, prepared: Prepared, job: JobRun, stage: str, about: dict[str, Any]) -> bool:
    """Add all images; False where the job was asked to stop, and has kept what there is in sums.npz.

    ``about`` says of which states and particles the sums are: kept sums of others are not gone on from.
    """
    batches = [*image_batches(sums.rows, prepared.box)]
    done = _kept(sums, job, about)
    progress, writer = ImageProgress(job, sum(map(len, batches[:done])), len(sums.rows), stage), SumsWriter(job)
    for number, batch in enumerate(in_order(Spectra(prepared), batches[done:], thread_share()), done):
        sums.insert(batch, batches[number], prepared)
        progress.advance(len(batches[number]))
        more = number + 1 < len(batches)
        stop = more and job.stop_requested()
        if stop or (more and writer.is_due()):
            writer.write(sums.all, number + 1, **about)
        if stop:
            return False
    return True


def passes(states: Sequence[int], most: int, begun: Sequence[int]) -> Iterator[list[int]]:
    """States of each pass over the images: first those that were ``begun`` together, then the others, evenly shared."""
    if set(states) & set(begun):
        yield list(begun)
        states = [state for state in states if state not in begun]
    count = -(-len(states) // most)
    if count:
        yield from (part.tolist() for part in np.array_split(np.array(states, int), count))


def kept_states(job: JobRun, identity: str) -> list[int]:
    """The states of which an interrupted run has kept sums, if those are of these particles."""
    path = job.folder / SUMS
    if not path.is_file():
        return []
    with np.load(path, allow_pickle=False) as file:
        return file["states"].tolist() if str(file["identity"]) == identity else []


def _kept(sums: StateSums, job: JobRun, about: dict[str, Any]) -> int:
    """How many batches an interrupted run has added to the sums, which are restored."""
    path = job.folder / SUMS
    if not path.is_file():
        return 0
    with np.load(path, allow_pickle=False) as file:
        if any(name not in file.files or not np.array_equal(file[name], value) for name, value in about.items()):
            return 0
        sums.restore({name: file[name] for name in file.files})
        done = int(file["batches"])
    job.log(f"Going on after batch {done}.")
    return done
