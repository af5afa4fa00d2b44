"""Particle files of RELION and cryoSPARC, told apart by their suffix."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..errors import InputError
from .particles import Particles
from .value_checks import check_values


def read_particles(
    path: str | os.PathLike[str],
    image_root: str | os.PathLike[str] | None = None,
    require: tuple[str, ...] = ("pose", "ctf"),
) -> Particles:
    """Particles of a RELION ``.star`` (3.0, 3.1, 5) or a cryoSPARC ``.cs`` file.

    Parameters
    ----------
    path : the file.
    image_root : folder that the stack paths in it start from; by default the file's folder and the folders above it.
    require : what must be in the file, of "pose" and "ctf"; what is not required and absent becomes NaN.

    Raises
    ------
    InputError : the file is missing, of another kind, damaged, or lacks a required field. Stacks that cannot be found
        are an error only when images are read.
    """
    path, image_root = Path(path), None if image_root is None else Path(image_root)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; give a RELION .star or a cryoSPARC .cs file of particles.")
    if path.suffix == ".csg":
        raise InputError(f"{path}: is only the list of an export's files; give the .cs that lies beside it.")
    if path.suffix not in (".star", ".cs"):
        raise InputError(f"{path}: not a particle file FlexRec knows; give a RELION .star or a cryoSPARC .cs file.")
    from .cryosparc import read_cs
    from .star import read_star

    with np.errstate(over="ignore", invalid="ignore"):  # what comes of values that cannot be is refused below
        particles = (read_star if path.suffix == ".star" else read_cs)(path, image_root, require)
    check_values(particles, require)
    return particles
