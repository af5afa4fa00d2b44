"""What moves in a reconstruction: the motion, poses and membership that a training has found of each particle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...explore.trained_model import Trained
from ...models.model_files import read_arrays
from ...particles.prepared import Prepared

if TYPE_CHECKING:
    import torch

    from ...engine.training.batches import Batch
    from ...engine.training.membership import Membership
    from ...engine.training.pose_corrections import Poses


@dataclass(frozen=True)
class ParticleMotion:
    """What is known of the particles beside their images.

    vertices_of : a batch's vertices ``(b, v, 3)`` Å. rest : ``(v, 3)`` Å. poses, membership : of all particles.
    """

    vertices_of: Callable[[Batch], torch.Tensor]
    rest: torch.Tensor
    poses: Poses
    membership: Membership


def check_model(trained: Trained, prepared: Prepared) -> None:
    """``InputError`` where the model moves nothing, or was trained on other particles."""
    if trained.model.moving is None:
        raise InputError(f"model: nothing moves in {trained.folder.name}, a {trained.model.kind} model; give a "
                         "training with a flow, or leave --model out for a rigid map.")  # fmt: skip
    own = trained.prepared
    if own.resolve() != prepared.folder.resolve():
        raise InputError(f"model: {trained.folder.name} was trained on the particles of {own.name}, not on those of "
                         f"{prepared.folder.name}; say --particles {own.name}.")  # fmt: skip
    if len(trained.latents) != len(prepared.particles):
        raise InputError(f"model: {trained.folder.name} has {len(trained.latents)} particles, but {own.name} has "
                         f"{len(prepared.particles)}; train again on them.")  # fmt: skip


def particle_motion(trained: Trained, device: str) -> ParticleMotion:
    """Of a training's newest checkpoint; those whose latents are no numbers count for nothing."""
    import torch

    from ...engine.training.membership import Membership
    from ...engine.training.pose_corrections import Poses

    moving, count = trained.model.moving_points, len(trained.latents)
    arrays = read_arrays(trained.folder / "latents.npz")
    latents = np.where(trained.finite[:, None], trained.latents, 0)

    def vertices_of(batch: Batch) -> torch.Tensor:
        vertices = moving.vertices(latents[batch.rows.cpu().numpy()])
        return torch.from_numpy(np.asarray(vertices, np.float32)).to(device)

    poses, membership = Poses.fixed(count, device), Membership.all(count, device)
    if "pose_correction" in arrays:
        correction, centre = (torch.from_numpy(arrays[name].astype(np.float32)).to(device)
                              for name in ("pose_correction", "pose_centre"))  # fmt: skip
        poses = Poses(correction, torch.ones(2, device=device), centre, float(arrays["pose_radius"]))
    probability = arrays.get("probability", np.ones(count)).astype(np.float32) * trained.finite
    membership.learn(torch.from_numpy(probability).to(device))
    rest = torch.from_numpy(moving.mesh.vertices.astype(np.float32)).to(device)
    return ParticleMotion(vertices_of, rest, poses, membership)

