"""prep.png: some particles before and after, the noise power, the check's correlations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..engine.maps.back_projection_check import Check
from ..engine.maps.fsc import THRESHOLD
from ..particles.frame import Frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GROUPS = 20  # optics groups whose noise is drawn


def draw(
    path: Path,
    before: list[np.ndarray],
    after: np.ndarray,
    rows: np.ndarray,
    power: np.ndarray,
    check: Check,
    frame: Frame,
) -> None:
    """Write the picture.

    Parameters
    ----------
    before, after : the same particles (rows), protein white, of any box. power : (g, D//2+1) noise before whitening.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 8), layout="constrained")
    FigureCanvasAgg(figure)
    images, curves = figure.subfigures(2, 1, height_ratios=(4, 3.4), squeeze=False)[:, 0]
    axes = images.subplots(2, 6, squeeze=False)
    for column in range(6):
        for axis, stack, name in ((axes[0, column], before, "before"), (axes[1, column], after, "after")):
            axis.axis("off")
            if column < len(rows):
                _show(axis, stack[column], f"particle {rows[column] + 1}\n{name}")
    noise, correlation = curves.subplots(1, 2)
    _plot_noise(noise, power, frame)
    _plot_check(correlation, check)
    figure.savefig(path, dpi=100)


def _show(axis: Axes, image: np.ndarray, title: str) -> None:
    low, high = np.percentile(image, (0.5, 99.5))
    axis.imshow(image, cmap="gray", vmin=low, vmax=high, origin="lower")
    axis.set_title(f"{title}, {image.shape[0]} px", fontsize=8)


def _plot_noise(axis: Axes, power: np.ndarray, frame: Frame) -> None:
    for curve in power[:_GROUPS]:
        axis.semilogy(np.arange(len(curve)) / frame.crop, curve, linewidth=1)
    axis.set(title="Noise power before whitening", xlabel="spatial frequency (1/Å)", ylabel="power per pixel")


def _plot_check(axis: Axes, check: Check) -> None:
    axis.plot(check.frequency, check.halves, label="half against half")
    if check.consensus is not None:
        axis.plot(check.frequency, check.consensus, label="against the consensus")
    axis.axhline(THRESHOLD, color="0.7", linewidth=0.8)
    axis.set(title=f"Back-projection of {check.count} images", xlabel="spatial frequency (1/Å)", ylabel="FSC",
             ylim=(-0.3 if check.consensus is None or check.consensus.min() > -0.3 else -1.05, 1.05))  # fmt: skip
    axis.legend()
