"""Whether particles fit together and fit their consensus: a quick back-projection of them in two halves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...mesh.map_files import write_map
from ...particles import ImageStack, Particles
from ...particles.halves import sides
from ...particles.observe import observe
from ...particles.shells import spread_by_group
from .backproject import BackProjector, soft_ball
from .fsc import THRESHOLD, fourier_shell_correlation, low_shells, resolution

_MOST, _BATCH = 5000, 100
_GAIN_ROUNDS, _ENOUGH = 2, 50  # times that the gains of optics groups are measured, and images that they need
_SURE, _MOST_GAIN = 0.2, 5.0  # mean correlation of the low shells that gains are measured at, and the most they may be


@dataclass(frozen=True)
class Halves:
    """Some particles in two halves that share no image, and what the check makes of them.

    prepared : all particles. image : (n,) equal for copies of one image. rows : those that are used, (2,) arrays.
    filter : (g, D//2+1) as `Prepared` has it. mask : (D, D, D) soft ball that the particle is in.
    """

    prepared: Particles
    image: np.ndarray
    rows: tuple[np.ndarray, np.ndarray]
    filter: np.ndarray
    mask: np.ndarray

    @property
    def count(self) -> int:
        """Images used."""
        return sum(map(len, self.rows))

    @property
    def pixel_size(self) -> float:
        """Å."""
        return float(self.prepared.optics.pixel_size[0])


class FramedMap(Protocol):
    """A consensus ``framed`` (D, D, D) in the particles' frame, whose voxel D//2 lies at ``centre``, (3,) Å xyz."""

    @property
    def framed(self) -> np.ndarray:
        """The map, (D, D, D) ``[z, y, x]``."""
        ...

    @property
    def centre(self) -> np.ndarray:
        """Where voxel D//2 lies, (3,) Å xyz."""
        ...


class JobFolder(Protocol):
    """The folder that the check writes to, and who follows it."""

    seed: int

    def log(self, text: str) -> None:
        """Say a line."""
        ...

    def progress(self, step: int, total: int, **values: Any) -> None:
        """Tell how far it is."""
        ...

    def output(self, name: str) -> AbstractContextManager[Path]:
        """Where to write an output, which is given its name when it is whole."""
        ...


@dataclass(frozen=True)
class Check:
    """What the back-projection says.

    count : images used. frequency : (s,) 1/Å of the shells. halves : (s,) FSC of two independent halves of them.
    consensus : (s,) FSC with the consensus map, or None without one. centre : (3,) Å xyz, where voxel N//2 of what the
    particles show lies in the space of the consensus, or None. gain : (g,) what the signal of each optics group was
    found to be multiplied by, against the others'. density : (D, D, D) the map, masked.
    """

    count: int
    frequency: np.ndarray
    halves: np.ndarray
    consensus: np.ndarray | None
    centre: np.ndarray | None
    gain: np.ndarray
    density: np.ndarray

    def record(self) -> dict:
        """For prep.json."""
        curves = {"fsc_halves": self.halves, "fsc_consensus": self.consensus}
        return {
            "count": self.count,
            "frequency": [round(float(value), 6) for value in self.frequency],
            **{k: None if v is None else [round(float(x), 4) for x in v] for k, v in curves.items()},
            "resolution_halves_0.143": resolution(self.frequency, self.halves, THRESHOLD),
            "resolution_consensus_0.5": None
            if self.consensus is None
            else resolution(self.frequency, self.consensus, 0.5),
            "gain": [round(float(value), 4) for value in self.gain],
        }


def choose_halves(
    prepared: Particles, image: np.ndarray, shell_filter: np.ndarray, radius: float, seed: int
) -> Halves:
    """At most 5000 prepared particles, in the halves of their file or drawn at random; copies of an ``image`` (n,)
    are in one half. ``radius`` is that of the disc in Å.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(prepared))[:_MOST])
    side = sides(prepared.half[rows], image[rows], rng)
    if len(np.unique(side)) < 2:
        side = sides(np.zeros(len(rows), np.int8), image[rows], rng)
    mask = soft_ball(int(prepared.optics.box[0]), radius / float(prepared.optics.pixel_size[0]))
    return Halves(prepared, image, (rows[side == 1], rows[side == 2]), shell_filter, mask)


def check_particles(halves: Halves, consensus: FramedMap | None, job: JobFolder) -> Check:
    """Back-project both halves and compare; write backprojection.mrc."""
    sums, gain = _sums_with_gains(halves, job)
    box, pixel_size = int(halves.prepared.optics.box[0]), halves.pixel_size
    curve = fourier_shell_correlation(*(one.map() * halves.mask for one in sums))
    density = sums[0].merged(sums[1]).map() * halves.mask
    against = None if consensus is None else fourier_shell_correlation(density, consensus.framed * halves.mask)
    centre = None if consensus is None else consensus.centre
    frequency = np.arange(box // 2 + 1) / (box * pixel_size)
    with job.output("backprojection.mrc") as path:
        write_map(path, density, pixel_size, centre)
    job.log(f"back-projection of {halves.count} images: halves agree to {_angstroms(frequency, curve, THRESHOLD)}")
    if against is not None:
        job.log(f"it agrees with the consensus to {_angstroms(frequency, against, 0.5)} (FSC 0.5; mean of the low "
                f"shells {low_shells(against):.2f})")  # fmt: skip
    return Check(halves.count, frequency, curve, against, centre, gain, density)


def _angstroms(frequency: np.ndarray, curve: np.ndarray, threshold: float) -> str:
    value = resolution(frequency, curve, threshold)
    return "no resolution at all" if value is None else f"{value:.1f} Å"


# ---------------------------------------------------------------------------- back-projection


def back_project(
    halves: Halves,
    rows: np.ndarray,
    shell_filter: np.ndarray,
    progress: Callable[[int], None] = lambda done: None,
    transfer_of: Callable[[np.ndarray], np.ndarray] | None = None,
) -> BackProjector:
    """The sums of prepared particles ``rows``. ``transfer_of(rows)``, where given, gives other CTFs than the file's."""
    prepared, box, pixel_size = halves.prepared, len(halves.mask), halves.pixel_size
    stack, projector = ImageStack(prepared), BackProjector(box)
    done = 0
    for part in np.array_split(rows, max(1, len(rows) // _BATCH)):
        if len(part) == 0:
            continue
        spectra, transfer = observe(prepared, np.fft.rfft2(stack.read(part)), pixel_size, part)
        transfer = transfer if transfer_of is None else transfer_of(part)
        transfer = transfer * spread_by_group(shell_filter, prepared.group[part], box)
        projector.insert(spectra, transfer, prepared.views(part), prepared.shift[part] / pixel_size)
        done += len(part)
        progress(done)
    return projector


def _sums_with_gains(halves: Halves, job: JobFolder) -> tuple[tuple[BackProjector, BackProjector], np.ndarray]:
    """(the sums of both halves, what the signal of each optics group is multiplied by).

    Images of optics groups are brought to one noise, and nobody knows whether their signal comes to one scale thereby:
    it does where only the grey scale differed. So it is measured, each group's against that of all images.
    """
    gain = np.ones(len(halves.filter))
    group, rows = halves.prepared.group, np.concatenate(halves.rows)
    counts = np.bincount(group[rows], minlength=len(gain))
    if np.count_nonzero(counts) < 2:
        return _sums(halves, gain, job), gain
    rng = np.random.default_rng(job.seed)
    side = sides(np.zeros(len(rows), np.int8), halves.image[rows], rng)  # a group may be all in one half of the file
    mixed = replace(halves, rows=(rows[side == 1], rows[side == 2]))
    for _ in range(_GAIN_ROUNDS):
        sums = _sums(mixed, gain, job)
        if low_shells(fourier_shell_correlation(*(one.map() * halves.mask for one in sums))) < _SURE:
            break
        change = np.ones(len(gain))
        for number in np.flatnonzero(counts >= _ENOUGH):
            change[number] = _gain(mixed, gain, sums, int(number))
        change /= np.exp(np.average(np.log(change), weights=counts))
        if np.all(np.abs(change - 1) < 0.03):
            break
        gain = gain * change
    return _sums(halves, gain, job), gain


def _sums(halves: Halves, gain: np.ndarray, job: JobFolder) -> tuple[BackProjector, BackProjector]:
    def reporter(rows: np.ndarray) -> Callable[[int], None]:
        return lambda done: job.progress(done, len(rows), stage="check")

    first, second = (back_project(halves, rows, halves.filter * gain[:, None], reporter(rows)) for rows in halves.rows)
    return first, second


def _gain(halves: Halves, gain: np.ndarray, sums: tuple[BackProjector, BackProjector], number: int) -> float:
    """How much larger the low shells of an optics group's map are than those of all images'; 1 where that is unsure.

    The group's map of each half is compared with the other half's map of all, which has none of its noise.
    """
    group, filters = halves.prepared.group, halves.filter * gain[:, None]
    own = [back_project(halves, rows[group[rows] == number], filters) for rows in halves.rows]
    first, second, own_first, own_second = (one.map() * halves.mask for one in (*sums, *own))
    most = max(4, len(halves.mask) // 6)
    between = 2 * _cross(first, second, most)
    crossed = _cross(own_first, second, most) + _cross(own_second, first, most)
    if between <= 0 or crossed <= 0:
        return 1.0
    ratio = float(crossed / between)
    return ratio if 1 / _MOST_GAIN < ratio < _MOST_GAIN else 1.0


def _cross(first: np.ndarray, second: np.ndarray, most: int) -> float:
    """Sum of the cross-spectrum of two maps over shells 2 to ``most``."""
    a, b = np.fft.rfftn(first.astype(np.float64)), np.fft.rfftn(second.astype(np.float64))
    box = len(first)
    k, kx = np.fft.fftfreq(box, 1 / box), np.fft.rfftfreq(box, 1 / box)
    shell = np.rint(np.sqrt(k[:, None, None] ** 2 + k[:, None] ** 2 + kx**2)).astype(np.int64)
    inside = (shell >= 2) & (shell <= most)
    return float((a * b.conj()).real[inside].sum())
