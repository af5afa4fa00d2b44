"""How a training goes: what the motion explains, how large it is, and how it strains the mesh, by epoch."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtCore import QEvent
from qtpy.QtGui import QGuiApplication

from ..plot.whole_pixels import keep_all_pixels

_LABELS = ("gain over rigid, nats per particle", "motion, Å", "strain of the mesh, %")
_BESIDE = 0.02  # of the axis of epochs, that is left at either end
NOTHING = np.empty((0, 5))  # the curves of a job that has none
_COLOURS = {False: ("#0b63c4", "#b3541e", "#2e7d4f"), True: ("#5ab0ff", "#ffab6b", "#6fd08c")}


def gains(curves: np.ndarray) -> np.ndarray:
    """``(n, 4)`` epoch; by how much the misfit is below that of the rigid map, nats per particle; mean displacement, Å;
    r.m.s. principal strain, %: what a training's own figure shows when it has ended.
    """
    epoch, misfit, rigid, amplitude, energy = curves.T
    return np.stack([epoch, rigid - misfit, amplitude, 100 * np.sqrt(np.maximum(energy, 0) / 3)], axis=1)


class LossCurve(FigureCanvasQTAgg):
    """Three curves above one another; refreshed in place, so that a long training costs no memory."""

    def __init__(self) -> None:
        super().__init__(Figure(layout="constrained"))
        keep_all_pixels(self)
        self.setMinimumSize(200, 60)
        self.axes = self.figure.subplots(3, 1, sharex=True)
        self.lines = [axis.plot([], [], linewidth=1.6, markersize=3.5)[0] for axis in self.axes]
        self._nothing = self.figure.text(0.5, 0.5, "", ha="center", va="center")
        # above each: beside it, a label is longer than so low a curve is high
        self.labels = [axis.set_title(label, fontsize=8, loc="left", pad=3) for axis, label in zip(self.axes, _LABELS)]
        for axis in self.axes:
            axis.tick_params(labelsize=8)
            axis.margins(y=0.12)
            axis.spines[["top", "right"]].set_visible(False)
            axis.grid(alpha=0.25, linewidth=0.6)
        self.axes[-1].set_xlabel("epoch", fontsize=8)
        self._set_colours()
        self.show_curves(NOTHING)

    def show_curves(
        self, curves: np.ndarray, why_none: str = "No training is chosen.", epochs: int | None = None
    ) -> None:
        """Show the curves ``(n, 5)`` of `Curves.read`, over an axis of all ``epochs`` that there are to be where that
        is known; ``why_none`` is said where there are none.
        """
        shown = gains(curves)
        for k, (axis, line) in enumerate(zip(self.axes, self.lines), 1):
            line.set_data(shown[:, 0], shown[:, k])
            line.set_marker("o" if len(shown) < 60 else "")
            axis.relim()
            axis.autoscale_view()
            axis.set_visible(len(shown) > 0)
        if len(shown):
            self._set_epochs(float(shown[-1, 0]) if epochs is None else max(epochs, float(shown[-1, 0])))
        self._nothing.set_text("" if len(shown) else why_none)
        self.draw_idle()

    def _set_epochs(self, last: float) -> None:
        """The axis that the curves share, from the beginning to the end of the training."""
        self.axes[0].set_xlim(-_BESIDE * last, (1 + _BESIDE) * last)

    def _set_colours(self) -> None:
        """Take the window's colours."""
        palette = QGuiApplication.palette()  # matplotlib has given its canvas a white one
        window, page, ink = (colour.name() for colour in (
            palette.window().color(), palette.base().color(), palette.windowText().color()))  # fmt: skip
        dark = palette.window().color().lightness() < 128
        self.figure.set_facecolor(window)
        for words in (self._nothing, *self.labels):
            words.set_color(ink)
        for axis, line, colour in zip(self.axes, self.lines, _COLOURS[dark]):
            axis.set_facecolor(page)
            line.set_color(colour)
            axis.tick_params(which="both", colors=ink)
            for part in (axis.xaxis.label, axis.yaxis.label, *axis.spines.values()):
                (part.set_color if hasattr(part, "set_color") else part.set_edgecolor)(ink)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the window's colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ApplicationPaletteChange and hasattr(self, "lines"):
            self._set_colours()
            self.draw_idle()
