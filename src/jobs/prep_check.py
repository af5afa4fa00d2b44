"""Whether particles fit together and fit their consensus: contrast, poses, hand, pixel size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..engine.backproject import BackProjector, fourier_shell_correlation, soft_ball
from ..errors import InputError
from ..mesh.maps import read_map, write_map
from ..mesh.place import read_centre
from ..particles import ImageStack, Particles
from ..particles.frame import Frame
from ..particles.observe import observe
from ..particles.resample import resample_map
from ..particles.shells import spread

_MOST, _BATCH = 5000, 100
_CLEARER = 0.15  # how much better another explanation must be to be named


@dataclass(frozen=True)
class Consensus:
    """A consensus map (N, N, N), its pixel size in Å, where its voxel N//2 lies, (3,) Å xyz, and the same map in
    the prepared frame.
    """

    density: np.ndarray
    pixel_size: float
    centre: np.ndarray
    framed: np.ndarray


@dataclass(frozen=True)
class Check:
    """What the back-projection says.

    count : images used. frequency : (s,) 1/Å of the shells. halves : (s,) FSC of two independent halves of them.
    consensus : (s,) FSC with the consensus map, or None without one. centre : (3,) Å xyz, where voxel N//2 of what the
    particles show lies in the space of the consensus, or None.
    """

    count: int
    frequency: np.ndarray
    halves: np.ndarray
    consensus: np.ndarray | None
    centre: np.ndarray | None

    def record(self) -> dict:
        """For prep.json."""
        curves = {"fsc_halves": self.halves, "fsc_consensus": self.consensus}
        return {
            "count": self.count,
            "frequency": [round(float(value), 6) for value in self.frequency],
            **{k: None if v is None else [round(float(x), 4) for x in v] for k, v in curves.items()},
            "resolution_halves_0.143": resolution(self.frequency, self.halves, 0.143),
            "resolution_consensus_0.5": None
            if self.consensus is None
            else resolution(self.frequency, self.consensus, 0.5),
        }


def resolution(frequency: np.ndarray, curve: np.ndarray, threshold: float) -> float | None:
    """Å of the last shell before the curve first falls below the threshold; None where it never is above it."""
    below = np.flatnonzero(curve[1:] < threshold)
    last = below[0] if len(below) else len(curve) - 1
    return round(float(1 / frequency[last]), 2) if last > 0 else None


def read_consensus(path: Path | None, particles: Particles, frame: Frame) -> Consensus | None:
    """The consensus map; ``InputError`` where its pixel size or extent cannot be that of these particles."""
    if path is None:
        return None
    density, pixel_size = read_map(path)
    boxes, sizes = particles.optics.box, particles.optics.pixel_size
    same_box = boxes == density.shape[0]
    if same_box.any() and np.min(np.abs(sizes[same_box] / pixel_size - 1)) > 0.005:
        raise InputError(f"{path}: has the particles' box ({density.shape[0]}) but pixels of {pixel_size:.4g} Å, and "
                         f"the particles {sizes[same_box][0]:.4g} Å; mend the wrong one.")  # fmt: skip
    extent = density.shape[0] * pixel_size
    if not 0.5 < extent / frame.crop < 3:
        raise InputError(f"{path}: is {extent:.0f} Å wide and the prepared images {frame.crop:.0f} Å; is its "
                         f"pixel size ({pixel_size:.4g} Å) right?")  # fmt: skip
    framed = resample_map(density, pixel_size, frame.box, frame.pixel_size)
    return Consensus(density, pixel_size, read_centre(path), framed)


# ---------------------------------------------------------------------------- back-projection


def check_particles(
    prepared: Particles, shell_filter: np.ndarray, consensus: Consensus | None, radius: float, job, notes: list[str]
) -> Check:
    """Back-project at most 5000 prepared images in two halves; write backprojection.mrc, log and note what is wrong."""
    box, pixel_size = int(prepared.optics.box[0]), float(prepared.optics.pixel_size[0])
    rows = np.sort(np.random.default_rng(job.seed).permutation(len(prepared))[:_MOST])
    first, second = (_backproject(prepared, half, shell_filter, job) for half in (rows[::2], rows[1::2]))
    mask = soft_ball(box, radius / pixel_size)
    halves = fourier_shell_correlation(first.map() * mask, second.map() * mask)
    density = first.merged(second).map() * mask
    curve = None if consensus is None else fourier_shell_correlation(density, consensus.framed * mask)
    centre = None if consensus is None else consensus.centre
    check = Check(len(rows), np.arange(box // 2 + 1) / (box * pixel_size), halves, curve, centre)
    with job.output("backprojection.mrc") as path:
        write_map(path, density, pixel_size, centre)
    job.log(f"back-projection of {len(rows)} images: halves agree to {_angstroms(check.frequency, halves, 0.143)}")
    if curve is None:
        warning = _doubt_halves(halves, len(rows))
    else:
        job.log(f"it agrees with the consensus to {_angstroms(check.frequency, curve, 0.5)} (FSC 0.5; mean of the low "
                f"shells {low_shells(curve):.2f})")  # fmt: skip
        warning = _doubt_consensus(density, consensus, mask) or _doubt_pixel_size(
            density, halves, consensus, mask, pixel_size
        )
    if warning:
        notes.append(warning)
        job.log(f"warning: {warning}")
    return check


def low_shells(curve: np.ndarray) -> float:
    """Mean correlation from shell 2 to a third of the way to Nyquist, where even a few noisy images say something."""
    return float(np.mean(curve[2 : max(4, len(curve) // 3)]))


def _backproject(prepared: Particles, rows: np.ndarray, shell_filter: np.ndarray, job) -> BackProjector:
    box, pixel_size = int(prepared.optics.box[0]), float(prepared.optics.pixel_size[0])
    stack, projector, whitening = ImageStack(prepared), BackProjector(box), spread(shell_filter, box)
    done = 0
    for part in np.array_split(rows, max(1, len(rows) // _BATCH)):
        if len(part) == 0:
            continue
        spectra, transfer = observe(prepared, stack.read(part), pixel_size, part)
        projector.insert(spectra, transfer * whitening, prepared.views(part), prepared.shift[part] / pixel_size)
        done += len(part)
        job.progress(done, len(rows), stage="check")
    return projector


def _angstroms(frequency: np.ndarray, curve: np.ndarray, threshold: float) -> str:
    value = resolution(frequency, curve, threshold)
    return "no resolution at all" if value is None else f"{value:.1f} Å"


def _doubt_halves(halves: np.ndarray, count: int) -> str | None:
    if low_shells(halves) >= 0.2 or count < 200:
        return None
    return (f"two halves of {count} images hardly agree (mean correlation of the low shells "
            f"{low_shells(halves):.2f}): are poses and CTF those of these images?")  # fmt: skip


def _doubt_pixel_size(
    density: np.ndarray, halves: np.ndarray, consensus: Consensus, mask: np.ndarray, pixel_size: float
) -> str | None:
    """A sentence when the consensus fits clearly better with another pixel size, over the shells that carry signal."""
    box, weak = density.shape[0], np.flatnonzero(halves[2:] < 0.3)
    last = max(4, weak[0] + 2 if len(weak) else len(halves))

    def score(scale: float) -> float:
        framed = resample_map(consensus.density, consensus.pixel_size * scale, box, pixel_size)
        return float(np.mean(fourier_shell_correlation(density, framed * mask)[2:last]))

    scores = {scale: score(scale) for scale in (0.9, 0.925, 0.95, 0.975, 1.0, 1.025, 1.05, 1.075, 1.1)}
    scale = max(scores, key=scores.__getitem__)
    if scores[scale] < max(scores[1.0] + 0.02, 0.2):
        return None
    return (f"the pixel size looks wrong: the consensus fits the images better with about "
            f"{consensus.pixel_size * scale:.3g} Å than with its {consensus.pixel_size:.4g} Å (mean correlation "
            f"{scores[scale]:.2f} instead of {scores[1.0]:.2f}).")  # fmt: skip


def _doubt_consensus(density: np.ndarray, consensus: Consensus, mask: np.ndarray) -> str | None:
    """A sentence naming what explains a poor agreement best, or None where the agreement is good."""
    box = density.shape[0]

    def score(candidate: np.ndarray) -> float:
        return low_shells(fourier_shell_correlation(density, candidate * mask))

    found = score(consensus.framed)
    others = {
        "contrast looks inverted: give contrast": -found,
        "the hand looks wrong (the mirrored map fits better): flip the map, or use poses of the same hand": score(
            np.roll(consensus.framed[::-1], 1 - box % 2, 0)
        ),
    }
    reason, best = max(others.items(), key=lambda item: item[1])
    if best > found + _CLEARER and best > 0.2:
        return f"back-projection and consensus agree poorly (mean correlation of the low shells {found:.2f}): {reason}."
    if found < 0.3:
        return (f"back-projection and consensus agree poorly (mean correlation of the low shells {found:.2f}): are the "
                "poses and the map from the same refinement?")  # fmt: skip
    return None
