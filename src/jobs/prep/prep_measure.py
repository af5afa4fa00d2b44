"""What a ``prep`` job measures before it writes images: the noise around the particles, and their contrast."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...engine.maps.backproject import BackProjector
from ...engine.maps.fsc import fourier_shell_correlation, low_shells
from ...errors import InputError
from ...particles.convert import Converter, Whitening
from ...particles.copies import copies
from ...particles.noise import NoiseSpectrum, background_deviation, whitening_filter
from ...particles.observe import observe
from ...particles.prepared import NOISE
from ..job_folder import JobRun
from .prep_notes import Notes
from .prep_parameters import PrepParameters
from .prep_read import Consensus

_SAMPLE, _CONTRAST_SAMPLE, _LEVEL_SAMPLE, _BATCH = 2000, 1000, 400, 50
_OF_A_GROUP, _OF_ALL_GROUPS = 100, 6000  # images that an optics group's noise is measured on, where there are many
_TRUST = 25  # images of an optics group that count for its noise as much as all other groups


@dataclass(frozen=True)
class Noise:
    """What a sample of the images tells, for g optics groups.

    power : (g, D//2+1) by shell, before whitening. whitening : what the images are multiplied by. level : what they are
    then divided by, as a rule, where each is by its own noise. contrast : what the file's images are multiplied by,
    beyond what the file says, so that protein is white. texts : what the user should know.
    """

    power: np.ndarray
    whitening: Whitening
    level: float
    contrast: float
    texts: tuple[str, ...] = ()

    @property
    def filter(self) -> np.ndarray:
        """(g, D//2+1) float32: what the signal's amplitudes have been multiplied by."""
        return self.whitening.filter / np.float32(self.level)


def measure_noise(
    converter: Converter, image: np.ndarray, consensus: Consensus | None, parameters: PrepParameters, notes: Notes
) -> Noise:
    """Noise power, whitening filters and contrast of a few thousand images chosen at random; kept in noise.npz.

    ``image`` (n,) tells copies of one image, of which one is looked at.
    """
    job = notes.job
    path = job.folder / NOISE
    digest = images_digest(converter, parameters.whiten, parameters.normalize, parameters.contrast)
    noise = _saved_noise(path, digest)
    if noise is None:
        note_count = len(notes.texts)
        distinct = np.flatnonzero(~copies(image))
        sample = np.random.default_rng(job.seed).permutation(distinct)
        even = parameters.whiten and parameters.normalize
        power, noisy, whitening, level = measure_whitening(converter, sample, parameters.whiten, even, job)
        contrast = _contrast(converter, np.sort(sample[:_CONTRAST_SAMPLE]), consensus, parameters, notes)
        if parameters.whiten and not noisy:
            notes.warn(
                "the images have hardly any noise around the particle, so whitening distorts them: turn whiten off."
            )
        noise = Noise(power, whitening, level, contrast, tuple(notes.texts[note_count:]))
        _save_noise(noise, digest, job)
    else:
        notes.texts.extend(noise.texts)
    return noise


def measure_whitening(
    converter: Converter, sample: np.ndarray, whiten: bool, even: bool, job: JobRun
) -> tuple[np.ndarray, bool, Whitening, float]:
    """`Noise`'s power, whether it is a noticeable part of the images, `Noise`'s whitening and level.

    ``sample`` are rows in random order, one for each image; the first few thousand are looked at. ``even`` as in
    `Whitening`, where they are to ``whiten`` at all.
    """
    power, noisy = _noise_power(converter, _of_all_groups(sample, converter.particles.group), even, job)
    whitening, level = _whitening(converter, power, sample, even) if whiten else _no_whitening(power)
    return power, noisy, whitening, level


def _save_noise(noise: Noise, digest: str, job: JobRun) -> None:
    """noise.npz."""
    with job.output(NOISE) as temporary:
        np.savez(temporary, radius=np.arange(noise.power.shape[1]), power=noise.power, filter=noise.filter,
                 whitening=noise.whitening.filter, even=noise.whitening.even, level=noise.level,
                 contrast=noise.contrast, notes=np.array(noise.texts, np.str_), digest=digest)  # fmt: skip


def save_filter(noise: Noise, gain: np.ndarray, job: JobRun) -> None:
    """noise.npz, its filter multiplied by the ``gain`` (g,) of the optics groups' signal."""
    with np.load(job.folder / NOISE, allow_pickle=False) as saved:
        arrays = {name: saved[name] for name in saved.files}
    arrays["filter"] = (noise.filter * gain[:, None]).astype(np.float32)
    with job.output(NOISE) as temporary:
        np.savez(temporary, **arrays)


def images_digest(converter: Converter, *others) -> str:
    """Of everything that the prepared images depend on, so that none are continued with others."""
    particles, frame = converter.particles, converter.frame
    digest = hashlib.sha256(repr((frame, converter.radius, particles.contrast, particles.stacks)).encode())
    optics = particles.optics
    hot = () if converter.hot is None else (converter.hot.limit,)
    ctf = (particles.defocus, particles.phase_shift, optics.ctf_state)
    for values in (particles.stack, particles.index, particles.group, optics.pixel_size, optics.box, *ctf, *hot):
        digest.update(np.ascontiguousarray(values).tobytes())
    for other in others:
        digest.update(other.tobytes() if isinstance(other, np.ndarray) else repr(other).encode())
    return digest.hexdigest()


def _of_all_groups(sample: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The first rows of a random ``sample``, and some more of the optics groups that have few among these; sorted."""
    used = np.unique(group)
    least = int(np.clip(_OF_ALL_GROUPS // len(used), 4, _OF_A_GROUP))
    of_groups = [sample[group[sample] == number][:least] for number in used] if len(used) > 1 else []
    return np.unique(np.concatenate([sample[:_SAMPLE], *of_groups]))


def _noise_power(converter: Converter, rows: np.ndarray, even: bool, job: JobRun) -> tuple[np.ndarray, bool]:
    """(power (g, D//2+1) by shell, whether it is a noticeable part of the images).

    Where images are made ``even``, each counts with its own noise as the unit. A group of few images has the spectrum
    of all of them for the most part, at its own level.
    """
    group, background = converter.particles.group, converter.background
    count, shells = len(converter.particles.optics), converter.frame.box // 2 + 1
    spectra = [NoiseSpectrum(background) for _ in range(count)]
    level, squares, noise, done = np.zeros(count), 0.0, 0.0, 0
    for part in _parts(rows):
        images = converter.images(part)
        deviation = background_deviation(images, background)
        squares += float(np.sum(np.mean(np.square(images), (1, 2))))
        noise += float(np.sum(deviation**2))
        if even:
            images /= np.where(deviation > 0, deviation, 1).astype(np.float32)[:, None, None]
        for number in np.unique(group[part]):
            spectra[number].add(images[group[part] == number])
            level[number] += float(np.sum(deviation[group[part] == number] ** 2))
        done += len(part)
        job.progress(done, len(rows), stage="noise")
    if not noise / done > 1e-10 * np.mean(np.square(converter.raw(rows[:1]), dtype=np.float64)):
        raise InputError(f"{converter.particles.source}: its images are the same everywhere outside the disc of "
                         f"{converter.radius:.0f} Å, so their noise cannot be measured; if they were masked, extract "
                         "them again without a mask, or give a smaller radius.")  # fmt: skip
    members = np.array([spectrum.count for spectrum in spectra])
    levels = np.divide(level, members, out=np.full(count, level.sum() / done), where=members > 0)
    units = np.ones(count) if even else levels
    own = [spectrum.power() / units[g] if members[g] else np.zeros(shells) for g, spectrum in enumerate(spectra)]
    pooled = np.average(own, axis=0, weights=members)
    few = np.where(np.count_nonzero(members) > 1, _TRUST, 0)
    weight = np.divide(members, members + few, out=np.zeros(count), where=members > 0)[:, None]
    power = (weight * own + (1 - weight) * pooled) * levels[:, None]
    return power, bool(noise > 0.01 * squares)


def _whitening(
    converter: Converter, power: np.ndarray, sample: np.ndarray, even: bool
) -> tuple[Whitening, float]:
    """(what the images are multiplied by, what they are divided by on average where each is by its own noise)."""
    if not even:
        return Whitening(np.stack([whitening_filter(curve) for curve in power]), False), 1.0
    shape = power / power.mean(axis=1, keepdims=True)  # an image's own level is divided out of it in any case
    filters = np.stack([whitening_filter(curve) for curve in shape])
    levels = [
        background_deviation(converter.images(part, Whitening(filters, False)), converter.background)
        for part in _parts(np.sort(sample[:_LEVEL_SAMPLE]))
    ]
    return Whitening(filters, True), float(np.median(np.concatenate(levels)))


def _no_whitening(power: np.ndarray) -> tuple[Whitening, float]:
    return Whitening(np.ones(power.shape, np.float32), False), 1.0


def _parts(rows: np.ndarray) -> list[np.ndarray]:
    return np.array_split(rows, max(1, len(rows) // _BATCH))


def _saved_noise(path: Path, digest: str) -> Noise | None:
    """What an earlier, interrupted run of this job measured."""
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as saved:
        if str(saved["digest"]) != digest:
            return None
        whitening = Whitening(saved["whitening"], bool(saved["even"]))
        texts = tuple(map(str, saved["notes"]))
        return Noise(saved["power"], whitening, float(saved["level"]), float(saved["contrast"]), texts)


# ---------------------------------------------------------------------------- contrast


def _contrast(
    converter: Converter, rows: np.ndarray, consensus: Consensus | None, parameters: PrepParameters, notes: Notes
) -> float:
    """+1 or −1 to multiply images by that already carry the file's sign."""
    claimed = converter.particles.contrast
    if parameters.contrast != "auto":
        return claimed if parameters.contrast == "white" else -claimed
    sign, evidence = measure_contrast(converter, rows, consensus)
    name = "white" if claimed * (sign or 1) > 0 else "dark"
    source = "cryoSPARC's blob/sign" if converter.particles.source.suffix == ".cs" else "RELION's convention"
    note = ""
    if sign == 0:
        note = (f"the images do not tell whether protein is white or dark ({evidence}); taken as {name} by {source}. "
                "Give contrast if that is wrong.")  # fmt: skip
    elif sign < 0:
        note = (f"protein should be {'white' if claimed > 0 else 'dark'} in the images by {source}, but it is {name} "
                f"({evidence}); images are inverted accordingly.")  # fmt: skip
    if note:
        notes.warn(note)
    else:
        notes.job.log(f"protein is {name} in the images ({evidence})")
    return float(sign or 1)


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
    images = converter.images(rows)
    deviation = images.std((1, 2), keepdims=True)  # one grey scale: none speaks louder than others
    images /= np.where(deviation > 0, deviation, 1)
    return observe(converter.particles, np.fft.rfft2(images), converter.frame.pixel_size, rows)


def _brightness(converter: Converter, rows: np.ndarray) -> float:
    """Mean over images of centre − rim after multiplication by the CTF, in standard errors."""
    box, background = converter.frame.box, converter.background
    along = np.arange(box) - box // 2
    centre = np.hypot(along[:, None], along) < 0.5 * converter.radius / converter.frame.pixel_size
    differences = []
    for part in _parts(rows):
        spectra, ctf = _spectra(converter, part)
        corrected = np.fft.irfft2(spectra * ctf, (box, box))
        border = np.einsum("myx,yx->m", corrected, background) / background.sum()
        differences.append(corrected[:, centre].mean(1) - border)
    difference = np.concatenate(differences)
    if len(difference) < 3:
        return 0.0
    return float(difference.mean() / max(difference.std(ddof=1) / np.sqrt(len(difference)), 1e-30))
