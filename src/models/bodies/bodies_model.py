"""A trained motion of rigid bodies, read from its folder: a flow whose parts do not bend. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from ..flow.flow_arrays import FlowArrays
from ..flow.flow_files import read_moved_mesh
from ..flow.flow_model import FlowModel
from ..model_files import read_stage, unfit

NUMBERS = 6  # of a rigid motion: slide and spin


@dataclass(frozen=True, eq=False)
class BodyArrays(FlowArrays):
    """Trained bodies: the same numbers as `engine.decoders.bodies.RigidBodies` from the same arrays.

    ``generators`` ``(g, 6, 6)`` are slide (Å) and spin (radians) for unit coefficients, of the whole and of each part
    but the first of ``order``.
    """

    generators: np.ndarray

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> Self:
        """From the arrays that training has written; ``KeyError`` where one is missing."""
        return cls(**vars(FlowArrays.from_state(state)), generators=state["generators"])

    @property
    def moving(self) -> tuple[int, ...]:
        """None has numbers beside the modes."""
        return ()

    def place(self, coefficients: np.ndarray) -> np.ndarray:
        """Moved vertices ``(b, v, 3)`` for given ``coefficients``, in Å."""
        turns, slides = self.bodies(coefficients)
        blended = np.tensordot(turns, self.membership, axes=(1, 1))  # (b, 3, 3, v)
        return np.einsum("bijv,vj->bvi", blended, self.vertices) + np.matmul(self.membership, slides)

    def bodies(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turns ``(b, p, 3, 3)`` and slides ``(b, p, 3)`` Å: part p has a point x of it at turn x + slide."""
        groups = coefficients.reshape(len(coefficients), -1, NUMBERS)
        motion = np.einsum("gij,bgj->bgi", self.generators, groups)
        own = rotation_by(motion[..., 3:])
        turns = np.empty((len(coefficients), len(self.parent), 3, 3), own.dtype)
        slides = np.empty((len(coefficients), len(self.parent), 3), own.dtype)
        for g, part in enumerate(self.order):
            kept = self.pivot[part] + motion[:, g, :3] - own[:, g] @ self.pivot[part]
            above = self.parent[part]
            if above < 0:
                turns[:, part], slides[:, part] = own[:, g], kept
                continue
            turns[:, part] = turns[:, above] @ own[:, g]
            slides[:, part] = (turns[:, above] @ kept[:, :, None])[:, :, 0] + slides[:, above]
        return turns, slides


def rotation_by(vector: np.ndarray) -> np.ndarray:
    """Rotations ``(…, 3, 3)`` by vectors ``(…, 3)``, radians (Rodrigues)."""
    x, y, z = np.moveaxis(vector, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    first = np.sinc(angle / np.pi) * cross
    return (np.eye(3) + first + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * (cross @ cross)).astype(vector.dtype)


@dataclass(frozen=True, eq=False, kw_only=True)
class BodiesModel(FlowModel):
    """A trained bodies model, read from a train job; it says itself where points go."""

    kind = "bodies"

    flow: BodyArrays


def read_bodies_model(folder: Path, about: dict) -> BodiesModel:
    """The bodies model in a folder whose model.json says ``about``; ``InputError`` where its files do not fit together.
    """
    mesh, flow = read_moved_mesh(folder, about, BodyArrays)
    parts = len(flow.parent)
    fits = flow.generators.shape == (parts, NUMBERS, NUMBERS) and flow.modes.shape[1] == NUMBERS * parts
    if not fits or (flow.parent < 0).sum() != 1 or flow.parent[flow.order[0]] >= 0:
        raise unfit(folder / "flow.npz", "has bodies that do not fit")
    return BodiesModel(mesh=mesh, flow=flow, **read_stage(folder, about))
