"""Lines along the chains of an atomic structure, in the place of its own picture, which takes long to make again."""

from __future__ import annotations

import numpy as np
from chimerax.atomic import AtomicStructure, Atoms, Residue, concatenate


class Trace:
    """Lines between neighbouring residues that are shown, and along the shown bonds of what is no polymer."""

    def __init__(self, structure: AtomicStructure, pointers: np.ndarray) -> None:
        """``pointers`` ``(m,)`` of the atoms whose coordinates `move` will be given."""
        guides, ends = _guides(structure)
        first, second = _bonded(structure)
        chain = np.flatnonzero(~ends)
        bond = len(guides) + np.arange(len(first))
        pairs = np.concatenate([np.stack([chain, chain + 1], 1), np.stack([bond, bond + len(first)], 1)])
        atoms = concatenate([guides, first, second], Atoms).pointers
        order = np.argsort(pointers)
        self._places = order[np.searchsorted(pointers, atoms, sorter=order).clip(max=len(order) - 1)]
        pairs = pairs[(pointers[self._places] == atoms)[pairs].all(axis=1)]
        self._colours = np.concatenate([_guide_colours(guides), first.colors, second.colors])
        self._hidden = [drawing for drawing in structure.child_drawings() if drawing.display]
        for drawing in self._hidden:
            drawing.display = False
        self._structure, self._pairs = structure, pairs.astype(np.int32)
        self._lines = structure.new_drawing("trace")
        self._lines.display_style, self._lines.use_lighting, self._lines.pickable = self._lines.Mesh, False, False

    def move(self, coordinates: np.ndarray) -> None:
        """Draw them with the atoms at ``(m, 3)`` Å."""
        self._lines.set_geometry(coordinates[self._places].astype(np.float32), None, self._pairs)
        self._lines.vertex_colors = self._colours

    def end(self) -> None:
        """Give the structure its own picture back."""
        self._structure.remove_drawing(self._lines)
        for drawing in self._hidden:
            if not drawing.was_deleted:
                drawing.display = True


def _guides(structure) -> tuple[Atoms, np.ndarray]:
    """The principal atoms of all residues of chains, and after which of them no line goes to the next."""
    atoms, ends = [Atoms()], [np.zeros(0, bool)]
    for residues, _ in structure.polymers(missing_structure_treatment=structure.PMS_NEVER_CONNECTS):
        guides = residues.existing_principal_atoms
        seen = guides.displays | guides.residues.ribbon_displays
        atoms.append(guides)
        ends.append(~(seen & np.append(seen[1:], False)))
    return concatenate(atoms, Atoms), np.concatenate(ends)


def _guide_colours(guides: Atoms) -> np.ndarray:
    residues = guides.residues
    return np.where(residues.ribbon_displays[:, None], residues.ribbon_colors, guides.colors)


def _bonded(structure) -> tuple[Atoms, Atoms]:
    """Both ends of the shown bonds outside chains."""
    bonds = structure.bonds
    first, second = bonds.atoms
    outside = bonds.showns & (first.residues.polymer_types == Residue.PT_NONE)
    return first[outside], second[outside]
