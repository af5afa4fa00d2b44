"""What a person calls the parts of a mesh: the labels of the segmentation that it was made with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..mesh.storage import load_mesh
from ..mesh.tetmesh import TetMesh
from .record import read_record


def part_labels(mesh_file: Path, parts: int) -> tuple[int, ...]:
    """The names of a mesh's ``parts``, as its mesh job noted them beside it; 1, 2, … where it did not."""
    try:
        noted = json.loads((mesh_file.parent / "quality.json").read_text(encoding="utf-8"))["parts"]
        labels = tuple(int(part["label"]) for part in noted)
    except (OSError, ValueError, KeyError, TypeError):
        labels = ()
    return labels if len(labels) == parts else tuple(range(1, parts + 1))


def labelled_mesh(file: Path) -> TetMesh:
    """A mesh with the names of its parts, which older files leave to the mesh job's notes."""
    mesh = load_mesh(file)
    return mesh if mesh.labels else replace(mesh, labels=part_labels(file, mesh.parts))


def labels_of_training(folder: Path, parts: int) -> tuple[int, ...]:
    """The names of the ``parts`` of the mesh that a train job was given, wherever another mesh has been made since."""
    try:
        mesh = read_record(folder)["inputs"].get("mesh")
    except (InputError, OSError):
        mesh = None
    given = folder if mesh is None else folder.parent / mesh
    return part_labels(given / "mesh.npz" if given.is_dir() else given, parts)
