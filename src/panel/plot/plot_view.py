"""The plot: which axes, which colours, what the mouse does, as its controls say."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QEvent, Qt, QTimer, Signal
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ...errors import InputError
from ...explore.particle_columns import column, column_names
from ...explore.trained_model import Trained
from .canvas import PlotCanvas
from .colouring import DENSITY, Colouring, colouring_of
from .legend import Legend
from .mouse_modes import MODES, MouseModes
from .plane import Plane, axis_names
from .plot_controls import PlotControls
from .theme import Theme, theme_of

HISTOGRAM = "(histogram)"
_HOVER = 14  # pixels within which a particle is under the cursor


class PlotView(QWidget):
    """The plot of one trained model. ``plane`` is what it shows, ``mouse`` turns mouse events into signals.

    ``controls``, with axes, colours and modes, is placed by the widget that contains the plot.
    """

    failed = Signal(str)  # a sentence for the user
    hover_text = Signal(str)  # what is under the cursor
    axes_changed = Signal()  # other axes
    coloured = Signal()  # other colours

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.trained: Trained | None = None
        self.canvas = PlotCanvas(self._theme())
        self.canvas.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.mouse = MouseModes(self.canvas)
        self.legend = Legend()
        self.controls = controls = PlotControls()
        self.x, self.y, self.colour, self.style_choice = controls.x, controls.y, controls.colour, controls.style_choice
        self.modes = controls.modes
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.setSpacing(3)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.legend)
        self.wanted_axes: tuple[str, ...] = ()  # of the next model, where it has them
        self._hover_at: np.ndarray | None = None
        self._hovering = QTimer(self, singleShot=True, interval=25)
        self._hovering.timeout.connect(self._hover)
        self.x.activated.connect(self._choose_axes)
        self.y.activated.connect(self._choose_axes)
        self.colour.activated.connect(self._choose_colour)
        self.colour.opening.connect(self._fill_colours)
        self.style_choice.currentTextChanged.connect(self.canvas.set_style)
        self.modes.idClicked.connect(lambda number: self.mouse.set_mode(list(MODES)[number]))
        controls.home.clicked.connect(self.canvas.go_home)
        self.mouse.hovered.connect(self._hover_soon)

    @property
    def plane(self) -> Plane | None:
        """What is shown."""
        return self.canvas.plane

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Of what is shown; none where nothing is."""
        return () if self.plane is None else self.plane.names

    # ----- what is shown -----

    def set_trained(self, trained: Trained | None) -> None:
        """Show another model's particles, in the axes chosen before where it has them."""
        before, folder = self.axis_names or self.wanted_axes, self.trained.folder if self.trained else None
        self.trained, self.wanted_axes = trained, ()
        self.canvas.forget()
        self._fill_axes()
        if trained is None:
            self.canvas.set_plane(None)
            self.legend.show_colouring(None)
            return
        have = axis_names(trained)
        same_axes = bool(before) and set(before) <= set(have)
        first = tuple(have[: min(2, trained.model.latent_dims)])
        self.show_axes(before if same_axes else first, same_axes and folder == trained.folder)
        self.color_by(self.colour.currentText())

    def show_axes(self, names: tuple[str, ...], keep_view: bool = False) -> bool:
        """Plot one axis or two; False, after a `failed`, where that cannot be."""
        try:
            plane = Plane.of(self.trained, names)
        except InputError as error:
            self.failed.emit(str(error))
            self._show_names(self.axis_names)
            return False
        self._show_names(names)
        self.canvas.set_plane(plane, keep_view)
        self._hover_soon(None)
        self.axes_changed.emit()
        return True

    def color_by(self, name: str) -> bool:
        """Colour by density or by a column; False, after a `failed`, where there is none."""
        known, colouring = True, None
        try:
            colouring = self._colouring(name)
        except InputError as error:
            self.failed.emit(str(error))
            name, known = DENSITY, False
        if self.colour.findText(name) < 0:
            self.colour.addItem(name)
        self.colour.setCurrentText(name)
        self.canvas.set_colouring(colouring)
        self.legend.show_colouring(colouring, self.canvas.theme.values)
        self.coloured.emit()
        return known

    def refresh_columns(self) -> None:
        """Columns may have come: clusters, UMAP."""
        if self.trained is not None:
            self._fill_axes()
            self._show_names(self.axis_names)
            if self.colour.currentText() == "cluster":
                self.color_by("cluster")

    def _colouring(self, name: str) -> Colouring | None:
        if name in ("", DENSITY):
            return None
        return colouring_of(column(self.trained, name), self.canvas.theme.values)

    # ----- the controls -----

    def set_mode(self, mode: str) -> None:
        """As if its button were pressed."""
        self.modes.button(list(MODES).index(mode)).setChecked(True)
        self.mouse.set_mode(mode)

    def _fill_axes(self) -> None:
        names = axis_names(self.trained) if self.trained else []
        for box, more in ((self.x, []), (self.y, [HISTOGRAM])):
            box.clear()
            box.addItems(names + more)

    def _fill_colours(self) -> None:
        if self.trained is None:
            return
        chosen = self.colour.currentText() or DENSITY
        self.colour.clear()
        self.colour.addItems([DENSITY, *column_names(self.trained)])
        self.colour.setCurrentText(chosen if self.colour.findText(chosen) >= 0 else DENSITY)

    def _show_names(self, names: tuple[str, ...]) -> None:
        self.x.setCurrentText(names[0] if names else "")
        self.y.setCurrentText(names[1] if len(names) > 1 else HISTOGRAM)

    def _choose_axes(self) -> None:
        if self.trained is not None:
            names = (self.x.currentText(), self.y.currentText())
            self.show_axes(names[:1] if names[1] == HISTOGRAM else names)

    def _choose_colour(self) -> None:
        if self.trained is not None:
            self.color_by(self.colour.currentText())

    # ----- under the cursor -----

    def _hover_soon(self, point: np.ndarray | None) -> None:
        self._hover_at = point
        if point is None:
            self._hovering.stop()
            self.canvas.marks.put_hover(None)
            self.canvas.refresh_marks()
            self.hover_text.emit("")
        elif not self._hovering.isActive():
            self._hovering.start()

    def _hover(self) -> None:
        plane, point = self.plane, self._hover_at
        if plane is None or point is None:
            return
        text = ", ".join(f"{name} = {value:.3g}" for name, value in zip(plane.names, point))
        ring = None
        if plane.dims == 2:
            row = self._near(point)
            if row is not None:
                ring = plane.points[row]
                text += f"   particle {row}"
        self.canvas.marks.put_hover(ring)
        self.canvas.refresh_marks()
        self.hover_text.emit(text)

    def _near(self, point: np.ndarray) -> int | None:
        """The particle under the cursor, in pixels."""
        box, limits = self.canvas.axes.bbox, self.canvas.limits
        scale = np.array([box.width, box.height]) / (limits[:, 1] - limits[:, 0])
        reach = _HOVER * self.canvas.device_pixel_ratio / scale
        points = self.plane.points
        near = np.flatnonzero(np.abs(points[:, 0] - np.float32(point[0])) <= reach[0])
        near = near[np.abs(points[near, 1] - np.float32(point[1])) <= reach[1]]
        if not len(near):
            return None
        away = (((self.plane.points[near] - point) * scale) ** 2).sum(axis=1)
        return int(near[away.argmin()])

    # ----- colours of the window -----

    def _theme(self) -> Theme:
        window = self.palette().color(QPalette.ColorRole.Window)
        return theme_of(window.lightness() < 128, window.name())

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow the window from light to dark."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange):
            theme = self._theme()
            if theme.window != self.canvas.theme.window:
                self.canvas.set_theme(theme)
                if self.trained is not None and self.colour.currentText() != DENSITY:
                    self.color_by(self.colour.currentText())
