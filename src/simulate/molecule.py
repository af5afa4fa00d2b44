"""A molecule as weighted points: from an atomic model, or from a map with labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..mesh.companion import MapGrid
from ..mesh.map_files import read_map
from ..mesh.map_header import read_map_header, voxel_sizes
from ..mesh.segments import SOLVENT, read_segments
from .model_atoms import read_atoms


@dataclass(frozen=True)
class Molecule:
    """Points that scatter.

    position : (a, 3) float64, Å, xyz, relative to the centre of the map (see ``frame``)
    weight : (a,) float64, scattering of each point (electrons of an atom; density of a voxel)
    chain : (a,) str, chain of each point (the label, for a map)
    residue : (a,) int, residue number (0 for a map)
    width : float, Å, standard deviation of the Gaussian that each point stands for (0 for a map's voxels)
    band : float, 1/Å, frequencies above this are absent (a map's Nyquist; infinity for a model)
    frame : (3,) Å, what was subtracted from the file's coordinates
    name : what it is, for people
    parts : named selections, in the grammar of ``atom_selection.py``
    atom, residue_name, element : (a,) str, for writing a model; empty for a map
    """

    position: np.ndarray
    weight: np.ndarray
    chain: np.ndarray
    residue: np.ndarray
    width: float
    band: float
    frame: np.ndarray
    name: str
    parts: dict[str, str] = field(default_factory=dict)
    atom: np.ndarray = field(default_factory=lambda: np.zeros(0, "U4"))
    residue_name: np.ndarray = field(default_factory=lambda: np.zeros(0, "U4"))
    element: np.ndarray = field(default_factory=lambda: np.zeros(0, "U2"))

    def __len__(self) -> int:
        return len(self.position)

    @property
    def is_model(self) -> bool:
        """Whether the points are atoms (and can be written as a model)."""
        return len(self.atom) == len(self.position)


def gaussian_width(resolution: float) -> float:
    """Standard deviation (Å) of an atom's Gaussian at a resolution (Å): resolution / (π√2), as ChimeraX's molmap."""
    return resolution / (np.pi * np.sqrt(2))


def read_model(path: Path, resolution: float) -> Molecule:
    """Heavy atoms of a PDB or mmCIF file's first model without water. Weight = atomic number × occupancy."""
    atoms, models = read_atoms(path)
    chain, residue, residue_name, atom, element, weight, x, y, z = (np.array(column) for column in zip(*atoms))
    position = np.stack([x, y, z], axis=1).astype(np.float64)
    centre = np.average(position, axis=0, weights=weight)
    name = Path(path).name + (f" (the first of {models} models)" if models > 1 else "")
    return Molecule(
        position - centre, weight.astype(np.float64), chain, residue, gaussian_width(resolution), np.inf, centre,
        name, {}, atom, residue_name, element,
    )  # fmt: skip


def read_labelled_map(path: Path, labels: Path) -> Molecule:
    """Voxels of a map as points, each carrying its label as its chain name.

    Solvent (label < 0 where the file has negative labels, otherwise 0) is left out.
    """
    if not voxel_sizes(read_map_header(path)).all():
        raise InputError(f"{path}: the header has no pixel size; set it (for instance with relion_image_handler).")
    density, pixel_size = read_map(path)
    label = read_segments(labels, MapGrid.of(path, None)).label
    if density.shape != label.shape:
        raise InputError(f"{labels}: the labels have {label.shape} voxels and {path} {density.shape}; they must agree.")
    inside = (label != SOLVENT) & (density != 0)
    if not inside.any():
        raise InputError(f"{labels}: no voxel of {path} carries a label; label the parts 1, 2, … and the solvent 0.")
    index = np.argwhere(inside)[:, ::-1].astype(np.float64)
    position = (index - density.shape[0] // 2) * pixel_size
    chain = label[inside].astype(str)
    return Molecule(
        position, density[inside].astype(np.float64), chain, np.zeros(len(chain), int), 0.0, 0.5 / pixel_size,
        np.zeros(3), Path(path).name,
    )  # fmt: skip
