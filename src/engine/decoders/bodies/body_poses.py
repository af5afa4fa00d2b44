"""Where each body is in each image: the particle's pose composed with the body's own motion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ....particles.particles import Particles
from ...training.pose_corrections import Poses
from .rigid_bodies import RigidBodies

CHUNK = 4096


@torch.no_grad()
def body_poses(particles: Particles, poses: Poses, flow: RigidBodies, z: torch.Tensor) -> list[Particles]:
    """The particles with the poses of each part, at latents ``z`` ``(n, k)``, in RELION's convention.

    A point x of a body at rest lies at T x + t in the molecule, and is seen at V (T x + t) + s, V being the view and
    s the in-plane offset of the corrected pose: the body has rotation V T, and its image's shift, which is what brings
    the particle to the centre and so has the sign of −s, is less by the first two coordinates of V t.
    """
    rotation = torch.from_numpy(particles.rotation).to(z.device, torch.float64)
    exact = replace(poses, correction=poses.correction.double(), centre=poses.centre.double())
    view, offset = exact.view(rotation, exact.correction)
    moved = [flow.bodies(flow.coefficients(part)) for part in z.split(CHUNK)]
    turns, slides = (torch.cat(each).double() for each in zip(*moved, strict=True))
    own = []
    for part in range(turns.shape[1]):
        seen = (view @ slides[:, part, :, None]).squeeze(-1)[:, :2]
        shift = particles.shift - (offset + seen).cpu().numpy()
        own.append(replace(particles, rotation=orthonormal((view @ turns[:, part]).cpu().numpy()), shift=shift))
    return own


def orthonormal(rotation: np.ndarray) -> np.ndarray:
    """The nearest rotations ``(n, 3, 3)``: the network's are of single precision."""
    u, _, v = np.linalg.svd(rotation)
    return u @ v
