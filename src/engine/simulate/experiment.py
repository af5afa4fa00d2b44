"""What one simulated data set is: every particle's state, pose, optics and noise, all drawn from one seed.

SNR is the variance of the CTF-modulated, noiseless images over the whole box, averaged over the particles, divided by
the variance of the noise. CryoBench's is the same ratio, but of images before they are downsampled: halving the box
leaves a quarter of the variance of white noise, so its 0.01 at 256 pixels of 1.5 Å is 0.04 at 128 pixels of 3 Å.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy import fft
from scipy.spatial.transform import Rotation

from ...particles.ctf import ctf_rfft, odd_factor
from ...particles.particles import Optics, Particles
from .moving import MovingMolecule
from .noise import draw_noise, noise_spectrum
from .poses import random_defocus, random_rotations, random_shifts

CHUNK = 100  # images computed together; part of the definition of the noise, so that workers cannot change it
SIGNAL_SAMPLE = 1000
_BATCH_PIXELS = 1 << 17  # transformed together: small enough for the cache, and memory does not grow with the box
_STATES, _POSES, _DEFOCUS, _NOISE, _SCALES, _POSE_ERRORS, _KINDS, _PHASES = range(8)
PARTICLE, JUNK, STRANGER = range(3)


@dataclass(frozen=True)
class Experiment:
    """All that determines the images.

    angles : (n, h) degrees; state : (n,) int32, conformation number, −1 where each particle has its own
    rotation : (n, 3, 3); shift : (n, 2) Å; defocus : (n, 3) Å, Å, degrees
    box, pixel_size : pixels, Å; voltage : kV; spherical_aberration : mm; amplitude_contrast : fraction
    snr : variance of signal / variance of noise, 0 for no noise
    noise_ratio : power of the noise at zero frequency / at Nyquist
    seed : of the noise
    odd, even, magnification : aberrations as of one group of `Optics`: (c,), (c,) and (2, 2); None: none
    pose_error : standard deviations of the errors of the poses that are told, degrees and Å for each axis
    kind : (n,) int8, `PARTICLE`, `JUNK` (phases at random) or `STRANGER` (another molecule); None: all particles
    b_factor : Å²; scale : (n,) of each image's signal, None: 1
    """

    angles: np.ndarray
    state: np.ndarray
    rotation: np.ndarray
    shift: np.ndarray
    defocus: np.ndarray
    box: int
    pixel_size: float
    voltage: float
    spherical_aberration: float
    amplitude_contrast: float
    snr: float
    noise_ratio: float
    seed: int
    odd: np.ndarray | None = None
    even: np.ndarray | None = None
    magnification: np.ndarray | None = None
    b_factor: float = 0.0
    scale: np.ndarray | None = None
    pose_error: tuple[float, float] = (0.0, 0.0)
    kind: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.angles)

    def particles(self, stack: Path = Path("particles.mrcs")) -> Particles:
        """All particles, their images in order in ``stack``, the two halves alternating."""
        count = len(self)
        one = {name: None if (values := getattr(self, name)) is None else values[None]
               for name in ("odd", "even", "magnification")}  # fmt: skip
        optics = Optics(
            np.array([self.voltage]), np.array([self.spherical_aberration]), np.array([self.amplitude_contrast]),
            np.array([self.pixel_size]), np.array([self.box]), ("opticsGroup1",), **one,
        )  # fmt: skip
        return Particles(
            (stack,), np.zeros(count, np.int32), np.arange(count, dtype=np.int64), self.rotation, self.shift,
            self.defocus, np.zeros(count), np.zeros(count, np.int32), (np.arange(count) % 2 + 1).astype(np.int8),
            optics, b_factor=np.full(count, self.b_factor), scale=self.scale,
        )  # fmt: skip

    def told_particles(self, stack: Path) -> Particles:
        """`particles` as a refinement would have placed them: with errors in their poses."""
        particles, (turn, shift) = self.particles(stack), self.pose_error
        if not turn and not shift:
            return particles
        rng = random_stream(self.seed, _POSE_ERRORS)
        turns = Rotation.from_rotvec(rng.normal(0, np.radians(turn), (len(self), 3))).as_matrix()
        return replace(particles, rotation=turns @ self.rotation,
                       shift=self.shift + rng.normal(0, shift, (len(self), 2)))  # fmt: skip

    @property
    def chunks(self) -> int:
        """Number of chunks of images."""
        return -(-len(self) // CHUNK)

    def stream(self, stage: int, chunk: int = 0) -> np.random.Generator:
        """An independent random stream for each stage and chunk."""
        return random_stream(self.seed, stage, chunk)


def random_stream(seed: int, stage: int, chunk: int = 0) -> np.random.Generator:
    """The generator of one stage and chunk of a seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stage, chunk)))


