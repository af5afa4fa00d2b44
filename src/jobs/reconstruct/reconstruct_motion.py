"""What moves in a reconstruction: the motion, poses and membership that a training has found of each particle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...explore.trained_model import Trained, open_trained
from ...models.model_files import read_arrays
from ...particles.prepared import Prepared

if TYPE_CHECKING:
    import torch

    from ...engine.training.batches import Batch
    from ...engine.training.membership import Membership
    from ...engine.training.pose_corrections import Poses
    from ...engine.training.signal_scales import SignalScales

SAMPLE = 2000  # particles whose motion is averaged


@dataclass(frozen=True)
class ParticleMotion:
    """What is known of the particles beside their images.

    vertices_of : a batch's vertices ``(b, v, 3)`` Å. rest : ``(v, 3)`` Å. poses, membership, signal : of all particles.
    """

    vertices_of: Callable[[Batch], torch.Tensor]
    rest: torch.Tensor
    poses: Poses
    membership: Membership
    signal: SignalScales


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


def half_models(trained: Trained) -> tuple[Trained, Trained]:
    """The two models that a training with --halves has made; ``InputError`` where it has none."""
    folders = [trained.folder / name for name in ("half1", "half2")]
    if not all((folder / "model.json").is_file() for folder in folders):
        raise InputError(f"independent: {trained.folder.name} has no models of halves; train with --halves, or leave "
                         "--independent out.")  # fmt: skip
    return open_trained(folders[0]), open_trained(folders[1])


def counted_rows(trained: Trained) -> np.ndarray:
    """Rows ``(m,)`` of the particles that have a latent point and may be particles at all."""
    return np.flatnonzero(trained.finite & (trained.probability > 0))


def mean_place(trained: Trained, rows: np.ndarray) -> np.ndarray:
    """Where the vertices ``(v, 3)`` Å are on average over particles ``rows``, or a sample of them."""
    rows = rows[trained.finite[rows]]
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), SAMPLE)).astype(int)]
    places = (trained.model.moving_points.vertices(part) for part in np.array_split(trained.latents[rows], 16))
    return sum(each.sum(axis=0, dtype=np.float64) for each in places) / len(rows)


def particle_motion(trained: Trained, device: str, offset: np.ndarray | None = None) -> ParticleMotion:
    """Of a training's newest checkpoint; those whose latents are no numbers count for nothing.

    ``offset`` ``(v, 3)`` Å is added to where the vertices are. A model whose particles are at ū(x) on average makes, by
    an offset of ū′ − ū, a map in the place of a model whose mean is ū′: to first order, what is at rest there.
    """
    import torch

    from ...engine.training.membership import Membership
    from ...engine.training.pose_corrections import Poses
    from ...engine.training.signal_scales import SignalScales

    moving, count = trained.model.moving_points, len(trained.latents)
    arrays = read_arrays(trained.folder / "latents.npz")
    latents = np.where(trained.finite[:, None], trained.latents, 0)

    def vertices_of(batch: Batch) -> torch.Tensor:
        vertices = moving.carried(latents[batch.rows.cpu().numpy()])
        if offset is not None:
            vertices[..., :3] += offset
        return torch.from_numpy(np.asarray(vertices, np.float32)).to(device)

    poses, membership = Poses.fixed(count, device), Membership.all(count, device)
    if "pose_correction" in arrays:
        correction, centre = (torch.from_numpy(np.nan_to_num(arrays[name]).astype(np.float32)).to(device)
                              for name in ("pose_correction", "pose_centre"))  # fmt: skip
        poses = Poses(correction, torch.ones(2, device=device), centre, float(arrays["pose_radius"]))
    membership.learn(torch.from_numpy(np.nan_to_num(trained.probability) * trained.finite).float().to(device))
    rest = torch.from_numpy(moving.mesh.vertices.astype(np.float32)).to(device)
    signal = SignalScales.of(arrays.get("signal_scale"), count, device)
    return ParticleMotion(vertices_of, rest, poses, membership, signal)
