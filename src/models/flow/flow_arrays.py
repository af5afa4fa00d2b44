"""The flow in numpy: the same numbers as `engine.flow.Flow` from the same arrays, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

AMPLITUDE = 4.0  # as in engine.flow
MOTION = 9  # numbers for each moving part, as in engine.flow


@dataclass(frozen=True, eq=False)
class FlowArrays:
    """A trained flow.

    Attributes
    ----------
    vertices : ``(v, 3)`` Å at rest. modes : ``(3 v, m)`` Å. membership : ``(v, p)``, rows summing to 1.
    pivot : ``(p, 3)`` Å. reach : ``(p,)`` Å. parent : ``(p,)``, −1 for roots. order : ``(p,)``, parents first.
    linear : ``(outputs, K)``. layers : weight ``(out, in)`` and bias ``(out,)`` of each layer of the network.
    """

    vertices: np.ndarray
    modes: np.ndarray
    membership: np.ndarray
    pivot: np.ndarray
    reach: np.ndarray
    parent: np.ndarray
    order: np.ndarray
    linear: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> Self:
        """From the arrays of ``Flow.state_dict()`` and ``parent`` and ``order``; ``KeyError`` where one is missing."""
        numbers = sorted(int(name.split(".")[1]) for name in state if name.startswith("network.") and "weight" in name)
        layers = tuple((state[f"network.{i}.weight"], state[f"network.{i}.bias"]) for i in numbers)
        own = {name: state[name] for name in ("vertices", "modes", "membership", "pivot", "reach", "parent", "order")}
        return cls(**own, linear=state["linear.weight"], layers=layers)

    @property
    def latent_dims(self) -> int:
        """K."""
        return self.linear.shape[1]

    @property
    def moving(self) -> tuple[int, ...]:
        """Parts that move about a joint, parents first."""
        return tuple(int(part) for part in self.order if self.parent[part] >= 0)

    def moved(self, z: np.ndarray) -> np.ndarray:
        """Moved vertices ``(b, v, 3)`` float32, Å, at latent points ``(b, K)``."""
        return self.place(self.coefficients(z))

    def coefficients(self, z: np.ndarray) -> np.ndarray:
        """The numbers ``(b, outputs)`` that describe the motion: mode coefficients, then nine for each moving part."""
        from scipy.special import expit

        hidden = z
        for weight, bias in self.layers[:-1]:
            hidden = hidden @ weight.T + bias
            hidden = hidden * expit(hidden)
        weight, bias = self.layers[-1]
        return AMPLITUDE * (z @ self.linear.T + hidden @ weight.T + bias)

    def place(self, coefficients: np.ndarray) -> np.ndarray:
        """Moved vertices ``(b, v, 3)`` for given ``coefficients``, in Å."""
        count = self.modes.shape[1]
        rest = self.vertices + self._residual(coefficients[:, :count]).reshape(len(coefficients), -1, 3)
        if not self.moving:
            return rest
        turns, slides = self._parts(coefficients[:, count:].reshape(len(coefficients), len(self.moving), MOTION))
        blended = np.tensordot(turns, self.membership, axes=(1, 1))  # (b, 3, 3, v)
        return np.einsum("bijv,bvj->bvi", blended, rest) + np.matmul(self.membership, slides)

    def _residual(self, coefficients: np.ndarray) -> np.ndarray:
        """Soft modes ``(b, 3 v)`` summed, Å."""
        if len(coefficients) > 2:
            return coefficients @ self.modes.T
        # one point at a time is too little to wake BLAS's threads for, which take 10 ms when the machine is busy
        return np.einsum("bm,vm->bv", coefficients, self.modes)

    def _parts(self, motion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rotation ``(b, p, 3, 3)`` and translation ``(b, p, 3)`` of each part from ``motion`` ``(b, moving, 9)``."""
        batch, parts = len(motion), len(self.parent)
        turns = np.tile(np.eye(3, dtype=motion.dtype), (batch, parts, 1, 1))
        slides = np.zeros((batch, parts, 3), motion.dtype)
        for i, part in enumerate(self.moving):
            own = rotation_from_six(motion[:, i, :6] / self.reach[part])
            offset = self.pivot[part] + motion[:, i, 6:] - own @ self.pivot[part]
            above = self.parent[part]
            turns[:, part] = turns[:, above] @ own
            slides[:, part] = (turns[:, above] @ offset[:, :, None])[:, :, 0] + slides[:, above]
        return turns, slides


def rotation_from_six(six: np.ndarray) -> np.ndarray:
    """Rotations ``(…, 3, 3)`` from six numbers ``(…, 6)``, zero giving the identity; as in `engine.flow`."""
    x = _unit(six[..., :3] + np.array([1, 0, 0], six.dtype))
    b = six[..., 3:] + np.array([0, 1, 0], six.dtype)
    y = _unit(b - (x * b).sum(axis=-1, keepdims=True) * x)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
