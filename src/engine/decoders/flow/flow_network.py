"""The flow: from a latent point to the moved vertices of the mesh.

z → a small network → rigid motions of the parts, each relative to the part it is joined to, about the joint, plus a
residual displacement of every vertex in the basis of the mesh's soft modes (`soft_modes.py`). A straight-through
linear term beside the network makes the linear model its special case, so that training can start from one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ....mesh.shape import vertex_parts
from ....mesh.tetmesh import TetMesh
from .soft_modes import RIGID_MOTIONS, soft_modes

# Å of the softest mode per unit of the network's output: steps of an optimiser are then steps of motion
AMPLITUDE = 4.0
MOTION = 9  # six numbers for a rotation, three for a translation


@dataclass(frozen=True)
class MotionBasis:
    """What the flow moves: the mesh at rest and the directions in which it may go.

    Attributes
    ----------
    vertices : ``(v, 3)`` Å at rest.
    modes : ``(3 v, m)`` Å, soft modes scaled so that every coefficient of order one costs about the same rigidity.
    membership : ``(v, p)`` share of each part in each vertex, rows summing to 1.
    parent : ``(p,)`` the part that each part is joined to, −1 for roots; parents come before children in ``order``.
    order : ``(p,)`` parts, parents first. pivot : ``(p, 3)`` Å, the joint about which each part turns.
    reach : ``(p,)`` Å, radius of gyration of each part about its pivot: turns angles into comparable distances.
    held : whether some of the mesh stands still, so that the first six modes, which move all of it, are not used.
    part_names : ``(p,)`` what a person calls the parts.
    """

    vertices: np.ndarray
    modes: np.ndarray
    membership: np.ndarray
    parent: np.ndarray
    order: np.ndarray
    pivot: np.ndarray
    reach: np.ndarray
    held: bool = False
    part_names: tuple[int, ...] = ()


def build_motion_basis(mesh: TetMesh, mass: np.ndarray, mode_count: int) -> MotionBasis:
    """The basis of a mesh; ``mass`` ``(v,)`` is the density that each vertex carries."""
    modes, stiffness = soft_modes(mesh, mass, mode_count)
    softness = np.sqrt(stiffness[stiffness > 0].min() / np.maximum(stiffness, stiffness[stiffness > 0].min()))
    return jointed_motion_basis(mesh, mass, modes * softness)


def jointed_motion_basis(mesh: TetMesh, mass: np.ndarray, modes: np.ndarray) -> MotionBasis:
    """The basis of a mesh with these ``modes`` ``(3 v, m)`` Å, its parts turning about their joints."""
    membership = vertex_parts(mesh)
    parent, order = _tree(membership.shape[1], mesh.joints)
    belongs = membership if mesh.free is None else _held_by_root(membership, mesh.free, int(order[0]))
    vertices = mesh.vertices.astype(np.float64)
    pivot = np.stack([_pivot(vertices, membership, part, parent[part]) for part in range(len(parent))])
    reach = np.array([_reach(vertices, membership[:, p] * mass, pivot[p]) for p in range(len(parent))])
    return MotionBasis(vertices, modes, belongs, parent, order, pivot, reach, mesh.free is not None, mesh.part_names)


def _held_by_root(membership: np.ndarray, free: np.ndarray, root: int) -> np.ndarray:
    """``membership`` ``(v, p)`` of which what is not ``free`` ``(v,)`` goes to a part that hangs on no other."""
    belongs = free[:, None] * membership
    belongs[:, root] += 1 - free
    return belongs


def _tree(parts: int, joints: tuple[tuple[int, int], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Parent of each part, and the parts ordered so that a parent precedes its children."""
    parent = np.full(parts, -1)
    for a, b in joints:
        parent[b] = a
    depth = [0] * parts
    for part in range(parts):
        above = parent[part]
        while above >= 0:
            depth[part] += 1
            above = parent[above]
    return parent, np.argsort(depth, kind="stable")


def _pivot(vertices: np.ndarray, membership: np.ndarray, part: int, parent: int) -> np.ndarray:
    """Where a part turns: the centre of the vertices it shares with its parent, else its own centre."""
    share = membership[:, part] * (membership[:, parent] if parent >= 0 else 1)
    if share.sum() == 0:
        share = membership[:, part]
    return share @ vertices / share.sum()


def _reach(vertices: np.ndarray, mass: np.ndarray, pivot: np.ndarray) -> float:
    """Root mean square distance of a part's mass from its pivot, Å."""
    squared = ((vertices - pivot) ** 2).sum(axis=1)
    return float(np.sqrt(np.average(squared, weights=mass + 1e-6 * mass.max() + 1e-12)))


