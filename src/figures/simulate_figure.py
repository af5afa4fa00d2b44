"""A picture of simulated particles, for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..simulate.experiment import CHUNK, Experiment
from ..simulate.moving_molecule import MovingMolecule
from ..simulate.simulated_images import chunk_images, signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 5
_MOST_ANGLES = 4  # angles in a title


def draw(path: Path, moving: MovingMolecule, experiment: Experiment) -> None:
    """Five states along the first hinge seen from one side; below them, five particles without and with noise."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.2 * _COLUMNS, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(3, _COLUMNS, squeeze=False)
    count = min(_COLUMNS, len(experiment), CHUNK)
    rows = np.arange(count)
    noisy = chunk_images(moving, experiment, 0)[:count]
    states = _states(moving)
    for column, state in enumerate(states):
        side = moving.map_at(state, experiment.box, experiment.pixel_size).sum(axis=1)
        _show(axes[0, column], side, _title(state), True)
    for column, (clean, image) in enumerate(zip(signal(moving, experiment, rows), noisy)):
        _show(axes[1, column], clean, "particle " + _title(experiment.angles[column]), False)
        _show(axes[2, column], image, f"SNR {experiment.snr:g}" if experiment.snr else "no noise", False)
    for axis in axes.flat:
        axis.set_axis_off()
    figure.savefig(path, dpi=110)


def _states(moving: MovingMolecule) -> np.ndarray:
    """States that go through the first hinge's range, the other hinges at rest."""
    states = np.zeros((_COLUMNS if moving.hinges else 1, len(moving.hinges)))
    if moving.hinges:
        states[:, 0] = moving.hinges[0].grid(_COLUMNS)
    return states


def _title(state: np.ndarray) -> str:
    return ", ".join(f"{angle:.0f}°" for angle in state[:_MOST_ANGLES]) + (" …" if len(state) > _MOST_ANGLES else "")


def _show(axis: Axes, image: np.ndarray, title: str, from_side: bool) -> None:
    axis.imshow(image, cmap="gray", origin="lower" if from_side else "upper")
    axis.set_title(title, fontsize=9)
