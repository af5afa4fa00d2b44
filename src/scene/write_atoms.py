"""An atomic structure in several states, written by ChimeraX as the models of one file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..atomic import atomic_path
from ..errors import InputError

SUFFIXES = (".cif", ".mmcif", ".pdb", ".ent")


def write_states(session, structure, coordinates: np.ndarray, file: Path) -> Path:
    """Write ``coordinates`` ``(f, m, 3)`` float64, Å, of all atoms of a structure; returns the file's absolute path."""
    file = file.expanduser().absolute()
    if file.suffix.lower() not in SUFFIXES:
        raise InputError(f"{file.name}: atoms are written as .cif or .pdb; give it a name that ends so.")
    if not file.parent.is_dir():
        raise InputError(f"{file}: there is no folder {file.parent}; make it first.")
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise InputError(f"{file}: cannot be written there; choose a folder that you may write to.")
    copy = structure.copy(structure.name)
    try:
        copy.add_coordsets(np.ascontiguousarray(coordinates, float), replace=True)
        with atomic_path(file) as temporary:
            _writer(file)(session, str(temporary), models=[copy], all_coordsets=True)
    finally:
        copy.delete()
    return file


def _writer(file: Path):
    if file.suffix.lower() in (".pdb", ".ent"):
        from chimerax.pdb import save_pdb

        return save_pdb
    from chimerax.mmcif.mmcif_write import write_mmcif

    return write_mmcif
