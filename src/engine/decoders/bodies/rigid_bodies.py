"""From a latent point to where the bodies are: z → a small network → a rigid motion of each."""

from __future__ import annotations

import numpy as np
import torch

from ..flow.flow_network import Flow, MotionBasis
from ..flow.soft_modes import RIGID_MOTIONS
from .body_motions import generators


class RigidBodies(Flow):
    """Latent points ``(b, k)`` to moved vertices ``(b, v, 3)``, Å, of a `body_motion_basis`.

    Its coefficients are six for the whole and six for each part but the root. Turns are by the exponential map, which
    is the identity to first order where the coefficients are zero.
    """

    generators: torch.Tensor

    def __init__(self, basis: MotionBasis, latent_dims: int, hidden_units: int = 64, hidden_layers: int = 3) -> None:
        """Bodies at rest."""
        super().__init__(basis, latent_dims, hidden_units, hidden_layers)
        self.register_buffer("generators", torch.from_numpy(generators(basis).astype(np.float32)))

    def _articulated(self) -> tuple[int, ...]:
        """None: what moves a part are modes."""
        return ()

    def place(self, coefficients: torch.Tensor) -> torch.Tensor:
        """Moved vertices ``(b, v, 3)`` for given ``coefficients``, in Å; shared vertices take the mean of their parts.
        """
        turns, slides = self.bodies(coefficients)
        blended = torch.einsum("vp,bpij->bvij", self.membership, turns)
        slid = torch.einsum("vp,bpi->bvi", self.membership, slides)
        return (blended @ self.vertices[..., None]).squeeze(-1) + slid

    def bodies(self, coefficients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Turns ``(b, p, 3, 3)`` and slides ``(b, p, 3)`` Å: part p has a point x of it at turn x + slide."""
        groups = coefficients.reshape(len(coefficients), -1, RIGID_MOTIONS)
        slide, spin = torch.einsum("gij,bgj->bgi", self.generators, groups).split(3, dim=2)
        own = rotation_by(spin)
        root = self.order[0]
        # about the pivot c: x → R (x − c) + c + s
        kept = [self.pivot[part] + slide[:, g] - own[:, g] @ self.pivot[part] for g, part in enumerate(self.order)]
        turn, offset = {root: own[:, 0]}, {root: kept[0]}
        for g, part in enumerate(self.order[1:], 1):
            above = self.parent[part]
            turn[part] = turn[above] @ own[:, g]
            offset[part] = (turn[above] @ kept[g][:, :, None]).squeeze(-1) + offset[above]
        parts = range(len(self.parent))
        return torch.stack([turn[p] for p in parts], dim=1), torch.stack([offset[p] for p in parts], dim=1)


def rotation_by(vector: torch.Tensor) -> torch.Tensor:
    """Rotations ``(…, 3, 3)`` by vectors ``(…, 3)``, radians (Rodrigues): 1 + (sin θ / θ) K + ((1 − cos θ) / θ²) K².

    Smooth at zero, its gradient too.
    """
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    angle = (vector.square().sum(dim=-1) + 1e-12).sqrt()[..., None, None]
    eye = torch.eye(3, dtype=vector.dtype, device=vector.device)
    # torch.sinc(t) is sin(π t) / (π t), and 1 − cos θ = 2 sin²(θ / 2)
    return eye + torch.sinc(angle / torch.pi) * cross + 0.5 * torch.sinc(angle / (2 * torch.pi)) ** 2 * (cross @ cross)
