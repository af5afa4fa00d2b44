"""What a figure is drawn on."""

from __future__ import annotations

from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg


class SheetCanvas(FigureCanvasAgg):
    """A canvas that lays a picture out once: matplotlib's own draws all of it one more time for that."""

    def print_figure(self, *arguments: Any, **named: Any) -> Any:
        """Write the figure as matplotlib does; a PNG is laid out before."""
        layout = self.figure.get_layout_engine()
        if layout is not None and named.get("format") == "png":
            layout.execute(self.figure)
            self.figure.set_layout_engine(None)
        return super().print_figure(*arguments, **named)
