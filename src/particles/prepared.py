"""The folder that prep writes: particles ready for training."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from .particles import Particles
from .star import read_star

STAR, STACK, NOISE, RECORD = "particles.star", "particles.mrcs", "noise.npz", "prep.json"
UNIT = "asymmetric_unit.mrc"  # of a symmetric molecule: what may move


@dataclass(frozen=True)
class Prepared:
    """Prepared particles: one box, one pixel size, white protein, noise of unit variance where whitened.

    Parameters
    ----------
    particles : their poses, CTF and where the images are.
    box : D, pixels. pixel_size : Å.
    filter : (g, D//2+1) float32, by optics group and shell of the image's Fourier transform: what whitening the noise
        has multiplied the signal by, so what a model's projected, CTF-modulated images must be multiplied by too.
    folder : where they are.
    centre : (3,) float64 Å xyz, where voxel D//2 of what they show lies in the space of the consensus that prep was
        given; None without one.
    """

    particles: Particles
    box: int
    pixel_size: float
    filter: np.ndarray
    folder: Path
    centre: np.ndarray | None = None


def particles_identity(folder: Path) -> str:
    """What tells one set of prepared particles from another: a digest of prep's record, which must be there."""
    return hashlib.sha256((folder / RECORD).read_bytes()).hexdigest()


def check_prepared(folder: Path) -> None:
    """``InputError`` where a folder is none of prepared particles, is not finished, or has lost its images."""
    missing = [name for name in (RECORD, STAR, STACK, NOISE) if not (folder / name).is_file()]
    if STACK in missing and not {RECORD, STAR} & set(missing):  # prep has finished; the shipped example is so
        gone = f"{STACK} is missing" if missing == [STACK] else f"{' and '.join(missing)} are missing"
        raise InputError(f"{folder}: its images are not there ({gone}), as in the shipped example; {_remedy(folder)}")
    if missing:
        raise InputError(f"{folder}: not a folder of prepared particles ({missing[0]} is missing); give the folder of "
                         "a prep job that has finished.")  # fmt: skip


def _remedy(folder: Path) -> str:
    """What can be done about prepared images that are gone."""
    try:
        source = json.loads((folder / RECORD).read_text(encoding="utf-8"))["source"]
        path = Path(os.path.normpath(folder / source))
    except (ValueError, KeyError, TypeError, OSError):
        return "put them there again, or run prep again."
    if path.exists():
        return f"put them there again, or run prep again (on {path})."
    return (f"what prep made them from is not there either ({path}). Put either there again; simulated particles are "
            "made anew by simulate, then prep, then train.")  # fmt: skip


def load_prepared(folder: str | os.PathLike[str]) -> Prepared:
    """Open a prep job's folder, or a file in it; ``InputError`` as `check_prepared`, or where it is damaged."""
    folder = Path(folder)
    folder = folder.parent if folder.is_file() else folder
    check_prepared(folder)
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        box, pixel_size = int(record["box"]), float(record["pixel_size"])
        centre = _centre(record)
        with np.load(folder / NOISE, allow_pickle=False) as noise:
            shell_filter = noise["filter"].astype(np.float32)
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(f"{folder}: {RECORD} or {NOISE} is damaged ({error}); run prep again.") from None
    particles = read_star(folder / STAR, None, ("pose", "ctf"))
    if shell_filter.ndim == 1:  # of a prep that had one for all optics groups
        shell_filter = np.tile(shell_filter, (len(particles.optics), 1))
    if shell_filter.shape != (len(particles.optics), box // 2 + 1) or np.any(particles.optics.box != box):
        raise InputError(f"{folder}: {RECORD}, {NOISE} and {STAR} disagree about box or optics groups; run prep "
                         "again.")  # fmt: skip
    return Prepared(particles, box, pixel_size, shell_filter, folder, centre)


def check_readable(folder: Path, particles: Particles) -> None:
    """``InputError`` where the next job would not find these particles in the folder of prep, which has finished."""
    written = load_prepared(folder).particles
    if not (
        len(written) == len(particles)
        and written.stacks == particles.stacks
        and np.array_equal(written.index, particles.index)
        and np.allclose(written.rotation, particles.rotation, atol=1e-6)
        and np.allclose(written.defocus, particles.defocus, rtol=1e-6)
    ):
        raise InputError(f"{folder / STAR}: reads otherwise than it was written, which is a mistake in FlexRec: please "
                         "report it; without the columns that FlexRec does not use it may work.")  # fmt: skip


def _centre(record: dict) -> np.ndarray | None:
    """What prep.json says of the consensus' place; ``ValueError`` where that is no point."""
    if record.get("centre") is None:
        return None
    centre = np.asarray(record["centre"], np.float64)
    if centre.shape != (3,) or not np.isfinite(centre).all():
        raise ValueError("centre is no point")
    return centre
