"""The truth of a simulated data set on disk: ``truth.json``, ``truth.npz`` and ``points.npz``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..particles.symmetry import operators
from .dropped_parts import DroppedPart
from .hinges import Hinge
from .moving_molecule import MovingMolecule


@dataclass(frozen=True)
class Truth:
    """What is known about every simulated particle.

    moving : the molecule with its hinges, scaled as in the images
    angles : (n, h) degrees; state : (n,) int, conformation number or −1. Of a complex of s equal subunits, h is s
        times the number of hinges of one, those of the first subunit first, and state is (n, s)
    rotation : (n, 3, 3); shift : (n, 2) Å; defocus : (n, 3)
    noise_sigma : (n,) standard deviation of the noise
    kind : (n,) int8, 0 for a particle of the molecule, 1 for junk, 2 for another molecule
    absent : (n, p) bool, which of the parts that are ``dropped``, numbered in ``moving.part``, a particle lacks
    neighbour : (n,) bool, images into which the particle beside reaches
    box, pixel_size : of the images
    record : all of truth.json
    """

    moving: MovingMolecule
    angles: np.ndarray
    state: np.ndarray
    rotation: np.ndarray
    shift: np.ndarray
    defocus: np.ndarray
    noise_sigma: np.ndarray
    box: int
    pixel_size: float
    record: dict
    kind: np.ndarray | None = None
    absent: np.ndarray | None = None
    neighbour: np.ndarray | None = None

    def __post_init__(self) -> None:
        count = len(self.rotation)
        for name, shape, kind in (
            ("kind", count, np.int8), ("absent", (count, self.moving.droppable), bool), ("neighbour", count, bool)
        ):  # fmt: skip
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.zeros(shape, kind))

    @property
    def hinges(self) -> tuple[Hinge, ...]:
        """What moves."""
        return self.moving.hinges

    @property
    def dropped(self) -> tuple[str, ...]:
        """The parts that some particles lack, as they were named; 1, 2, … where they are not told."""
        told = self.record.get("dropped", [{"part": str(n + 1)} for n in range(self.moving.droppable)])
        return tuple(part["part"] for part in told)

    @property
    def group(self) -> np.ndarray:
        """Operators ``(s, 3, 3)`` of the complex; subunit g is the first one where operator g takes it."""
        return operators(self.record.get("symmetry", "C1"))

    def expanded(self) -> Truth:
        """What is true of the copies of every particle, one for each operator: row ``i s + g`` is copy g of particle i.

        Its view is R S_g, so that subunit g is in the first one's place. Its angles are those of subunit g, and only
        what is in that place moves; all other subunits are at rest.
        """
        group, count = self.group, len(self.rotation)
        subunits = len(group)
        row, copy = np.repeat(np.arange(count), subunits), np.tile(np.arange(subunits), count)
        own = len(self.hinges) // subunits
        of_copy = self.angles.reshape(count, subunits, own).reshape(-1, own)
        subunit = replace(self.moving, hinges=self.hinges[:own], codes=self.moving.codes & ((1 << own) - 1))
        others = ("shift", "defocus", "noise_sigma", "kind", "absent", "neighbour")
        repeated = {name: getattr(self, name)[row] for name in others}
        state = self.state.reshape(-1) if self.state.ndim == 2 else self.state[row]
        return replace(
            self, moving=subunit, angles=of_copy, state=state, rotation=self.rotation[row] @ group[copy], **repeated
        )

    def map_at(
        self,
        angles: np.ndarray,
        box: int | None = None,
        pixel_size: float | None = None,
        absent: np.ndarray | None = None,
    ) -> np.ndarray:
        """The true map ``[z, y, x]`` float32 at one state (h,), or the mean over states (n, h), in degrees.

        It is that of a particle that lacks the parts ``absent`` ``(p,)``; None: of a complete one.
        """
        moving = self.moving if absent is None else self.moving.lacking(absent)
        return moving.map_at(angles, box or self.box, pixel_size or self.pixel_size)

    def moving_mask(
        self,
        angles: np.ndarray,
        box: int | None = None,
        pixel_size: float | None = None,
        hinge: int | None = None,
        edge: float = 6.0,
    ) -> np.ndarray:
        """Soft mask of the moving part at one state (h,), or of its union over (n, h); see ``MovingMolecule``."""
        return self.moving.moving_mask(angles, box or self.box, pixel_size or self.pixel_size, hinge, edge)


def load_truth(folder: str | Path) -> Truth:
    """Read the truth of a finished ``simulate`` job."""
    folder = Path(folder)
    try:
        record = json.loads((folder / "truth.json").read_text())
        with np.load(folder / "truth.npz", allow_pickle=False) as file:
            particles = {name: file[name] for name in file.files}
        with np.load(folder / "points.npz", allow_pickle=False) as file:
            points = {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no truth of particles here ({error}); give a finished simulate job.") from error
    if "absent" in particles:  # one column of it had no axis of its own
        particles["absent"] = particles["absent"].reshape(len(particles["rotation"]), -1)
    moving = MovingMolecule(
        points["points"], points["weights"], points["codes"], points["offsets"], _hinges(record, points),
        record["point_width"], record["band"] if record["band"] is not None else np.inf,
        _numbered(points.get("part")),
    )  # fmt: skip
    return Truth(moving, **particles, box=record["box"], pixel_size=record["pixel_size"], record=record)


def _numbered(part: np.ndarray | None) -> np.ndarray | None:
    """`MovingMolecule.part`, which was whether a point is in the only part."""
    return part.astype(np.int16) - np.int16(1) if part is not None and part.dtype == bool else part


def _hinges(record: dict, points: dict) -> tuple[Hinge, ...]:
    code = np.repeat(points["codes"], np.diff(points["offsets"]))
    hinges = []
    for bit, row in enumerate(record["hinges"]):
        (low, high), moving = row["range"], (code >> bit & 1).astype(bool)
        hinges.append(Hinge(moving, np.array(row["pivot"]), np.array(row["axis"]), low, high,
                            row["circular"], row["draw"], row["moves"]))  # fmt: skip
    return tuple(hinges)


def dropped_record(parts: Sequence[DroppedPart]) -> list[dict]:
    """Parts that some particles lack as they stand in truth.json, that which a part comes after by its name."""
    after = [None if each.after is None else parts[each.after].selection for each in parts]
    return [{"part": each.selection, "share": each.share, "after": first} for each, first in zip(parts, after)]


def hinge_record(hinge: Hinge) -> dict:
    """A hinge as it stands in truth.json: degrees, Å relative to the centre of the map."""
    return {
        "moves": hinge.selection,
        "pivot": hinge.pivot.tolist(),
        "axis": hinge.axis.tolist(),
        "range": [hinge.low, hinge.high],
        "circular": hinge.circular,
        "draw": hinge.draw,
    }
