"""A symmetric complex of one molecule, each of whose subunits moves by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from ..errors import InputError
from ..particles.symmetry import first_direction
from .dropped_parts import DroppedPart, part_of_points, repeated
from .hinges import Hinge, groups, motions
from .molecule import Molecule

GAP = 4.0  # Å between the nearest atoms of two subunits that touch
APART = 12.0  # Å between what moves and other subunits
_MOST_HINGES = 62  # each is a bit of a point's group
_MOST_POINTS, _FEW_POINTS = 6000, 800  # of a subunit, that subunits are put side by side by; by which it is turned
_STATES = 9  # of a subunit, in none of which it overlaps another
_SLACK = 3.0  # Å between a few points of subunits that touch, beyond the gap
_STEPS = 25  # in which the distance is halved
_TILTS, _SPINS = (0, 30, 60, 90), range(0, 360, 60)  # degrees that are tried


@dataclass(frozen=True)
class Assembly:
    """What is simulated: a molecule, what moves in it, and the parts that some particles lack.

    subunits : how many equal ones the molecule is made of, one after the other. Hinge j of subunit g is hinge
    ``g h + j`` of ``hinges``, h being those of one subunit.
    """

    molecule: Molecule
    hinges: tuple[Hinge, ...]
    dropped: tuple[DroppedPart, ...] = ()
    subunits: int = 1

    @property
    def part(self) -> np.ndarray | None:
        """Which of these parts each point ``(a,)`` is in, −1 for none; None where all particles have all."""
        return part_of_points(self.dropped)


def assemble(
    molecule: Molecule, hinges: tuple[Hinge, ...], dropped: tuple[DroppedPart, ...], group: np.ndarray
) -> Assembly:
    """The molecule once for each operator of ``group`` ``(s, 3, 3)``, about the centre of the map.

    The first lies in the `first_direction` of the group, so far out that no two overlap in any state, and is turned so
    that they touch and the complex is small; but what moves is kept away from other subunits.
    """
    if len(group) == 1:
        return Assembly(molecule, hinges, dropped)
    if len(hinges) * len(group) > _MOST_HINGES:
        raise InputError(f"symmetry: {len(group)} subunits of {len(hinges)} hinge(s) each are more than "
                         f"{_MOST_HINGES} hinges; let fewer parts move, or give a smaller group.")  # fmt: skip
    outward = first_direction(group)
    reach, gap = _reached_points(molecule, hinges, _FEW_POINTS), _gap(molecule)
    turn = min(_turns(molecule, hinges, outward), key=lambda turn: _poor(reach.turned(turn), group, outward, gap))
    molecule, hinges = _placed(molecule, hinges, turn, np.zeros(3))
    distance = _distance(_reached_points(molecule, hinges, _MOST_POINTS), group, outward, gap)
    molecule, hinges = _placed(molecule, hinges, np.eye(3), distance * outward)
    parts = [_placed(molecule, hinges, operator, np.zeros(3)) for operator in group]
    whole = tuple(_hinge_of_subunit(hinge, g, len(group)) for g, (_, moved) in enumerate(parts) for hinge in moved)
    together = _together([subunit for subunit, _ in parts])
    return Assembly(together, whole, repeated(dropped, len(group)), len(group))


@dataclass(frozen=True)
class _Reach:
    """Where a subunit's points are in some of its states: ``points`` ``(m, 3)`` Å, ``moving`` ``(m,)`` bool."""

    points: np.ndarray
    moving: np.ndarray

    def turned(self, turn: np.ndarray) -> _Reach:
        return replace(self, points=self.points @ turn.T)


def _turns(molecule: Molecule, hinges: tuple[Hinge, ...], outward: np.ndarray) -> Iterator[np.ndarray]:
    """Turns ``(3, 3)`` that bring what moves to the outside of what does not, or aslant to it."""
    first = _turn_outward(molecule, hinges, outward)
    across = np.cross(outward, np.eye(3)[np.argmin(np.abs(outward))])
    across /= np.linalg.norm(across)
    for spin in _SPINS:
        for tilt in _TILTS:
            about = (Rotation.from_rotvec(np.radians(tilt) * across), Rotation.from_rotvec(np.radians(spin) * outward))
            yield (about[0] * about[1]).as_matrix() @ first


