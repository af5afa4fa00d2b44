"""As many pixels of a matplotlib canvas as the widget has."""

from __future__ import annotations

from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg

_MORE = 1e-6  # pixels


def keep_all_pixels(canvas: FigureCanvasQTAgg) -> None:
    """Let no column or row of a canvas be without a picture, whatever its size.

    matplotlib keeps a canvas' size in inches, takes 232 pixels for 231.99999999999997, and paints 231 of them: the last
    column would show whatever is in memory.
    """

    def widen(_) -> None:
        figure = canvas.figure
        figure.set_size_inches((figure.bbox.size + _MORE) / figure.dpi, forward=False)

    canvas.mpl_connect("resize_event", widen)
