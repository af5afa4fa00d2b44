"""Point groups of symmetric molecules, in the axes of RELION, and the particles of a symmetric molecule as copies.

A molecule of symmetry G looks the same turned by any of G's operators S. An image seen along R shows its subunit in the
place S where the image seen along R S shows it in the first place: a copy of the image for each operator, each with
such a pose, has every subunit once in the same place (symmetry expansion).
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from ..errors import InputError
from .copies import IMAGE, copies
from .particles import Particles
from .rotations import even_directions

COPY = "flexrecSymmetryCopy"  # prepared particles' column: the operator that made each copy, from 0
LOOKED_AT = 200  # images that tell whether particles are expanded
SAME_POSE = 2.0  # degrees between a pose and a copy's, within which the two are one
_Generator = tuple[int, tuple[float, float, float]]
_POLYHEDRAL: dict[str, tuple[_Generator, ...]] = {  # RELION's generators: order of the axis and its direction
    "T": ((3, (0, 0, 1)), (2, (0, 0.816496, 0.577350))),
    "O": ((3, (0.5773502, 0.5773502, 0.5773502)), (4, (0, 0, 1))),
    "I1": ((2, (1, 0, 0)), (5, (0.85065080702670, 0, -0.5257311142635)), (3, (0.9341723640, 0.3568220765, 0))),
    "I2": ((2, (0, 0, 1)), (5, (0.525731114, 0, 0.850650807)), (3, (0, 0.356822076, 0.934172364))),
}


def operators(symbol: str) -> np.ndarray:
    """The rotations ``(s, 3, 3)`` of a point group, the identity first; of Cn in the order of their angles.

    Cn and Dn have their n-fold axis along z, Dn a two-fold one along x; T, O, I1 and I2 (I) are as RELION has them.
    ``InputError`` where ``symbol`` names no group.
    """
    name = symbol.strip().upper()
    match = re.fullmatch(r"([CD])([1-9]\d?)", name)
    if match is not None:
        generators: tuple[_Generator, ...] = ((int(match[2]), (0, 0, 1)), (2, (1, 0, 0)))[: 2 if match[1] == "D" else 1]
    elif name == "I" or name in _POLYHEDRAL:
        generators = _POLYHEDRAL["I2" if name == "I" else name]
    else:
        raise InputError(f"symmetry: '{symbol}' is no point group; write C4, D2, T, O, I1 or I2, for instance.")
    return _closed([_turn(fold, np.array(axis, float)) for fold, axis in generators])


def _turn(fold: int, axis: np.ndarray) -> np.ndarray:
    return Rotation.from_rotvec(2 * np.pi / fold * axis / np.linalg.norm(axis)).as_matrix()


def _closed(generators: list[np.ndarray]) -> np.ndarray:
    """All products ``(s, 3, 3)`` of rotations, the identity first."""
    group = [np.eye(3)]
    for element in group:  # grows while it is walked through
        for generator in generators:
            product = generator @ element
            if min(np.abs(product - known).max() for known in group) > 1e-3:
                group.append(product)
    return np.array(group)


def first_direction(group: np.ndarray) -> np.ndarray:
    """The direction ``(3,)`` in which the first subunit lies: as far as can be from where the operators take it.

    Along x for Cn.
    """
    if np.allclose(group[:, 2, 2], 1):
        return np.array([1.0, 0.0, 0.0])
    points = even_directions(2000)
    nearest = np.einsum("px,sxy,py->sp", points, group[1:], points).max(axis=0)
    return points[np.argmin(nearest)]


def symmetry_copies(particles: Particles, image: np.ndarray, group: np.ndarray) -> int:
    """How many particles are seen as another one of the same ``image`` ``(n,)`` is, but for an operator."""
    again = np.flatnonzero(copies(image))
    between = particles.rotation[image[again]].swapaxes(1, 2) @ particles.rotation[again]
    trace = np.einsum("sij,nij->ns", group[1:], between)
    return int((trace > 1 + 2 * np.cos(np.radians(SAME_POSE))).any(axis=1).sum())


def are_expanded(rotation: np.ndarray, image: np.ndarray) -> bool:
    """Whether copies of an ``image`` ``(n,)`` are seen along ``rotation`` ``(n, 3, 3)`` as symmetry expansion has them.

    Some images are looked at: all must have copies, and be turned as those of the one that has most are.
    """
    _, number, count = np.unique(image, return_inverse=True, return_counts=True)
    most, number = int(count.argmax()), number.ravel()
    if count[most] == 1:
        return False
    group = _relative_rotations(rotation[number == most])
    apart = np.arccos(np.clip((np.trace(group[1:], axis1=1, axis2=2) - 1) / 2, -1, 1))
    if np.degrees(apart).min() < SAME_POSE:
        return False  # joined twice or picked twice
    some = np.linspace(0, len(count) - 1, min(len(count), LOOKED_AT)).astype(int)
    turned = [_relative_rotations(rotation[number == one]) for one in some if count[one] > 1]
    if len(turned) < len(some):
        return False
    trace = np.einsum("sij,nij->ns", group, np.concatenate(turned))
    return bool((trace.max(axis=1) > 1 + 2 * np.cos(np.radians(SAME_POSE))).all())


def _relative_rotations(rotation: np.ndarray) -> np.ndarray:
    """Rotations of the molecule ``(m, 3, 3)`` from the first of some views ``(m, 3, 3)`` to each."""
    return rotation[0].T @ rotation


def expand(particles: Particles, group: np.ndarray) -> Particles:
    """Every particle once for each operator S of ``group`` ``(s, 3, 3)``: the same image, seen along R S.

    The copies of a particle follow one another; columns `IMAGE` and `COPY` say which image and operator a row is of.
    """
    count = len(particles)
    rows, copy = np.repeat(np.arange(count), len(group)), np.tile(np.arange(len(group)), count)
    taken = particles.take(rows)
    number = particles.columns[IMAGE] if IMAGE in particles.columns else np.arange(count)
    columns = taken.columns | {IMAGE: np.asarray(number)[rows], COPY: copy}
    return replace(taken, rotation=taken.rotation @ group[copy], columns=columns)