def draw_states(hinges, count: int, states: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Angles ``(count, h)`` in degrees and state numbers ``(count,)``.

    states 0: every particle has its own continuous state (number −1). Otherwise that many conformations, equally
    populated and shuffled: evenly spaced along one hinge, drawn at random where there are several.
    """
    rng = random_stream(seed, _STATES)
    if not hinges:
        return np.zeros((count, 0)), np.zeros(count, np.int32)
    if not states:
        return np.stack([hinge.sample(rng, count) for hinge in hinges], axis=1), np.full(count, -1, np.int32)
    single = len(hinges) == 1 and hinges[0].draw == "uniform"
    table = hinges[0].grid(states)[:, None] if single else np.stack([h.sample(rng, states) for h in hinges], axis=1)
    state = rng.permutation(np.arange(count) % states).astype(np.int32)
    return table[state], state


def draw_views(count: int, shift_spread: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rotations ``(count, 3, 3)`` uniform on SO(3) and shifts ``(count, 2)`` in Å."""
    rng = random_stream(seed, _POSES)
    return random_rotations(rng, count), random_shifts(rng, count, shift_spread)


def draw_defocus(count: int, span: tuple[float, float], astigmatism: float, seed: int) -> np.ndarray:
    """Defocus ``(count, 3)``: U, V in Å and the angle in degrees."""
    return random_defocus(random_stream(seed, _DEFOCUS), count, span, astigmatism)


def draw_scales(count: int, spread: float, seed: int) -> np.ndarray | None:
    """The scale ``(count,)`` of each image's signal, log-normal about 1; None without ``spread``."""
    return np.exp(random_stream(seed, _SCALES).normal(0, spread, count)) if spread else None


def signal(moving: MovingMolecule, experiment: Experiment, rows: np.ndarray) -> np.ndarray:
    """Images ``(m, box, box)`` float32 without noise, CTF applied."""
    images = np.empty((len(rows), experiment.box, experiment.box), np.float32)
    step = max(_BATCH_PIXELS // experiment.box**2, 1)
    for first in range(0, len(rows), step):
        images[first : first + step] = _signal_batch(moving, experiment, rows[first : first + step])
    return images


def _signal_batch(moving: MovingMolecule, experiment: Experiment, rows: np.ndarray) -> np.ndarray:
    e, particles = experiment, experiment.particles()
    kind = np.zeros(len(rows), np.int8) if e.kind is None else e.kind[rows]
    transform = np.empty((len(rows), e.box, e.box // 2 + 1), np.complex64)
    for stranger in (False, True):
        some = np.flatnonzero((kind == STRANGER) == stranger)
        if len(some):
            shown, of = (strange(moving), e.angles[rows[some], :0]) if stranger else (moving, e.angles[rows[some]])
            views = (e.rotation[rows[some]], e.shift[rows[some]], e.box, e.pixel_size, e.magnification)
            transform[some] = shown.images(of, *views)
    for place in np.flatnonzero(kind == JUNK):
        transform[place] *= _random_phases(e, int(rows[place]))
    transform *= ctf_rfft(particles, e.box, e.pixel_size, rows)
    phase = odd_factor(particles, e.box, e.pixel_size, rows)
    if phase is not None:
        transform *= phase.conj()
    return fft.irfft2(transform, s=(e.box, e.box))


def _random_phases(experiment: Experiment, row: int) -> np.ndarray:
    """Phases ``(box, box // 2 + 1)`` of an image of white noise: what is multiplied by them keeps its power."""
    white = fft.rfft2(experiment.stream(_PHASES, row).normal(size=(experiment.box,) * 2))
    return (white / np.maximum(np.abs(white), 1e-12)).astype(np.complex64)


def strange(moving: MovingMolecule) -> MovingMolecule:
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


def draw_kinds(count: int, junk: float, strangers: float, seed: int) -> np.ndarray | None:
    """What each image shows ``(count,)``, with these fractions of junk and of another molecule; None without either."""
    if not junk and not strangers:
        return None
    share = random_stream(seed, _KINDS).permutation((np.arange(count) + 0.5) / count)
    return np.where(share < junk, JUNK, np.where(share < junk + strangers, STRANGER, PARTICLE)).astype(np.int8)


def signal_variance(moving: MovingMolecule, experiment: Experiment) -> float:
    """Variance of the noiseless images over the whole box, averaged over (at most 1,000, evenly spread) particles."""
    count = min(SIGNAL_SAMPLE, len(experiment))
    rows = np.linspace(0, len(experiment) - 1, count).astype(int)
    pieces = [signal(moving, experiment, rows[i : i + CHUNK]) for i in range(0, count, CHUNK)]
    return float(np.mean([image.var(dtype=np.float64) for piece in pieces for image in piece]))


def gain(variance: float, snr: float) -> float:
    """Factor of the density that makes the SNR with noise of variance 1 (without noise: signal of variance 1)."""
    return float(np.sqrt((snr or 1.0) / variance))


def chunk_images(moving: MovingMolecule, experiment: Experiment, chunk: int) -> np.ndarray:
    """The finished images ``(m, box, box)`` float32 of one chunk."""
    rows = np.arange(chunk * CHUNK, min((chunk + 1) * CHUNK, len(experiment)))
    return some_images(moving, experiment, rows)


def some_images(moving: MovingMolecule, experiment: Experiment, rows: np.ndarray) -> np.ndarray:
    """The finished images ``(m, box, box)`` float32 of these rows, in their order; the same as in their chunks."""
    images = signal(moving, experiment, rows)
    if experiment.snr:
        for chunk in np.unique(rows // CHUNK):
            here = np.flatnonzero(rows // CHUNK == chunk)
            images[here] += _chunk_noise(experiment, int(chunk))[rows[here] - chunk * CHUNK]
    return images


def _chunk_noise(experiment: Experiment, chunk: int) -> np.ndarray:
    count = min(CHUNK, len(experiment) - chunk * CHUNK)
    spectrum = noise_spectrum(experiment.box, experiment.noise_ratio) if experiment.noise_ratio != 1 else None
    return draw_noise(experiment.stream(_NOISE, chunk), count, spectrum, experiment.box)


def iterate_images(moving: MovingMolecule, experiment: Experiment, threads: int, start: int = 0):
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
