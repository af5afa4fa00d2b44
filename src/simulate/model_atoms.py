"""The atoms that scatter in a PDB or mmCIF file, whatever its writer left out of its columns."""

from __future__ import annotations

import gzip
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError

_MODEL = re.compile(r"\.(pdb|ent|cif|mmcif)(\.gz)?$", re.IGNORECASE)
_COLUMNS = (slice(30, 38), slice(38, 46), slice(46, 54))  # of x, y and z in a PDB file
_STANDARD = ("H", "D", "C", "N", "O", "P", "S")  # elements of amino acids and nucleotides that are not modified
_DUMMY = "DUM"  # residues that mark a membrane, as OPM writes them
_MOST_UNKNOWN = 0.1  # share of atoms of no known element that may be left out


class ScatteringAtom(NamedTuple):
    """A heavy atom: position in Å, weight = atomic number × occupancy."""

    chain: str
    residue: int
    residue_name: str
    atom: str
    element: str
    weight: float
    x: float
    y: float
    z: float


def is_model_file(path: Path) -> bool:
    """Whether a file is an atomic model by its name."""
    return _MODEL.search(path.name) is not None


def read_atoms(path: Path) -> tuple[list[ScatteringAtom], int]:
    """Heavy atoms of the first model that has any, without water, and how many models the file has.

    All count in full where none has an occupancy. A chain without a name has that of its segment, else "_".
    ``InputError`` where there are none, or the file is no such model.
    """
    import gemmi

    try:
        structure = gemmi.read_structure(str(path))
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(f"{path}: this is no readable PDB or mmCIF model ({error}); give another file.") from error
    _check_columns(path)
    atoms = next(filter(None, (_model_atoms(path, model) for model in structure)), [])
    if not atoms:
        raise InputError(f"{path}: the model has no atoms but hydrogens and water; give a PDB or mmCIF of a molecule.")
    return atoms, len(structure)


def _check_columns(path: Path) -> None:
    """``InputError`` where a PDB file's coordinates are no numbers, in whose place gemmi takes 0.

    They are where a program had no room for a large number, or has shifted the columns of a line.
    """
    kind = _MODEL.search(path.name)
    if kind is None or kind[1].lower() not in ("pdb", "ent"):
        return
    opened = gzip.open(path, "rt", errors="replace") if kind[2] else open(path, encoding="utf-8", errors="replace")
    with opened as lines:
        for number, line in enumerate(lines, 1):
            if line.startswith(("ATOM  ", "HETATM")) and not all(map(_is_coordinate, _COLUMNS, [line] * 3)):
                raise InputError(f"{path}: line {number} has no coordinates in columns 31 to 54; write the file again, "
                                 "as mmCIF if its numbers are too large for these columns.")  # fmt: skip


def _is_coordinate(columns: slice, line: str) -> bool:
    try:
        float(line[columns])
    except ValueError:
        return False
    return True


def _model_atoms(path: Path, model: Any) -> list[ScatteringAtom]:
    heavy = [(chain, residue, atom, element) for chain in model for residue in chain
             for atom, element in _heavy(residue)]  # fmt: skip
    known = [row for row in heavy if row[3].atomic_number > 0]
    if len(known) < (1 - _MOST_UNKNOWN) * len(heavy):
        raise InputError(f"{path}: {len(heavy) - len(known)} of {len(heavy)} atoms have no element that is known; "
                         "write the symbols of their elements into the file.")  # fmt: skip
    occupied = any(atom.occ > 0 for _, _, atom, _ in known)
    atoms = []
    for chain, residue, atom, element in known:
        occupancy = atom.occ if occupied else 1.0
        if not occupancy > 0:
            continue
        place = atom.pos.tolist()
        if not all(map(math.isfinite, place)):
            raise InputError(f"{path}: atom {atom.name} of residue {chain.name}:{residue.seqid} has no coordinates; "
                             "take it out of the file.")  # fmt: skip
        name = chain.name.strip() or residue.segment.strip() or "_"
        weight = element.atomic_number * occupancy
        atoms.append(ScatteringAtom(name, residue.seqid.num, residue.name, atom.name, element.name, weight, *place))
    return atoms


def _heavy(residue: Any) -> list[tuple[Any, Any]]:
    """Atoms of a residue that are no hydrogen, with their elements; none of water, whatever it is called."""
    heavy = [(atom, element) for atom in residue if not (element := _element(residue, atom)).is_hydrogen]
    seen = {(atom.name, element.name) for atom, element in heavy if element.atomic_number > 0}
    lone_oxygen = len(seen) == 1 and seen.pop()[1] == "O" and not _common(residue)
    return [] if residue.is_water() or residue.name == _DUMMY or lone_oxygen else heavy


def _element(residue: Any, atom: Any) -> Any:
    """The element; of a common residue's atom one that occurs there, since writers put CA and HG into wrong columns."""
    import gemmi

    if atom.element.name in _STANDARD or not _common(residue):
        return atom.element
    return gemmi.Element(atom.name.lstrip("0123456789'\"* ")[:1])


def _common(residue: Any) -> bool:
    """Whether a residue is one of the twenty amino acids or a nucleotide."""
    import gemmi

    return gemmi.find_tabulated_residue(residue.name).is_standard()
