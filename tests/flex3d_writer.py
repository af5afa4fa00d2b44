"""A folder as jobs of cryoSPARC's 3D Flex leave it, as far as public programs and notebooks tell.

Latents: NAME_latents_NNN.cs, uid with components_mode_K/component and /value (Scipion, cryosparc-tools). Generated
series: NAME_series_000/NAME_series_000_frame_NNN.mrc; a custom trajectory is a table with a row for each point
(cryosparc-tools). What else is passed on is as in 3D Variability.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.models.linear.linear_model import LinearModel
from variability_writer import coordinates, images, save

NAME = "J20"


def write_flex3d(folder: Path, model: LinearModel) -> Path:
    """Latents, the canonical map, and the table that was passed through with the images."""
    folder.mkdir(parents=True)
    uid = np.random.default_rng(1).permutation(10 * len(model.latents)).astype("<u8")[: len(model.latents)]
    save(folder / f"{NAME}_latents_010.cs", coordinates(uid, model.latents))
    save(folder / f"{NAME}_passthrough_particles.cs", images(folder, uid, model)[::-1])
    write_map(folder / f"{NAME}_map.mrc", model.volume, model.pixel_size)
    return folder


def write_trajectory(folder: Path, model: LinearModel, along: np.ndarray, points: bool = True) -> Path:
    """Frames at latent points, and the table of the trajectory that was asked for."""
    folder.mkdir()
    for number, point in enumerate(along):
        write_map(folder / f"{folder.name}_frame_{number:03d}.mrc", model.decode(point), model.pixel_size)
    if points:
        save(folder / "trajectory.cs", coordinates(np.arange(len(along), dtype=np.uint64), along))
    return folder