def _turn_outward(molecule: Molecule, hinges: tuple[Hinge, ...], outward: np.ndarray) -> np.ndarray:
    """The shortest turn ``(3, 3)`` that brings what moves to the outside of what does not."""
    moving = groups(hinges, len(molecule)) > 0
    if not moving.any() or moving.all():
        return np.eye(3)
    away = molecule.position[moving].mean(axis=0) - molecule.position[~moving].mean(axis=0)
    away /= np.linalg.norm(away)
    axis = np.cross(away, outward)
    angle = np.arctan2(np.linalg.norm(axis), away @ outward)
    if np.linalg.norm(axis) < 1e-9:
        axis = np.cross(away, np.eye(3)[np.argmin(np.abs(away))])
    return Rotation.from_rotvec(angle * axis / np.linalg.norm(axis)).as_matrix()


def _poor(reach: _Reach, group: np.ndarray, outward: np.ndarray, gap: float) -> tuple[bool, float]:
    """How poor a complex is: whether its subunits are held apart by what moves in them, and its radius in Å."""
    here = reach.points + _distance(reach, group, outward, gap) * outward
    still = here[~reach.moving]
    tree = cKDTree(still)
    apart = min(tree.query(still @ operator.T)[0].min() for operator in group[1:])
    return bool(apart > gap + _SLACK), float(np.linalg.norm(here, axis=1).max())


def _gap(molecule: Molecule) -> float:
    return GAP if not np.isfinite(molecule.band) else max(GAP, 0.75 / molecule.band)  # 1.5 voxels of a map


def _placed(
    molecule: Molecule, hinges: tuple[Hinge, ...], turn: np.ndarray, shift: np.ndarray
) -> tuple[Molecule, tuple[Hinge, ...]]:
    moved = tuple(replace(hinge, pivot=turn @ hinge.pivot + shift, axis=turn @ hinge.axis) for hinge in hinges)
    return replace(molecule, position=molecule.position @ turn.T + shift), moved


def _distance(reach: _Reach, group: np.ndarray, outward: np.ndarray, gap: float) -> float:
    """Å from the centre at which subunits that come from far away are as near as they may be, whatever their states."""
    least = np.where(reach.moving, max(APART, gap), gap)

    def touch(distance: float) -> bool:
        here = reach.points + distance * outward
        tree, bound = cKDTree(here), float(least.max())
        return any(
            (tree.query(here @ operator.T, distance_upper_bound=bound)[0] < least).any() for operator in group[1:]
        )

    near, far = 0.0, 2 * float(np.linalg.norm(reach.points, axis=1).max())
    while touch(far):
        far *= 1.5
    step = far / 40
    while far > step and not touch(far - step):
        far -= step
    near = max(far - step, 0.0)
    for _ in range(_STEPS):
        middle = (near + far) / 2
        near, far = (middle, far) if touch(middle) else (near, middle)
        if far - near < 0.1:
            break
    return far


def _reached_points(molecule: Molecule, hinges: tuple[Hinge, ...], count: int) -> _Reach:
    """About ``count`` of the points of a molecule, those that move in states through the range of each hinge."""
    some = np.arange(0, len(molecule), max(1, len(molecule) // count))
    code, places = groups(hinges, len(molecule))[some], molecule.position[some]
    steps = max(2, round(_STATES ** (1 / max(1, len(hinges)))))
    grids = [np.linspace(hinge.low, hinge.high, steps) for hinge in hinges]
    states = np.array(np.meshgrid(*grids)).reshape(len(hinges), -1).T if hinges else np.zeros((1, 0))
    still, moved = [places[code == 0]], [np.zeros((0, 3))]
    for group in np.unique(code[code > 0]):
        for motion in motions(hinges, states, int(group)):
            moved.append(places[code == group] @ motion[:, :3].T + motion[:, 3])
    points = np.concatenate(still + moved)
    return _Reach(points, np.arange(len(points)) >= len(still[0]))


def _hinge_of_subunit(hinge: Hinge, subunit: int, count: int) -> Hinge:
    """A subunit's hinge as one of the whole complex."""
    moving = np.zeros(count * len(hinge.moving), bool)
    moving[subunit * len(hinge.moving) : (subunit + 1) * len(hinge.moving)] = hinge.moving
    return replace(hinge, moving=moving, selection=f"{hinge.selection} of subunit {subunit + 1}")


def _together(subunits: list[Molecule]) -> Molecule:
    """One molecule; chains of all subunits but the first are named as those of assemblies are, A-2, A-3, …"""
    first = subunits[0]
    chain = np.concatenate([first.chain] + [
        np.char.add(subunit.chain.astype(str), f"-{number}") for number, subunit in enumerate(subunits[1:], start=2)
    ])  # fmt: skip
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(subunit, name) for subunit in subunits])
        for name in ("position", "weight", "residue", "atom", "residue_name", "element")
    }
    return replace(first, **joined, chain=chain, name=f"{len(subunits)} subunits of {first.name}")
