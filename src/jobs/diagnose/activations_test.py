"""What the networks of a training do with the particles: how active their layers are, and an example of the flow."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...explore.bending import spread_rows
from ..job_folder import JobRun
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from .finished_training import FinishedTraining, finished_training
from .keep_finding import keep_finding
from .restored_training import RestoredTraining, restore

if TYPE_CHECKING:
    from torch import nn

PICTURE, FLOW = "activations.png", "example_flow.png"
IMAGES = 512  # looked at
STILL = 0.01  # of a layer's mean spread: a unit that varies less from particle to particle does nothing
IDLE, VERY_IDLE = 0.5, 0.95  # share of a layer's units that do nothing
PERCENTILES = (5, 95)  # along the first latent axis
READING = (
    "Upper picture: what the units of each layer put out, over particles. Spreads of about the same size from layer "
    "to layer are healthy; a layer whose spread is a hundred times that of its neighbours is on its way to blow up, "
    "and one of no spread passes nothing on, so that all particles would get one map. Lower picture: the flow at "
    "both ends of the first latent axis. Whole domains that swing are motion; arrows in all directions are noise."
)


@dataclass(frozen=True, eq=False)
class Layer:
    """``name``; ``values`` ``(m, units)`` over particles (and places, where the network is asked for several)."""

    name: str
    values: np.ndarray

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation ``(units,)`` of each unit."""
        return self.values.std(axis=0)

    @property
    def idle(self) -> float:
        """Share of the units that do nothing."""
        spread = self.spread
        return float((spread <= STILL * max(spread.mean(), 1e-12)).mean())


def run(model: Path, device: str, job: JobRun) -> None:
    """Write activations.json, activations.png, and example_flow.png where the model moves."""
    from ...figures.activations_figure import draw_activations
    from ..train.train_run import choose_device

    training = finished_training(model)
    layers = layers_of(training, restore(training, choose_device(device)), job)
    if layers is None:
        return
    level, sentence = judge(layers)
    with job.output(PICTURE) as path:
        draw_activations(path, [(layer.name, layer.values) for layer in layers], sentence)
    pictures = [(PICTURE, "")]
    if training.model.moving is not None:
        _draw_flow(training, job)
        pictures.append((FLOW, ""))
    rows = tuple((layer.name, f"spread {np.median(layer.spread):.3g}, largest value "
                  f"{np.abs(layer.values).max():.3g}, {100 * layer.idle:.0f} % of {layer.values.shape[1]} units do "
                  "nothing") for layer in layers)  # fmt: skip
    numbers = {layer.name: {"spread": float(np.median(layer.spread)), "idle": layer.idle,
                            "largest": float(np.abs(layer.values).max())} for layer in layers}  # fmt: skip
    keep_finding(job, Finding("activations", level, sentence, READING, rows, tuple(pictures), numbers), training)


def networks(part: object) -> dict[str, nn.Module]:
    """The networks that a decoder or a latent source has, itself or in what it keeps, by their names there."""
    from torch import nn

    modules: dict[str, nn.Module] = {}
    for name, value in vars(part).items():
        if isinstance(value, nn.Module):
            modules[name] = value
        elif is_dataclass(value) and not isinstance(value, type):
            inner = {each.name: getattr(value, each.name) for each in fields(value)}
            modules |= {f"{name}.{key}": each for key, each in inner.items() if isinstance(each, nn.Module)}
    return modules


def layers_of(training: FinishedTraining, restored: RestoredTraining, job: JobRun) -> list[Layer] | None:
    """What each linear layer of the networks puts out for some particles; None where the job was asked to stop.

    A layer is a module that is called: a linear one, or one that what the layer puts out passes through unchanged.
    """
    import torch
    from torch import nn

    done, recorded = 0, dict[str, list[np.ndarray]]()

    def watch(name: str):
        def keep(module: nn.Module, given: object, out: object) -> None:
            values = out.detach().flatten(0, -2).float().cpu().numpy()  # type: ignore[attr-defined]
            recorded.setdefault(name, []).append(values[spread_rows(len(values), 64)])
        return keep

    decoder, source = restored.training.decoder, restored.training.source
    source_networks = networks(source)
    hooks = [module.register_forward_hook(watch(f"{network}.{name}"))
             for network, whole in {**source_networks, **networks(decoder)}.items()
             for name, module in whole.named_modules() if isinstance(module, (nn.Linear, nn.Identity))]  # fmt: skip
    if not hooks:
        raise InputError(f"model: {training.folder.name} has no network whose activations could be looked at.")
    rows = training.members[spread_rows(len(training.members), IMAGES)]
    try:
        for batch, _ in restored.predicted(rows, job, "activations"):
            if source_networks:
                with torch.no_grad():
                    source.place_again(restored.now, decoder, batch, restored.training.points.z[batch.rows])
            done += len(batch)
    finally:
        for hook in hooks:
            hook.remove()
    if done < len(rows):
        return None
    return [Layer(name, np.concatenate(values)) for name, values in recorded.items()]


def judge(layers: list[Layer]) -> tuple[str, str]:
    """A level and a sentence."""
    broken = [layer.name for layer in layers if not np.isfinite(layer.values).all()]
    if broken:
        return BAD, f"The network puts out numbers that are none in {broken[0]}."
    idlest = max(layers, key=lambda layer: layer.idle)
    dead = [layer.name for layer in layers if not layer.spread.max() > 0]
    if dead or idlest.idle > VERY_IDLE:
        return BAD, f"Layer {(dead or [idlest.name])[0]} passes on next to nothing: all particles look alike to it."
    if idlest.idle > IDLE:
        return DOUBTFUL, (f"{100 * idlest.idle:.0f} % of the units of {idlest.name} do nothing; the network is larger "
                          "than what it has learned.")  # fmt: skip
    return GOOD, (f"All {len(layers)} layers are at work: at most {100 * idlest.idle:.0f} % of the units of one do "
                  "nothing.")  # fmt: skip


def _draw_flow(training: FinishedTraining, job: JobRun) -> None:
    from ...figures.flow_figure import draw_flow
    from ...mesh.voxels import mask_on_grid, voxel_cells
    from ..train.train_figures import axis_points

    model = training.model
    moving = model.moving_points
    points = axis_points(model.latents[training.members], PERCENTILES)
    cells = voxel_cells(moving.mesh, mask_on_grid(moving.mesh, model.box, model.pixel_size), model.pixel_size)
    with job.output(FLOW) as path:
        draw_flow(path, moving.mesh.vertices, moving.vertices(points), model.volume, cells, moving.mesh.cells,
                  model.pixel_size, [f"{percent} % along axis 1" for percent in PERCENTILES])  # fmt: skip
