"""The bodies decoder: a flow whose parts turn and slide as rigid bodies, and do not bend (multi-body refinement).

All that a flow is, it is, but for the directions in which the mesh may go (`body_motions.py`): cells between two
parts, which share their vertices, are all that is strained. The training leaves each body's pose in each image, and
its mask.
"""

from __future__ import annotations

import numpy as np
import torch

from ....errors import InputError
from ....mesh.map_files import write_map
from ....mesh.shape import vertex_parts
from ....mesh.tetmesh import TetMesh
from ....particles.particles import Particles
from ...latents.particle_latents import ParticleLatents
from ...training.stage import Stage
from ...training.trainer import Trainer
from ..decoder import Output
from ..flow.flow_decoder import FlowDecoder
from ..flow.flow_network import MotionBasis
from .bodies_parameters import BodiesParameters
from .body_motions import body_motion_basis
from .body_poses import body_poses
from .rigid_bodies import RigidBodies


class BodiesDecoder(FlowDecoder):
    """A motion of the mesh's parts, learned."""

    format, network = "flexrec-bodies", RigidBodies
    first_modes = 60  # of ten bodies: none of their motions is finer than another
    settings: BodiesParameters
    flow: RigidBodies

    def __init__(self, settings: BodiesParameters | None = None) -> None:
        super().__init__(settings or BodiesParameters())

    def motion_basis(self, mesh: TetMesh, mass: np.ndarray) -> MotionBasis:
        """The mesh's parts; ``InputError`` where it has one alone."""
        if mesh.parts < 2:
            raise InputError("mesh: it has one part alone, so there are no bodies to move against each other; make one "
                             "with --parts, --segments or --bodies.")  # fmt: skip
        return body_motion_basis(mesh, mass)

    def particle_files(self, trainer: Trainer, points: ParticleLatents) -> dict[str, Particles]:
        """The poses of each body in all images."""
        own = body_poses(trainer.images.particles, trainer.poses, self.flow, points.z)
        return {f"body_{number}": particles for number, particles in enumerate(own, 1)}

    def write(self, output: Output, trainer: Trainer, stage: Stage) -> None:
        """The flow's files, and the mask of each body."""
        super().write(output, trainer, stage)
        pixel_size = trainer.images.pixel_size * trainer.images.box / stage.box
        for number, share in enumerate(vertex_parts(trainer.mesh).T.astype(np.float32), 1):
            inside = stage.cloud.interpolate(torch.from_numpy(share).to(stage.device)).clamp(0, 1)
            with output(f"body_{number}_mask.mrc") as path:
                write_map(path, stage.cloud.scatter(inside).cpu().numpy(), pixel_size, trainer.mesh.centre)
