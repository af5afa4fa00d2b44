"""Values of a particle file that cannot be, refused once, whichever program wrote it."""

from __future__ import annotations

import warnings

import numpy as np

from ..errors import InputError
from .particles import InputWarning, Particles

# least and greatest of an optics group: name in `Optics`, columns in .star and .cs, unit, bounds, what a mistake may be
_OPTICS: tuple[tuple[str, str, str, float, float, str], ...] = (
    ("voltage", "_rlnVoltage or ctf/accel_kv", " kV", 10, 2000, "it may be in volts; "),
    ("spherical_aberration", "_rlnSphericalAberration or ctf/cs_mm", " mm", -200, 200, ""),
    ("amplitude_contrast", "_rlnAmplitudeContrast or ctf/amp_contrast", "", 0, 1, "it may be in per cent; "),
    ("pixel_size", "_rlnImagePixelSize or blob/psize_A", " Å", 0.01, 1000, ""),
)
_PARTICLE: tuple[tuple[str, str, float, float], ...] = (
    ("rotation", "pose", -2, 2),
    ("shift", "shift", -1e5, 1e5),
    ("defocus", "defocus", -1e7, 1e7),
    ("phase_shift", "phase shift", -1e4, 1e4),
    ("b_factor", "B-factor", -1e5, 1e5),
    ("scale", "scale", -1e5, 1e5),
)
_OF_CTF = {"voltage", "spherical_aberration", "amplitude_contrast", "defocus", "phase_shift", "b_factor", "scale"}
_LEAST_DEFOCUS = 100.0  # Å; what all particles of a set are never below
_CLASS = ("rlnClassNumber", "alignments3D/class")
_MOST_CLASSES = 20  # of a 3D classification; more are what is left of one in 2D
_FEWEST_VIEWS = 10  # particles of which it is no chance that they are seen along one direction
_MOST_ANISOTROPY = 0.3  # of an element of the magnification matrix


def check_values(particles: Particles, require: tuple[str, ...]) -> None:
    """``InputError`` for a value that no microscope has, naming file, column, group and value.

    Only groups that particles are of are looked at. What is not required and absent, as a whole or a column of
    it, is NaN, and passes.
    """
    used = np.unique(particles.group)
    for name, column, unit, low, high, hint in _OPTICS:
        values = getattr(particles.optics, name)[used]
        if _may_lack(name, require) and np.isnan(values).all():
            continue
        wrong = np.flatnonzero(~((values >= low) & (values <= high)))
        if len(wrong):
            group = particles.optics.name[used[wrong[0]]]
            raise InputError(f"{particles.source}: optics group {group} has a {column} of {values[wrong[0]]:g}{unit}, "
                             f"which must be between {low:g} and {high:g}; {hint}mend the file.")  # fmt: skip
    _check_aberrations(particles, used)
    for name, noun, low, high in _PARTICLE:
        values = getattr(particles, name).reshape(len(particles), -1)
        if _may_lack(name, require) and np.isnan(values).all(axis=0).any():
            continue
        with np.errstate(invalid="ignore"):
            wrong = np.flatnonzero(~((values >= low) & (values <= high)).all(axis=1))
        if len(wrong):
            value = next(v for v in values[wrong[0]] if not low <= v <= high)
            raise InputError(f"{particles.source}: {len(wrong)} particles have a {noun} that is no number or cannot be "
                             f"(the first is particle {wrong[0] + 1}: {value:g}); remove them, or mend the file."
                             )  # fmt: skip
    if "pose" in require:
        _check_views(particles)
        _warn_classes(particles)
    if "ctf" not in require:
        return
    _warn_defocus(particles)
    if not particles.scale.any():
        raise InputError(f"{particles.source}: the scale of every image is 0 (_rlnCtfScalefactor), which leaves "
                         "nothing of them; leave the column out.")  # fmt: skip


