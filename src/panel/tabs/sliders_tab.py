"""A slider for each latent axis and each component, linked with the marker both ways."""

from __future__ import annotations

import math

import numpy as np
from qtpy.QtCore import QLocale, QObject, QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QScrollArea, QSlider, QWidget

from ...explore.plot_axes import AxisRange, View
from ...explore.trained_model import Trained

_STEPS = 1000
_FIELD_STEP = 0.005  # of the reach: what the arrows of a field add
_MARGIN = 0.15  # of the particles' range, beyond it on either side


class NumberField(QDoubleSpinBox):
    """With a decimal point whatever the country, as in commands; a comma is read as one: 0,3 is not 3."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        plain = QLocale.c()
        plain.setNumberOptions(QLocale.NumberOption.RejectGroupSeparator | QLocale.NumberOption.OmitGroupSeparator)
        self.setLocale(plain)

    def validate(self, text: str, position: int) -> tuple:
        """See ``QAbstractSpinBox.validate``."""
        return super().validate(text.replace(",", "."), position)

    def valueFromText(self, text: str) -> float:  # noqa: N802
        """See ``QDoubleSpinBox.valueFromText``."""
        return super().valueFromText(text.replace(",", "."))


class AxisSlider(QObject):
    """One axis: a slider from ``low`` to ``high``, and a field for the exact number, anywhere in ``reach``."""

    moved = Signal(float)  # during a drag
    released = Signal(float)  # after it, or when a number was typed

    def __init__(self, name: str, low: float, high: float, reach: tuple[float, float]) -> None:
        super().__init__()
        self.low, self.high = low, high
        self.label = QLabel(name)
        self.slider = QSlider(Qt.Orientation.Horizontal, minimum=0, maximum=_STEPS)
        self.slider.setObjectName(f"slider {name}")
        self.slider.setMinimumWidth(60)
        span = reach[1] - reach[0]
        self.field = NumberField(decimals=max(3, 4 - math.ceil(math.log10(span))), keyboardTracking=False)
        self.field.setRange(*reach)
        self.field.setSingleStep(float(f"{_FIELD_STEP * span:.0g}"))
        self.field.setToolTip(f"from {reach[0]:.3g} to {reach[1]:.3g}: half of the particles' range beyond them")
        self.field.setObjectName(f"field {name}")
        self.slider.sliderMoved.connect(lambda _: self.moved.emit(self.value()))
        self.slider.sliderReleased.connect(lambda: self.released.emit(self.value()))
        self.slider.actionTriggered.connect(self._stepped)
        self.field.valueChanged.connect(self.released.emit)

    def value(self) -> float:
        """Where the slider is."""
        return self.low + self.slider.sliderPosition() * (self.high - self.low) / _STEPS

    def put(self, value: float) -> None:
        """Follow the marker, without a signal."""
        with QSignalBlocker(self.field), QSignalBlocker(self.slider):
            if not self.slider.isSliderDown():
                self.slider.setValue(round(_STEPS * (value - self.low) / (self.high - self.low)))
            if not self.field.hasFocus() or abs(self.field.value() - value) > 0.5 * 10.0 ** -self.field.decimals():
                self.field.setValue(value)

    def _stepped(self, action: int) -> None:
        """The slider's own keys and clicks beside its handle."""
        if action != QSlider.SliderAction.SliderMove.value and not self.slider.isSliderDown():
            self.released.emit(self.value())


class SlidersTab(QScrollArea):
    """All axes of a model."""

    moved = Signal(object)  # latent point (K,)
    released = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setMinimumSize(1, 1)
        self._axes: list[tuple[View, AxisSlider]] = []
        self._z: np.ndarray | None = None
        self._trained: Trained | None = None
        self.set_trained(None)

    def set_trained(self, trained: Trained | None) -> None:
        """Make the sliders of another model."""
        self._axes, self._z, self._trained = [], None, trained
        page = QWidget()
        grid = QGridLayout(page)
        grid.setContentsMargins(6, 4, 6, 4)
        grid.setVerticalSpacing(2)
        if trained is None:
            words = "Open a project: each component and each latent axis has a slider here."
            grid.addWidget(QLabel(words, wordWrap=True), 0, 0)
        else:
            for row, axis in enumerate(trained.axes):
                self._add(grid, row, axis)
        grid.setRowStretch(grid.rowCount(), 1)
        self.setWidget(page)

    def put(self, z: np.ndarray) -> None:
        """Follow the marker to ``z`` ``(K,)``."""
        self._z = np.asarray(z, float)
        for view, slider in self._axes:
            slider.put(float(view.project(self._z)[0]))

    def slider(self, name: str) -> AxisSlider:
        """That of an axis."""
        return next(slider for view, slider in self._axes if view.names == (name,))

    def _add(self, grid: QGridLayout, row: int, axis: AxisRange) -> None:
        view, reach, margin = axis.view, axis.reach, _MARGIN * (axis.high - axis.low)
        slider = AxisSlider(view.names[0], axis.low - margin, axis.high + margin,
                            (float(reach.low[0]), float(reach.high[0])))  # fmt: skip
        grid.addWidget(slider.label, row, 0)
        grid.addWidget(slider.slider, row, 1)
        grid.addWidget(slider.field, row, 2)
        self._axes.append((view, slider))
        slider.moved.connect(lambda value: self._emit(self.moved, view, value))
        slider.released.connect(lambda value: self._emit(self.released, view, value))

    def _emit(self, signal, view: View, value: float) -> None:
        if self._z is not None:
            # several components at their ends may together be out of reach
            signal.emit(self._trained.reach.nearest(view.lift(np.array([value]), self._z)))