def rotation_from_six(six: torch.Tensor) -> torch.Tensor:
    """Rotations ``(…, 3, 3)`` from six unbounded numbers ``(…, 6)``, zero giving the identity.

    Gram–Schmidt on two columns (Zhou et al. 2019). Unlike the exponential map of a rotation vector it is onto with a
    continuous inverse, so a latent that runs round a circle can turn a part by 360° without a jump.
    """
    base = torch.tensor([1.0, 0, 0, 0, 1.0, 0], dtype=six.dtype, device=six.device)
    a, b = (six + base).split(3, dim=-1)
    x = nn.functional.normalize(a, dim=-1)
    y = nn.functional.normalize(b - (x * b).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


class Flow(nn.Module):
    """Latent points ``(b, k)`` to moved vertices ``(b, v, 3)``, Å."""

    vertices: torch.Tensor
    modes: torch.Tensor
    membership: torch.Tensor
    pivot: torch.Tensor
    reach: torch.Tensor

    def __init__(self, basis: MotionBasis, latent_dims: int, hidden_units: int = 64, hidden_layers: int = 3) -> None:
        """A flow at rest: the linear term and the network's last layer are zero."""
        super().__init__()
        self.latent_dims, self.held = latent_dims, basis.held
        self.parent = tuple(int(p) for p in basis.parent)
        self.order = tuple(int(p) for p in basis.order)
        for name in ("vertices", "modes", "membership", "pivot", "reach"):
            self.register_buffer(name, torch.from_numpy(np.asarray(getattr(basis, name), np.float32)))
        self.moving = self._articulated()
        outputs = self.modes.shape[1] + MOTION * len(self.moving)
        self.linear = nn.Linear(latent_dims, outputs, bias=False)
        layers: list[nn.Module] = []
        width = latent_dims
        for _ in range(hidden_layers):
            layers += [nn.Linear(width, hidden_units), nn.SiLU()]
            width = hidden_units
        self.network = nn.Sequential(*layers, nn.Linear(width, outputs))
        with torch.no_grad():
            self.linear.weight.zero_()
            self.layer(-1).weight.zero_()
            self.layer(-1).bias.zero_()

    def _articulated(self) -> tuple[int, ...]:
        """Parts that have nine outputs each, parents first: those that are joined to another."""
        return tuple(p for p in self.order if self.parent[p] >= 0)

    def layer(self, number: int) -> nn.Linear:
        """The first (0) or last (-1) layer of the network."""
        layer = self.network[number]
        if not isinstance(layer, nn.Linear):
            raise TypeError(f"layer {number} of the flow's network has no weights")
        return layer

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Moved vertices ``(b, v, 3)`` at latent points ``(b, k)``."""
        return self.place(self.coefficients(z))

    def carry(self, z: torch.Tensor) -> torch.Tensor:
        """What images are made of: moved vertices ``(b, v, 3)``, or ``(b, v, 4)`` with the share of density there."""
        return self(z)

    def coefficients(self, z: torch.Tensor) -> torch.Tensor:
        """The numbers ``(b, outputs)`` that describe the motion: mode coefficients, then nine for each moving part."""
        numbers = AMPLITUDE * (self.linear(z) + self.network(z))
        if self.held:  # what would move them stays zero, having no gradient
            numbers = torch.cat([torch.zeros_like(numbers[:, :RIGID_MOTIONS]), numbers[:, RIGID_MOTIONS:]], dim=1)
        return numbers

    def place(self, coefficients: torch.Tensor) -> torch.Tensor:
        """Moved vertices ``(b, v, 3)`` for given ``coefficients``, in Å."""
        count = self.modes.shape[1]
        residual = (coefficients[:, :count] @ self.modes.T).reshape(len(coefficients), -1, 3)
        rest = self.vertices + residual
        if not self.moving:
            return rest
        return self._articulate(rest, coefficients[:, count:].reshape(len(coefficients), len(self.moving), MOTION))

    def _articulate(self, rest: torch.Tensor, motion: torch.Tensor) -> torch.Tensor:
        """Move each part with its parent and then about its joint; shared vertices take the mean of their parts."""
        b = len(rest)
        eye = torch.eye(3, dtype=rest.dtype, device=rest.device).expand(b, 3, 3)
        turn = {part: eye for part in self.order}
        slide = {part: torch.zeros(b, 3, dtype=rest.dtype, device=rest.device) for part in self.order}
        for i, part in enumerate(self.moving):
            own = rotation_from_six(motion[:, i, :6] / self.reach[part])
            pivot = self.pivot[part]
            offset = pivot + motion[:, i, 6:] - (own @ pivot)
            above = self.parent[part]
            turn[part] = turn[above] @ own
            slide[part] = (turn[above] @ offset[:, :, None]).squeeze(-1) + slide[above]
        turns = torch.stack([turn[p] for p in range(len(self.parent))], dim=1)
        slides = torch.stack([slide[p] for p in range(len(self.parent))], dim=1)
        blended = torch.einsum("vp,bpij->bvij", self.membership, turns)
        return (blended @ rest[..., None]).squeeze(-1) + torch.einsum("vp,bpi->bvi", self.membership, slides)

    def take(self, arrays: dict[str, torch.Tensor]) -> None:
        """Be a trained flow, whose `state_dict` these are."""
        self.load_state_dict(arrays)

    @torch.no_grad()
    def reparametrise(self, mean: torch.Tensor, scale: torch.Tensor) -> None:
        """Rewrite the flow for latents z' with z = z' @ scale + mean, the motion staying the same.

        ``mean`` ``(k,)``, ``scale`` ``(k, k)``.
        """
        first = self.layer(0)
        first.bias.add_(first.weight @ mean)
        first.weight.copy_(first.weight @ scale.T)
        self.layer(-1).bias.add_(self.linear.weight @ mean)
        self.linear.weight.copy_(self.linear.weight @ scale.T)
