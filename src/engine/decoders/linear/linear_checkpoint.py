"""A trained linear model on disk, and what its training needs to go on: as `flow_checkpoint.py` does for the flow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ....errors import InputError
from ....mesh.map_files import write_map
from ...maps.half_maps import HalfMaps
from ...training.stage import Stage
from ...training.trainer import Trainer
from ..flow.flow_checkpoint import Output, history_arrays, read_tensors, write_about, write_tensors
from .density_components import SPARE
from .linear_training import LinearState

FORMAT = "flexrec-linear"
_ARRAYS = ("volumes", "noise", "first", "second", "fsc")


def save_linear(output: Output, trainer: Trainer, state: LinearState, stage: Stage, prepared: str) -> None:
    """Write map.mrc, component_1.mrc …, latents.npz, training.npz and, last, model.json."""
    found = state.found
    pixel_size = trainer.images.pixel_size * trainer.images.box / stage.box
    for k, volume in enumerate(found.volumes.cpu().numpy()):
        with output(f"component_{k}.mrc" if k else "map.mrc") as path:
            write_map(path, volume, pixel_size, trainer.mesh.centre)
    with output("latents.npz") as path:
        np.savez(path, z=found.latents.cpu().numpy(), precision=found.precision.cpu().numpy())
    with output("training.npz") as path:
        np.savez(path, information=state.information, noise=state.noise.cpu().numpy(), fsc=state.maps.fsc.cpu().numpy(),
                 **history_arrays(state.history))  # fmt: skip
    settings = {"latent_dims": trainer.settings.latent_dims}
    write_about(output, FORMAT, trainer, settings, state.epoch, stage, prepared)


def save_linear_resume(output: Output, trainer: Trainer, state: LinearState) -> None:
    """Write everything that the next pass depends on into one safetensors file."""
    maps = state.maps
    arrays = dict(zip(_ARRAYS, (state.volumes, state.noise, maps.first, maps.second, maps.fsc), strict=True))
    words = {"epoch": state.epoch, "maps_box": state.maps_box, "particles": len(trainer.images),
             "history": state.history}  # fmt: skip
    write_tensors(output, FORMAT, arrays, words)


def load_linear_resume(path: Path, trainer: Trainer) -> LinearState:
    """The state that `save_linear_resume` wrote; ``InputError`` where it is not of this training."""
    tensors, words = read_tensors(path, FORMAT, trainer.device, _ARRAYS)
    dims, count = trainer.settings.latent_dims, len(trainer.images)
    volumes, noise, first, second, fsc = (tensors[name] for name in _ARRAYS)
    found = len(volumes) - 1 - SPARE
    if (found, words["particles"]) != (dims, count):
        raise InputError(
            f"{path}: a checkpoint of {words['particles']} particles in {found} latent dimensions, not of these "
            f"{count} in {dims}; resume it with the particles it began with."
        )
    return LinearState(volumes, noise, HalfMaps(first, second, fsc), words["maps_box"], words["epoch"],
                       history=words["history"])  # fmt: skip
