"""Read a linear model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..model_files import read_stage, read_stage_map
from .linear_model import LinearModel


def read_linear_model(folder: Path, about: dict) -> LinearModel:
    """The linear model in a folder whose model.json says ``about``; ``InputError`` where its files do not fit together.
    """
    stage = read_stage(folder, about)
    names = [f"component_{k + 1}.mrc" for k in range(about["latent_dims"])]
    return LinearModel(components=np.stack([read_stage_map(folder / name, about) for name in names]), **stage)