def _check_views(particles: Particles) -> None:
    """``InputError`` where all particles are seen from one side; a warning where some have angles of 0."""
    rotation, count = particles.rotation, len(particles)
    if count >= _FEWEST_VIEWS and np.abs(rotation[:, 2] - rotation[0, 2]).max() < 1e-9:
        raise InputError(f"{particles.source}: all {count} particles are seen along one direction, as before a 3D "
                         "refinement and after 2D classification; give the particles of a 3D refinement.")  # fmt: skip
    still = np.flatnonzero(np.abs(rotation[:, 2] - (0, 0, 1)).max(axis=1) < 1e-9)
    if len(still) > 1:
        warnings.warn(f"{particles.source}: {len(still)} of {count} particles are seen along z exactly, rot and tilt "
                      f"being 0 (the first is particle {still[0] + 1}), as those that were never aligned in 3D; if so, "
                      "leave them out.", InputWarning, stacklevel=2)  # fmt: skip


def _warn_classes(particles: Particles) -> None:
    """Each class of a 3D classification has a map, and its particles' poses are those relative to it."""
    for name in _CLASS:
        count = len(np.unique(particles.columns[name])) if name in particles.columns else 1
        if 1 < count <= _MOST_CLASSES:
            label = name if "/" in name else f"_{name}"
            warnings.warn(f"{particles.source}: its particles are of {count} classes ({label}); if each class was "
                          "aligned to a map of its own, refine all together first, or give one class.",
                          InputWarning, stacklevel=2)  # fmt: skip


def _warn_defocus(particles: Particles) -> None:
    """Name defoci that nobody has set at a microscope: none, in µm, or all of overfocus."""
    defocus = particles.defocus[:, :2]
    none, most = np.flatnonzero((defocus == 0).all(axis=1)), np.abs(defocus).max()
    text = ""
    if len(none):
        text = (f"{len(none)} of {len(particles)} particles have a defocus of 0 (the first is particle {none[0] + 1}), "
                "as those whose CTF was never estimated; leave them out")  # fmt: skip
    elif most < _LEAST_DEFOCUS:
        text = f"no defocus is beyond {most:.4g} Å: it may be in µm, and is to be in Å (multiply it by 10,000)"
    elif (defocus < 0).mean() > 0.5:
        text = "most defoci are negative, which is overfocus: change their sign if the images were taken underfocused"
    if text:
        warnings.warn(f"{particles.source}: {text}.", InputWarning, stacklevel=2)


def _may_lack(name: str, require: tuple[str, ...]) -> bool:
    if name == "rotation":
        return "pose" not in require
    return name in _OF_CTF and "ctf" not in require


def _check_aberrations(particles: Particles, used: np.ndarray) -> None:
    optics = particles.optics
    apart = np.abs(optics.magnification[used] - np.eye(2)).max(axis=(1, 2), initial=0)
    wrong = np.flatnonzero(~(apart <= _MOST_ANISOTROPY))
    if len(wrong):
        raise InputError(f"{particles.source}: optics group {optics.name[used[wrong[0]]]} has a magnification matrix "
                         f"(_rlnMagMat, or ctf/anisomag) that is {apart[wrong[0]]:g} from the identity; mend the file."
                         )  # fmt: skip
    for values, noun in ((optics.odd, "antisymmetric"), (optics.even, "symmetric")):
        wrong = np.flatnonzero(~np.isfinite(values[used]).all(axis=1))
        if len(wrong):
            raise InputError(f"{particles.source}: optics group {optics.name[used[wrong[0]]]} has {noun} aberrations "
                             "(beam tilt among them) that are no numbers; mend the file.")  # fmt: skip
    wrong = np.flatnonzero(optics.box[used] < 0)
    if len(wrong):
        raise InputError(f"{particles.source}: optics group {optics.name[used[wrong[0]]]} has an image size "
                         "(_rlnImageSize or blob/shape) that is no number of pixels; mend the file.")  # fmt: skip
