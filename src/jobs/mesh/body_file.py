"""The bodies of RELION's multi-body refinement: a STAR file that names a mask for each, read as parts of a mesh.

``relion_refine --multibody_masks``: rlnBodyMaskName is the mask of a body, rlnBodyRotateRelativeTo the number, from 1,
of the body that it turns against. Two bodies usually turn against each other, so that pairs make no tree as they stand.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import InputError
from ...mesh.companion import MapGrid, read_companion
from ...mesh.segments import SOLVENT, Segments
from ...particles.star_table import StarTable, read_tables

INSIDE = 0.1  # of a mask's greatest value: a voxel in less of every body is in none
MASK, RELATIVE = "rlnBodyMaskName", "rlnBodyRotateRelativeTo"


def read_bodies(path: Path, grid: MapGrid) -> tuple[Segments, str]:
    """Voxels labelled by their body, from 1 in the file's order, and joints as a person would write them: "1>2, 2>3".

    Where masks overlap, as they should in RELION, a voxel is of the body that has the most of it. Empty where the file
    does not say which body turns against which. ``InputError`` where the file or a mask is not there, or does not fit.
    """
    table = _table(path)
    masks, sizes = zip(*(read_companion(_found(path, name), grid) for name in table.texts(MASK)), strict=True)
    if len({mask.shape for mask in masks}) > 1 or np.ptp(sizes) > 0.01 * sizes[0]:
        raise InputError(f"{path}: the bodies' masks have unlike boxes or pixel sizes; give masks of one map.")
    stack = np.stack(masks)
    for name, mask in zip(table.texts(MASK), stack, strict=True):
        if mask.min() < -0.01 or mask.max() > 1.01:
            raise InputError(f"{path}: the mask {name} has values from {mask.min():.3g} to {mask.max():.3g}; give one "
                             "between 0 and 1.")  # fmt: skip
    label = np.where(stack.max(axis=0) > INSIDE * stack.max(), stack.argmax(axis=0) + 1, SOLVENT).astype(np.int32)
    absent = sorted(set(range(1, len(stack) + 1)) - set(np.unique(label).tolist()))
    if absent:
        raise InputError(f"{path}: body {absent[0]} has no voxel of its own, the others' masks cover it; give masks "
                         "that overlap at their edges alone.")  # fmt: skip
    return Segments(label, float(sizes[0])), _joints(path, table)


def _table(path: Path) -> StarTable:
    tables = [table for table in read_tables(path).values() if MASK in table]
    if not tables:
        raise InputError(f"{path}: no file of bodies, it has no column _{MASK}; give the STAR file that "
                         "relion_refine --multibody_masks takes.")  # fmt: skip
    if len(tables[0]) < 2:
        raise InputError(f"{path}: names {len(tables[0])} body, and two at least move against each other; add one.")
    return tables[0]


def _found(path: Path, name: str) -> Path:
    """A mask: by its full path, or from the file's folder or one above, RELION's names being from its project."""
    for folder in (Path(), *path.resolve().parents):
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{path}: the mask {name} is not there; copy it beside the file.")


def _joints(path: Path, table: StarTable) -> str:
    """A tree outward from the first body, of the pairs that turn against each other; empty where some hang on none."""
    if RELATIVE not in table:
        return ""
    count, others = len(table), table.numbers(RELATIVE)
    wrong = [number for number, other in enumerate(others, 1) if not other <= count or other % 1]
    if wrong:
        raise InputError(f"{path}: body {wrong[0]} turns against one that is not there; write a number from "
                         f"1 to {count}.")  # fmt: skip
    # below 1 is no body: RELION then takes a direction of its own, or the middle of the box
    pairs = [(number, int(other)) for number, other in enumerate(others, 1) if other >= 1 and other != number]
    reached, tree = [1], []
    for body in reached:
        for pair in pairs:
            other = pair[0] if pair[1] == body else pair[1] if pair[0] == body else body
            if other not in reached:
                reached.append(other)
                tree.append(f"{body}>{other}")
    return ", ".join(tree) if len(reached) == count else ""
