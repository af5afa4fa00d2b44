"""The figures of a training, drawn from what it has just written."""

from __future__ import annotations

import time

import numpy as np

from ...mesh.voxels import mask_on_grid, voxel_cells
from ...models import Model, open_model
from ..job_folder import JobRun

PERCENTILES = (2, 25, 50, 75, 98)  # along the first latent axis, the others at their median
PARTICLES = 2_000  # whose displacement is drawn
SECONDS_BETWEEN_FIGURES = 10.0
SHARE = 0.05  # of the time, which figures may take before the last pass


class PassFigures:
    """The figures of a training, pass by pass: of the last pass always, of others where passes take long enough.

    On few small images a pass takes less time than drawing what it has learned.
    """

    def __init__(self, job: JobRun) -> None:
        self._job, self._drawn, self._took, self._behind = job, time.monotonic(), 0.0, False

    def after_pass(self, last: bool) -> None:
        """Draw the model in the job's folder, or leave that to a later pass."""
        self._behind = True
        if last or time.monotonic() - self._drawn >= max(SECONDS_BETWEEN_FIGURES, self._took / SHARE):
            self.draw_if_behind()

    def draw_if_behind(self) -> None:
        """Draw the model in the job's folder unless its figures are of it."""
        if self._behind:
            began = time.monotonic()
            draw_training(self._job)
            self._drawn, self._behind = time.monotonic(), False
            self._took = self._drawn - began


def draw_training(job: JobRun) -> None:
    """Write the figures of the model in a train job's folder: of all, and of the flow where it moves."""
    from ...figures.history_figure import draw_history
    from ...figures.latents_figure import draw_latents
    from ...figures.maps_figure import draw_maps

    model = open_model(job.folder)
    model = model.of_particles(np.isfinite(model.latents).all(axis=1))  # of half models, those that it was trained on
    with np.load(job.folder / "training.npz", allow_pickle=False) as file:
        history = {name: file[name] for name in file.files}
    information = history.pop("information")
    with job.output("latents.png") as path:
        draw_latents(path, model.latents, information if len(information) else None)
    with job.output("history.png") as path:
        draw_history(path, history)
    points = axis_points(model.latents, PERCENTILES)
    labels = [f"{percent} % along axis 1" for percent in PERCENTILES]
    shown = dict(zip(labels, points)) if not model.states else model.states
    with job.output("maps.png") as path:
        draw_maps(path, np.stack([model.decode(z) for z in shown.values()]), list(shown))
    if model.moving is not None:
        _draw_flow(job, model, points, labels)
        _draw_amplitude(job, model)


def _draw_flow(job: JobRun, model: Model, points: np.ndarray, labels: list[str]) -> None:
    from ...figures.flow_figure import draw_flow

    mesh, vertices = model.moving_points.mesh, model.moving_points.vertices(points)
    sides = [i for i, percent in enumerate(PERCENTILES) if percent != 50]
    inside = mask_on_grid(mesh, model.box, model.pixel_size)
    cells = voxel_cells(mesh, inside, model.pixel_size)
    with job.output("flow.png") as path:
        draw_flow(path, mesh.vertices, vertices[sides], model.volume, cells, mesh.cells, model.pixel_size,
                  [labels[i] for i in sides])  # fmt: skip


def _draw_amplitude(job: JobRun, model: Model) -> None:
    from ...figures.amplitude_figure import draw_amplitude

    moving = model.moving_points
    rest, share = moving.mesh.vertices, moving.mass
    sample = model.latents[:: max(1, len(model.latents) // PARTICLES)]
    distance = np.concatenate([np.linalg.norm(moving.vertices(part) - rest, axis=2)
                               for part in np.array_split(sample, max(1, len(sample) // 200))])  # fmt: skip
    with job.output("amplitude.png") as path:
        draw_amplitude(path, distance @ share, np.sqrt((distance**2).mean(axis=0)), rest,
                       model.volume, model.pixel_size)  # fmt: skip


def axis_points(latents: np.ndarray, percentiles: tuple[float, ...]) -> np.ndarray:
    """Points ``(s, k)`` at percentiles of the first latent axis, the other coordinates at their median."""
    points = np.tile(np.median(latents, axis=0), (len(percentiles), 1))
    points[:, 0] = np.percentile(latents[:, 0], percentiles)
    return points
