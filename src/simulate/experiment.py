"""What one simulated data set is: every particle's state, pose, optics and noise, all drawn from one seed.

SNR is the variance of the CTF-modulated, noiseless images over the whole box, averaged over the particles, divided by
the variance of the noise. CryoBench's is the same ratio, but of images before they are downsampled: halving the box
leaves a quarter of the variance of white noise, so its 0.01 at 256 pixels of 1.5 Å is 0.04 at 128 pixels of 3 Å.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ..particles.particles import Optics, Particles
from .dropped_parts import DroppedPart, in_order
from .hinges import Hinge
from .random_views import random_defocus, random_rotations, random_shifts, turn_into_cap
from .simulated_noise import Background

CHUNK = 100  # images computed together; part of the definition of the noise, so that workers cannot change it
_STATES, _POSES, _DEFOCUS, NOISE, _SCALES, _POSE_ERRORS, _KINDS, PHASES, _PARTS, _NEIGHBOURS, _LEVELS = range(11)
_DEFOCUS_ERRORS = 11
PARTICLE, JUNK, STRANGER = range(3)


@dataclass(frozen=True)
class Neighbours:
    """Another particle beside each one, in the same micrograph.

    there : (n,) bool, whether there is one; row : (n,) whose state and view it has; offset : (n, 2) Å, where it is
    """

    there: np.ndarray
    row: np.ndarray
    offset: np.ndarray


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
    defocus_error : standard deviation of the relative error of the defocus that is told
    kind : (n,) int8, `PARTICLE`, `JUNK` (phases at random) or `STRANGER` (another molecule); None: all particles
    absent : (n, p) bool, which of the parts that may be lacking are not there; None: there are no such parts
    neighbour : `Neighbours` of each particle in its micrograph; None: none
    background : what differs by micrograph and image beside the noise's spectrum; None: nothing
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
    defocus_error: float = 0.0
    kind: np.ndarray | None = None
    absent: np.ndarray | None = None
    neighbour: Neighbours | None = None
    background: Background | None = None

    def __len__(self) -> int:
        return len(self.angles)

    def particles(self, stack: Path = Path("particles.mrcs")) -> Particles:
        """All particles, their images in order in ``stack``, the two halves alternating."""
        count = len(self)
        optics = Optics(
            np.array([self.voltage]), np.array([self.spherical_aberration]), np.array([self.amplitude_contrast]),
            np.array([self.pixel_size]), np.array([self.box]), ("opticsGroup1",),
            _one_row(self.odd), _one_row(self.even), _one_row(self.magnification),
        )  # fmt: skip
        return Particles(
            (stack,), np.zeros(count, np.int32), np.arange(count, dtype=np.int64), self.rotation, self.shift,
            self.defocus, np.zeros(count), np.zeros(count, np.int32), (np.arange(count) % 2 + 1).astype(np.int8),
            optics, b_factor=np.full(count, self.b_factor),
            scale=np.ones(count) if self.scale is None else self.scale,
        )  # fmt: skip

    def refined_particles(self, stack: Path) -> Particles:
        """`particles` as a refinement would have placed them: with errors in their poses and defocus."""
        particles, (turn, shift) = self.particles(stack), self.pose_error
        if self.defocus_error:
            factor = 1 + random_stream(self.seed, _DEFOCUS_ERRORS).normal(0, self.defocus_error, (len(self), 1))
            particles = replace(particles, defocus=self.defocus * np.hstack([factor, factor, np.ones_like(factor)]))
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


def _one_row(values: np.ndarray | None) -> np.ndarray:
    """What one optics group has; empty where it is as in a perfect microscope."""
    return np.empty(0) if values is None else values[None]


def random_stream(seed: int, stage: int, chunk: int = 0) -> np.random.Generator:
    """The generator of one stage and chunk of a seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stage, chunk)))


def draw_states(hinges: Sequence[Hinge], count: int, states: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
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


def draw_views(
    count: int, shift_spread: float, seed: int, cap: tuple[float, float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations ``(count, 3, 3)`` and shifts ``(count, 2)`` in Å.

    Rotations are uniform on SO(3); with ``cap``, a share of the views is within some degrees of the molecule's z axis.
    """
    rng = random_stream(seed, _POSES)
    rotations, shifts = random_rotations(rng, count), random_shifts(rng, count, shift_spread)
    return rotations if cap is None else turn_into_cap(rotations, rng, *cap), shifts


def draw_defocus(count: int, span: tuple[float, float], astigmatism: float, seed: int) -> np.ndarray:
    """Defocus ``(count, 3)``: U, V in Å and the angle in degrees."""
    return random_defocus(random_stream(seed, _DEFOCUS), count, span, astigmatism)


def draw_scales(count: int, spread: float, seed: int) -> np.ndarray | None:
    """The scale ``(count,)`` of each image's signal, log-normal about 1; None without ``spread``."""
    return np.exp(random_stream(seed, _SCALES).normal(0, spread, count)) if spread else None


def draw_kinds(count: int, junk: float, strangers: float, seed: int) -> np.ndarray | None:
    """What each image shows ``(count,)``, with these fractions of junk and of another molecule; None without either."""
    if not junk and not strangers:
        return None
    share = random_stream(seed, _KINDS).permutation((np.arange(count) + 0.5) / count)
    return np.where(share < junk, JUNK, np.where(share < junk + strangers, STRANGER, PARTICLE)).astype(np.int8)


def gain(variance: float, snr: float) -> float:
    """Factor of the density that makes the SNR with noise of variance 1 (without noise: signal of variance 1)."""
    return float(np.sqrt((snr or 1.0) / variance))


def draw_absent(count: int, parts: Sequence[DroppedPart], seed: int) -> np.ndarray | None:
    """Which parts each particle ``(count, p)`` bool lacks, each drawn by itself; None without any.

    A part that comes after another is lacking wherever that is, and by its share among the other particles.
    """
    if not parts:
        return None
    absent = np.ones((count, len(parts)), bool)
    for number in in_order(parts):
        share, after = parts[number].share, parts[number].after
        able = np.arange(count) if after is None else np.flatnonzero(~absent[:, after])
        place = (np.arange(len(able)) + 0.5) / max(len(able), 1)
        absent[able, number] = random_stream(seed, _PARTS, number).permutation(place) < share
    return absent


def draw_neighbours(count: int, share: float, near: tuple[float, float], seed: int) -> Neighbours | None:
    """Neighbours of a ``share`` of the particles, ``near`` (least, greatest) Å away; None without any."""
    if not share:
        return None
    rng = random_stream(seed, _NEIGHBOURS)
    there = rng.permutation((np.arange(count) + 0.5) / count) < share
    angle, distance = rng.uniform(0, 2 * np.pi, count), rng.uniform(*near, count)
    offset = distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Neighbours(there, rng.permutation(count), offset)


def draw_background(count: int, spread: float, gradient: float, seed: int) -> Background | None:
    """Noise levels that differ by micrograph, of `CHUNK` images each, and a gradient in each image; None without."""
    if not spread and not gradient:
        return None
    rng = random_stream(seed, _LEVELS)
    level = np.exp(rng.normal(0, spread, -(-count // CHUNK)))[np.arange(count) // CHUNK]
    return Background(level, rng.normal(0, gradient, (count, 2)))
