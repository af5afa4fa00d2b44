"""An atomic structure in several states, written by ChimeraX as the models of one file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from chimerax.atomic import AtomicStructure
from chimerax.core.session import Session

from ...atomic import atomic_path
from ...errors import InputError

SUFFIXES = (".cif", ".mmcif", ".pdb", ".ent")


def write_states(session: Session, structure: AtomicStructure, coordinates: np.ndarray, file: Path) -> Path:
    """Write ``coordinates`` ``(f, m, 3)`` float64, Å, of all atoms of a structure; returns the file's absolute path."""
    file = file.expanduser().absolute()
    if file.suffix.lower() not in SUFFIXES:
        raise InputError(f"{file.name}: atoms are written as .cif or .pdb; give it a name that ends so.")
    if not file.parent.is_dir():
        raise InputError(f"{file}: there is no folder {file.parent}; make it first.")
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise InputError(f"{file}: cannot be written there; choose a folder that you may write to.")
    with atomic_path(file) as temporary:
        write = _write_pdb if file.suffix.lower() in (".pdb", ".ent") else _write_mmcif
        write(session, structure, _by_index(structure, coordinates), str(temporary))
    return file


def _by_index(structure, coordinates: np.ndarray) -> np.ndarray:
    """``(f, indices, 3)``: atoms are listed in one order, and coordinate sets have another once atoms were added."""
    sets = np.zeros((len(coordinates), structure.coordset_size, 3))
    sets[:, structure.atoms.coord_indices] = coordinates
    return sets


def _write_pdb(session, structure, coordinates: np.ndarray, path: str) -> None:
    from chimerax.pdb import save_pdb

    copy = structure.copy(structure.name)
    try:
        copy.add_coordsets(coordinates, replace=True)
        save_pdb(session, path, models=[copy], all_coordsets=True)
    finally:
        copy.delete()


def _write_mmcif(session, structure, coordinates: np.ndarray, path: str) -> None:
    """ChimeraX's writer repeats the active coordinates for every coordinate set, so each state is a copy."""
    from chimerax.mmcif.mmcif_write import write_mmcif

    copies = []
    try:
        for number, place in enumerate(coordinates, 1):
            copies.append(structure.copy(structure.name))
            copies[-1].atoms.coords = place[copies[-1].atoms.coord_indices]
            copies[-1].id = (1, number)  # of one family: these become the models of one entry
        write_mmcif(session, path, models=copies)
    finally:
        for copy in copies:
            copy.delete()
