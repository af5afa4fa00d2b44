"""Canvases have a picture in each of their pixels, at every size."""

from __future__ import annotations

import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from chimerax.flexrec.panel.jobs.loss_curve import LossCurve
from chimerax.flexrec.panel.plot.canvas import PlotCanvas
from chimerax.flexrec.panel.plot.plot_view import PlotView
from qtpy.QtCore import QSize
from qtpy.QtGui import QResizeEvent


@pytest.mark.parametrize("ratio", [1, 1.5, 2, 3])
@pytest.mark.parametrize("kind", [PlotCanvas, LossCurve])
def test_no_column_or_row_is_lost_at_any_size(qtbot, kind, ratio):
    canvas = LossCurve() if kind is LossCurve else PlotCanvas(PlotView()._theme())
    qtbot.addWidget(canvas)
    canvas._set_device_pixel_ratio(ratio)
    for side in range(120, 1400):
        size = QSize(side, 1519 - side)
        canvas.resizeEvent(QResizeEvent(size, canvas.size()))
        wanted = [int(ratio * size.width()), int(ratio * size.height())]
        assert [int(side) for side in canvas.figure.bbox.size] == wanted
        assert list(canvas.get_width_height(physical=True)) == wanted
