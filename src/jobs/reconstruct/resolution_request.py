"""What is known of a reconstruction beside its half-maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...mesh.tetmesh import TetMesh


@dataclass(frozen=True, eq=False)
class ResolutionRequest:
    """What is known beside two half-maps.

    mask : file of the mask that was given. mesh : whose mask and parts are used. labels : (p,) of its parts. b_factor :
    Å² that was given, negative to sharpen; fitted without. views : (n, 3, 3) rotations of all particles. weight : (n,)
    of each, all alike without. centre : (3,) Å xyz, where voxel N//2 lies. twin_name : what the twin is.
    """

    mask: Path | None = None
    mesh: TetMesh | None = None
    labels: tuple[int, ...] | None = None
    b_factor: float | None = None
    views: np.ndarray | None = None
    weight: np.ndarray | None = None
    centre: np.ndarray | None = None
    twin_name: str = "rigid"
