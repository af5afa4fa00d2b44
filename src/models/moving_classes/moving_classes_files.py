"""Read a model of classes that move."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..flow.flow_arrays import FlowArrays
from ..flow.flow_files import read_moved_mesh
from ..model_files import read_stage, read_stage_map, unfit
from .moving_classes_model import MovingClassesModel


def read_moving_classes_model(folder: Path, about: dict) -> MovingClassesModel:
    """The model in a folder whose model.json says ``about``; ``InputError`` where its files do not fit together."""
    classes = about.get("classes")
    if not isinstance(classes, int) or classes < 2:
        raise unfit(folder / "model.json", "does not say how many classes there are")
    mesh, flow = read_moved_mesh(folder, about, FlowArrays)
    stage = read_stage(folder, about | {"latent_dims": about["latent_dims"] + classes - 1})
    volumes = np.stack([read_stage_map(folder / f"class_{k + 1}.mrc", about) for k in range(classes)])
    return MovingClassesModel(mesh=mesh, flow=flow, volumes=volumes, **stage)
