"""What two independent half models say of a training: halves.json in its folder, written by ``train --halves``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from .model_files import present, read_arrays, unfit

RECORD, ARRAYS = "halves.json", "agreement.npz"
VERSION = 1
_ARRAYS = ("motion", "difference")


@dataclass(frozen=True)
class PartAgreement:
    """A part of the mesh.

    Attributes
    ----------
    part : its number. mass : share of the molecule's density. motion, difference : as of `HalvesRecord`, Å.
    """

    part: int
    mass: float
    motion: float
    difference: float


@dataclass(frozen=True)
class ShellGain:
    """A shell of the images' Fourier components.

    Attributes
    ----------
    resolution : Å, of its middle. gain, error : nats per image.
    """

    resolution: float
    gain: float
    error: float


@dataclass(frozen=True)
class HalvesRecord:
    """Numbers without a verdict.

    Attributes
    ----------
    images : that each of the two models was trained on.
    held_out : images that neither was trained on and that all that follows is measured on.
    held_out_particles : of these, how many are particles of the molecule, the sum of their probabilities.
    held_out_gain, held_out_gain_error : nats per image by which the moving molecule explains them better than the rigid
        one, each placed by one half of an image's Fourier components and judged by the other; the mean over images and
        both models, and its standard error over images.
    half_gains, half_gain_errors : the same of each model by itself.
    gain_resolution : Å, up to which there is a gain beyond three standard errors; None where there is none at all.
    shells : the gain by shell, from coarse to fine; their sum is ``held_out_gain``.
    motion : Å r.m.s. over images and the molecule's mass, of the displacements about their mean, each state placed on
        the mean as well as a rigid body can be; the mean square of both models.
    difference : Å r.m.s. likewise, of the two models' displacements of the same images.
    parts : the same in each part of the mesh.
    latent_correlations : canonical correlations of the two models' latents of the same images, the largest first.
    """

    images: tuple[int, int]
    held_out: int
    held_out_particles: float
    held_out_gain: float
    held_out_gain_error: float
    half_gains: tuple[float, float]
    half_gain_errors: tuple[float, float]
    gain_resolution: float | None
    shells: tuple[ShellGain, ...]
    motion: float
    difference: float
    parts: tuple[PartAgreement, ...]
    latent_correlations: tuple[float, ...]

    def text(self) -> str:
        """As halves.json holds it."""
        return json.dumps({"version": VERSION, **asdict(self)}, indent=1, allow_nan=False) + "\n"


def read_halves(folder: Path) -> HalvesRecord | None:
    """The record in a train job's folder; None where it has none. ``InputError`` where it is damaged."""
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.pop("version") != VERSION:
            raise ValueError("it is of another version of FlexRec")
        return _record(record)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); train again, or copy the folder again.") from None


def _record(fields: dict[str, Any]) -> HalvesRecord:
    """``TypeError``, ``KeyError`` or ``ValueError`` where something is missing or of another kind."""
    several = {
        "shells": tuple(ShellGain(**each) for each in fields["shells"]),
        "parts": tuple(PartAgreement(**each) for each in fields["parts"]),
        "latent_correlations": tuple(map(float, fields["latent_correlations"])),
    }
    pairs = {name: _pair(fields[name]) for name in ("images", "half_gains", "half_gain_errors")}
    record = HalvesRecord(**{**fields, **several, **pairs})
    numbers = [record.held_out, record.held_out_gain, record.held_out_gain_error, record.motion, record.difference]
    if not np.isfinite(np.array(numbers, float)).all():
        raise ValueError("it holds values that are no numbers")
    return record


def _pair(values: Any) -> Any:
    first, second = values
    return first, second


def has_agreement(folder: Path) -> bool:
    """Whether `read_agreement` has something to read."""
    return (folder / ARRAYS).is_file()


def read_agreement(folder: Path, vertices: int) -> dict[str, np.ndarray] | None:
    """``motion`` and ``difference`` ``(v,)`` of each vertex of the mesh, Å r.m.s. over held-out images; None without.

    ``InputError`` where they are damaged, or of another mesh than one of so many ``vertices``.
    """
    if not has_agreement(folder):
        return None
    path = folder / ARRAYS
    arrays = read_arrays(present(path))
    if not all(name in arrays and arrays[name].shape == (vertices,) for name in _ARRAYS):
        raise unfit(path, f"has not a motion and a difference of each of {vertices} vertices")
    return {name: arrays[name] for name in _ARRAYS}
