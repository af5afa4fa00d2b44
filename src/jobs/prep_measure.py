"""What a ``prep`` job measures before it writes images: the noise around the particles, and their contrast."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..engine.backproject import BackProjector, fourier_shell_correlation
from ..errors import InputError
from ..particles.convert import Converter
from ..particles.noise import NoiseSpectrum, whitening_filter
from ..particles.observe import observe
from ..particles.prepared import NOISE
from .prep_check import Consensus, low_shells

_SAMPLE, _CONTRAST_SAMPLE, _BATCH = 2000, 1000, 50


@dataclass(frozen=True)
class Noise:
    """What a sample of the images tells.

    power, filter : (D//2+1,) by shell, before whitening and what whitens. contrast : what the file's images are
    multiplied by, beyond what the file says, so that protein is white. notes : what the user should know.
    """

    power: np.ndarray
    filter: np.ndarray
    contrast: float
    notes: tuple[str, ...] = ()


def measure_noise(converter: Converter, consensus: Consensus | None, parameters, job) -> Noise:
    """Noise power, whitening filter and contrast of at most 2000 images chosen at random; kept in noise.npz."""
    path = job.folder / NOISE
    digest = images_digest(converter, parameters.whiten, parameters.contrast)
    saved = _saved_noise(path, digest)
    if saved is not None:
        return saved
    sample = np.random.default_rng(job.seed).permutation(len(converter.particles))[:_SAMPLE]
    power, noisy = _noise_power(converter, np.sort(sample), job)
    shell_filter = whitening_filter(power) if parameters.whiten else np.ones(len(power), np.float32)
    contrast, note = _contrast(converter, np.sort(sample[:_CONTRAST_SAMPLE]), consensus, parameters, job)
    notes = [note] if note else []
    if parameters.whiten and not noisy:
        notes.append(
            "the images have hardly any noise around the particle, so whitening distorts them: turn whiten off."
        )
        job.log(f"warning: {notes[-1]}")
    noise = Noise(power, shell_filter, contrast, tuple(notes))
    with job.output(NOISE) as temporary:
        np.savez(temporary, radius=np.arange(len(power)), power=power, filter=shell_filter, contrast=contrast,
                 notes=np.array(noise.notes, np.str_), digest=digest)  # fmt: skip
    return noise


def images_digest(converter: Converter, *others) -> str:
    """Of everything that the prepared images depend on, so that none are continued with others."""
    particles, frame = converter.particles, converter.frame
    digest = hashlib.sha256(repr((frame, converter.radius, particles.contrast, particles.stacks)).encode())
    optics = particles.optics
    for values in (particles.stack, particles.index, particles.group, optics.pixel_size, optics.box):
        digest.update(np.ascontiguousarray(values).tobytes())
    for other in others:
        digest.update(other.tobytes() if isinstance(other, np.ndarray) else repr(other).encode())
    return digest.hexdigest()


def _noise_power(converter: Converter, rows: np.ndarray, job) -> tuple[np.ndarray, bool]:
    """(power by shell, whether it is a noticeable part of the images)."""
    spectrum, done, squares = NoiseSpectrum(converter.background), 0, 0.0
    for part in _parts(rows):
        images = converter.images(part)
        spectrum.add(images)
        done, squares = done + len(part), squares + float(np.mean(np.square(images))) * len(part)
        job.progress(done, len(rows), stage="noise")
    power = spectrum.power()
    if not power.max() > 1e-10 * np.mean(np.square(converter.raw(rows[:1]), dtype=np.float64)):
        raise InputError(f"{converter.particles.source}: its images are empty (the same value everywhere); are the "
                         "stacks whole?")  # fmt: skip
    return power, bool(power.mean() > 0.01 * squares / done)


def _parts(rows: np.ndarray) -> list[np.ndarray]:
    return np.array_split(rows, max(1, len(rows) // _BATCH))


def _saved_noise(path: Path, digest: str) -> Noise | None:
    """What an earlier, interrupted run of this job measured."""
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as saved:
        if str(saved["digest"]) != digest:
            return None
        return Noise(saved["power"], saved["filter"], float(saved["contrast"]), tuple(map(str, saved["notes"])))


# ---------------------------------------------------------------------------- contrast


def _contrast(converter: Converter, rows: np.ndarray, consensus, parameters, job) -> tuple[float, str]:
    """(+1 or −1 to multiply images by that already carry the file's sign, a warning or nothing)."""
    claimed = converter.particles.contrast
    if parameters.contrast != "auto":
        return claimed if parameters.contrast == "white" else -claimed, ""
    sign, evidence = measure_contrast(converter, rows, consensus)
    name = "white" if claimed * (sign or 1) > 0 else "dark"
    said = "cryoSPARC's blob/sign" if converter.particles.source.suffix == ".cs" else "RELION's convention"
    note = ""
    if sign == 0:
        note = (f"the images do not tell whether protein is white or dark ({evidence}); taken as {name} by {said}. "
                "Give contrast if that is wrong.")  # fmt: skip
    elif sign < 0:
        note = (f"protein should be {'white' if claimed > 0 else 'dark'} in the images by {said}, but it is {name} "
                f"({evidence}); images are inverted accordingly.")  # fmt: skip
    job.log(f"warning: {note}" if note else f"protein is {name} in the images ({evidence})")
    return float(sign or 1), note


def measure_contrast(converter: Converter, rows: np.ndarray, consensus: Consensus | None) -> tuple[int, str]:
    """(+1: white as read, −1: dark, 0: cannot tell; the evidence in words) from the images of these rows.

    With a consensus, by the sign of its correlation with the images' back-projection; without, by whether images
    multiplied by their CTF are on average brighter in the centre than at the rim.
    """
    if consensus is None:
        score = _brightness(converter, rows)
        return int(np.sign(score)) * (abs(score) > 4), f"centre against rim {score:+.1f} standard errors"
    particles, frame = converter.particles, converter.frame
    projector = BackProjector(frame.box)
    for part in _parts(rows):
        shift = particles.shift[part] / frame.pixel_size
        projector.insert(*_spectra(converter, part), particles.views(part), shift)
    score = low_shells(fourier_shell_correlation(projector.map(), consensus.framed))
    return int(np.sign(score)) * (abs(score) > 0.1), f"correlation with the consensus {score:+.2f}"


def _spectra(converter: Converter, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Fourier transforms of images and their CTFs, (m, D, D//2+1) each."""
    return observe(converter.particles, converter.images(rows), converter.frame.pixel_size, rows)


def _brightness(converter: Converter, rows: np.ndarray) -> float:
    """Mean over images of centre − rim after multiplication by the CTF, in standard errors."""
    box, background = converter.frame.box, converter.background
    along = np.arange(box) - box // 2
    centre = np.hypot(along[:, None], along) < 0.5 * converter.radius / converter.frame.pixel_size
    differences = []
    for part in _parts(rows):
        spectra, ctf = _spectra(converter, part)
        corrected = np.fft.irfft2(spectra * ctf, (box, box))
        rim = np.einsum("myx,yx->m", corrected, background) / background.sum()
        differences.append(corrected[:, centre].mean(1) - rim)
    difference = np.concatenate(differences)
    if len(difference) < 3:
        return 0.0
    return float(difference.mean() / max(difference.std(ddof=1) / np.sqrt(len(difference)), 1e-30))
