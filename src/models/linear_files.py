"""Read a linear model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .files import read_latents, read_stage_centre, read_stage_map, stage_pixel_size
from .linear_model import LinearModel


def read_linear_model(folder: Path, about: dict) -> LinearModel:
    """The linear model in a folder whose model.json says ``about``; ``InputError`` where its files do not fit together.
    """
    latents, precision = read_latents(folder / "latents.npz", about["latent_dims"])
    names = [f"component_{k + 1}.mrc" for k in range(about["latent_dims"])]
    return LinearModel(
        latents=latents,
        precision=precision,
        volume=read_stage_map(folder / "map.mrc", about),
        components=np.stack([read_stage_map(folder / name, about) for name in names]),
        box=about["stage_box"],
        pixel_size=stage_pixel_size(about),
        centre=read_stage_centre(folder / "map.mrc", about),
        latent_dims=about["latent_dims"],
        epoch=about["epoch"],
        epochs=about["epochs"],
    )
