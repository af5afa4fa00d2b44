"""The parts of a mesh as a user names them: labels of the voxels, and joints between labels, made ready to build."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .joints import check_tree, contact_joints, parse_joints
from .quality import shared_vertices
from .tetmesh import TetMesh


@dataclass(frozen=True)
class Parts:
    """Parts of a mask.

    part : (N, N, N) int32 [z, y, x], 0..p-1, -1 outside the mask. labels : (p,) names of the parts, as the user knows
    them. joints : pairs (a, b) of parts, b joined to a, outward from a root
    """

    part: np.ndarray
    labels: tuple[int, ...]
    joints: tuple[tuple[int, int], ...]

    def named_joints(self) -> str:
        """The joints as text in the user's labels, "1>2, 2>3"."""
        return ", ".join(f"{self.labels[a]}>{self.labels[b]}" for a, b in self.joints)

    def numbers(self, labels: tuple[int, ...]) -> tuple[int, ...]:
        """Parts of these labels; ``InputError`` for a label that there is not."""
        unknown = [label for label in labels if label not in self.labels]
        if unknown:
            known = ", ".join(map(str, self.labels))
            raise InputError(f"rigid: there is no part {unknown[0]} in the mask; the parts are {known}.")
        return tuple(self.labels.index(label) for label in labels)

    def label_map(self) -> np.ndarray:
        """(N, N, N) float32 of the labels themselves; solvent is 0, or -1 where a part is called 0."""
        solvent = -1 if min(self.labels) <= 0 else 0
        return np.where(self.part >= 0, np.asarray(self.labels)[self.part], solvent).astype(np.float32)


def join_parts(part: np.ndarray, labels: tuple[int, ...], text: str) -> Parts:
    """Parts joined as ``text`` says ("1>2, 2>3", in labels), or, where it is empty, along their greatest contacts."""
    if text.strip():
        pairs = check_tree(parse_joints(text), labels)
        return Parts(part, labels, tuple((labels.index(a), labels.index(b)) for a, b in pairs))
    return Parts(part, labels, contact_joints(part, len(labels)))


def check_joints_hold(mesh: TetMesh, parts: Parts) -> None:
    """Raise ``InputError`` for a joint whose parts share no vertex, because they do not touch."""
    for a, b in mesh.joints:
        if shared_vertices(mesh, a, b) == 0:
            raise InputError(
                f"joints: parts {parts.labels[a]} and {parts.labels[b]} do not touch in the mask, so they cannot be "
                "joined; join each part to one beside it, or give a coarser mesh."
            )
