"""The images of a simulated data set, with noise and without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from scipy import fft

from ..particles.observe import show
from .dropped_parts import by_composition
from .experiment import CHUNK, JUNK, NOISE, PHASES, STRANGER, Experiment, Neighbours
from .moving_molecule import MovingMolecule
from .simulated_noise import draw_noise, noise_spectrum

SIGNAL_SAMPLE = 1000
_BATCH_PIXELS = 1 << 17  # transformed together: small enough for the cache, and memory does not grow with the box


def signal(moving: MovingMolecule, experiment: Experiment, rows: np.ndarray) -> np.ndarray:
    """Images ``(m, box, box)`` float32 without noise, CTF applied."""
    images = np.empty((len(rows), experiment.box, experiment.box), np.float32)
    step = max(_BATCH_PIXELS // experiment.box**2, 1)
    for first in range(0, len(rows), step):
        images[first : first + step] = _signal_batch(moving, experiment, rows[first : first + step])
    return images


def _signal_batch(moving: MovingMolecule, experiment: Experiment, rows: np.ndarray) -> np.ndarray:
    e = experiment
    transform = _projections(moving, e, rows)
    if e.kind is not None:
        for place in np.flatnonzero(e.kind[rows] == JUNK):
            transform[place] *= _random_phases(e, int(rows[place]))
    images = _through_optics(transform, e, rows, e.box)
    if e.neighbour is not None:
        beside = np.flatnonzero(e.neighbour.there[rows])
        if len(beside):
            images[beside] += _neighbours(moving, e, e.neighbour, rows[beside])
    return images


def _projections(moving: MovingMolecule, experiment: Experiment, rows: np.ndarray) -> np.ndarray:
    """Fourier transforms ``(m, box, box // 2 + 1)`` of what each image shows in its middle."""
    e = experiment
    kind = np.zeros(len(rows), np.int8) if e.kind is None else e.kind[rows]
    absent = np.zeros((len(rows), 0), bool) if e.absent is None else e.absent[rows]
    transform = np.empty((len(rows), e.box, e.box // 2 + 1), np.complex64)

    def fill(shown: MovingMolecule, some: np.ndarray) -> None:
        angles = e.angles[rows[some], : len(shown.hinges)]
        views = (e.rotation[rows[some]], e.shift[rows[some]], e.box, e.pixel_size, e.magnification)
        transform[some] = shown.images(angles, *views)

    own, other = np.flatnonzero(kind != STRANGER), np.flatnonzero(kind == STRANGER)
    for lacked, some in by_composition(absent[own]):
        fill(moving.lacking(lacked), own[some])
    if len(other):
        fill(other_molecule(moving), other)
    return transform


def _through_optics(transform: np.ndarray, experiment: Experiment, rows: np.ndarray, box: int) -> np.ndarray:
    """Images ``(m, box, box)`` of transforms, with the CTF of these rows."""
    transform = show(experiment.particles(), transform, experiment.pixel_size, rows)
    return fft.irfft2(transform, s=(box, box))


def _neighbours(moving: MovingMolecule, experiment: Experiment, neighbours: Neighbours, rows: np.ndarray) -> np.ndarray:
    """What reaches into these images ``(m, box, box)`` of the particle beside each: cut from a field twice as wide."""
    e, other, wide = experiment, neighbours.row[rows], 2 * experiment.box
    # an image's shift brings its particle back to the middle
    shift = e.shift[rows] - neighbours.offset[rows]
    transform = moving.images(e.angles[other], e.rotation[other], shift, wide, e.pixel_size, e.magnification)
    first = wide // 2 - e.box // 2
    return _through_optics(transform, e, rows, wide)[:, first : first + e.box, first : first + e.box]


def _random_phases(experiment: Experiment, row: int) -> np.ndarray:
    """Phases ``(box, box // 2 + 1)`` of an image of white noise: what is multiplied by them keeps its power."""
    white = fft.rfft2(experiment.stream(PHASES, row).normal(size=(experiment.box,) * 2))
    return (white / np.maximum(np.abs(white), 1e-12)).astype(np.complex64)


def other_molecule(moving: MovingMolecule) -> MovingMolecule:
    """Another molecule of as much mass and as large: a ring with a rod through it, without hinges."""
    radius = np.sqrt(np.average(np.sum(moving.points**2, axis=1), weights=moving.weights))
    count = len(moving.points)
    rng, ring = np.random.default_rng(0), 2 * count // 3
    angle = rng.uniform(0, 2 * np.pi, ring)
    torus = 1.1 * radius * np.stack([np.cos(angle), np.sin(angle), np.zeros(ring)], 1)
    rod = np.stack([np.zeros(count - ring), np.zeros(count - ring), rng.uniform(-1.3, 1.3, count - ring) * radius], 1)
    points = np.concatenate([torus, rod]) + rng.normal(0, 0.12 * radius, (count, 3))
    weights = np.full(count, moving.weights.sum() / count, np.float32)
    return MovingMolecule(points, weights, np.zeros(1, np.int64), np.array([0, count]), (), moving.width, moving.band)


def signal_variance(moving: MovingMolecule, experiment: Experiment) -> float:
    """Variance of the noiseless images over the whole box, averaged over (at most 1,000, evenly spread) particles."""
    experiment = replace(experiment, neighbour=None)
    count = min(SIGNAL_SAMPLE, len(experiment))
    rows = np.linspace(0, len(experiment) - 1, count).astype(int)
    pieces = [signal(moving, experiment, rows[i : i + CHUNK]) for i in range(0, count, CHUNK)]
    return float(np.mean([image.var(dtype=np.float64) for piece in pieces for image in piece]))


def chunk_images(moving: MovingMolecule, experiment: Experiment, chunk: int) -> np.ndarray:
    """The finished images ``(m, box, box)`` float32 of one chunk."""
    rows = np.arange(chunk * CHUNK, min((chunk + 1) * CHUNK, len(experiment)))
    return some_images(moving, experiment, rows)


def some_images(moving: MovingMolecule, experiment: Experiment, rows: np.ndarray) -> np.ndarray:
    """The finished images ``(m, box, box)`` float32 of these rows, in their order; the same as in their chunks."""
    images, background = signal(moving, experiment, rows), experiment.background
    if experiment.snr:
        level = np.ones(len(rows)) if background is None else background.level[rows]
        for chunk in np.unique(rows // CHUNK):
            here = np.flatnonzero(rows // CHUNK == chunk)
            noise = _chunk_noise(experiment, int(chunk))[rows[here] - chunk * CHUNK]
            images[here] += noise * level[here, None, None].astype(np.float32)
    return images if background is None else images + background.ramps(rows, experiment.box)


def _chunk_noise(experiment: Experiment, chunk: int) -> np.ndarray:
    count = min(CHUNK, len(experiment) - chunk * CHUNK)
    spectrum = noise_spectrum(experiment.box, experiment.noise_ratio) if experiment.noise_ratio != 1 else None
    return draw_noise(experiment.stream(NOISE, chunk), count, spectrum, experiment.box)


def iterate_images(
    moving: MovingMolecule, experiment: Experiment, threads: int, start: int = 0
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (chunk, images) in order from chunk ``start``; at most two chunks per thread are in memory."""
    from collections import deque
    from concurrent.futures import ThreadPoolExecutor

    make = partial(chunk_images, moving, experiment)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque = deque()
        for chunk in range(start, experiment.chunks):
            waiting.append((chunk, pool.submit(make, chunk)))
            if len(waiting) >= 2 * threads:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()
