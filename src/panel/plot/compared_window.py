"""The window of a second model of the same particles: its plot, in the colours and selections of the panel's."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QButtonGroup, QFileDialog, QLabel, QLineEdit, QToolButton, QVBoxLayout

from ...errors import InputError
from ...explore.compared_file import ComparedPlaces, load_comparison
from ...explore.results import FOLDER, changed_at
from ..panel_scene import quoted
from ..panel_services import PanelServices, PanelTab
from ..widgets.named_button import action_button, named_button
from ..widgets.wrapping import wrapping
from .mouse_modes import MODES
from .plot_view import PlotView

_MODES = ("go", "lasso")
_SIZE = QSize(520, 560)
_ABOUT = "Alike: whether both models place a particle alike, from 0, by chance, to 1. A lasso selects in both plots."
_NONE = "Name a job, or the folder of any program's model of the same particles: it is compared, and plotted here."


class ComparedWindow(PanelTab):
    """``plot`` has the particles of the panel's model where the other model has them; it is kept while it is seen."""

    shown = Signal()

    def __init__(self, panel: PanelServices) -> None:
        super().__init__(panel, Qt.WindowType.Window)
        self.setWindowTitle("The same particles in another model")
        self.resize(_SIZE)
        self.panel, self.scene = panel, panel.scene
        self.other = QLineEdit(placeholderText="a job's number, or a folder")
        self.other.setMinimumWidth(60)
        self.about = QLabel(_NONE, wordWrap=True)
        self.progress = QLabel(wordWrap=True, visible=False)
        self.cancel = action_button("Cancel", self.end_computing, "cancel comparison", "cancel")
        self.cancel.setVisible(False)
        self.plot = PlotView()
        self._stamp: object = None
        self._lay_out()
        self.other.returnPressed.connect(self.compare)
        self.plot.mouse.released.connect(self._show_particle)
        panel.plot.coloured.connect(self._follow_colour)

    def refresh(self) -> None:
        """See `PanelTab`: where the shown point is in the other model, and how far a comparison is."""
        computing = self.scene.computing
        self.progress.setText(computing or "")
        for part in (self.progress, self.cancel):
            part.setVisible(computing is not None)
        self._put_marker()

    def refresh_files(self) -> None:
        """See `PanelTab`: another comparison, or none."""
        if not self.isVisible():
            return
        trained = self.scene.trained
        stamp = trained, None if trained is None else changed_at(trained.folder / FOLDER)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            compared = None if trained is None else load_comparison(trained)
        except InputError as error:
            compared = None
            self.panel.complain(str(error))
        self.plot.setVisible(compared is not None)
        for button in self._group.buttons():
            button.setVisible(compared is not None)
        self.about.setText(_NONE if compared is None else self._said(compared))
        self.about.setToolTip("" if compared is None else _ABOUT)
        self.plot.trained = trained if compared is not None else None
        if compared is None:
            self.plot.canvas.set_plane(None)
            return
        self.plot.show_axes(compared.names[:2])
        self._follow_colour()
        self._put_marker()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Catch up with what has changed while it was not seen."""
        super().showEvent(event)
        self.refresh_files()
        self._put_marker()
        self.shown.emit()

    def compare(self) -> None:
        """Compare with what is named."""
        name = self.other.text().strip()
        if name and self.scene.run(f"flexrec compare {quoted(name)}"):
            self.refresh_files()
            self.plot.show_axes(self.plot.plane.names) if self.plot.plane is not None else None

    def end_computing(self) -> None:
        """Compare no more."""
        self.scene.run("flexrec cancel")

    def choose(self) -> None:
        """Ask for the other model's folder."""
        folder = QFileDialog.getExistingDirectory(self, "Another model of the same particles")
        if folder:
            self.other.setText(folder)
            self.compare()

    def show_highlights(self, highlights: list[tuple[np.ndarray, str]]) -> None:
        """The selections that the panel's plot shows: rows ``(m,)`` and a colour each."""
        if self.isVisible():
            self.plot.canvas.set_highlights(highlights)

    def _said(self, compared: ComparedPlaces) -> str:
        known = np.isfinite(compared.alike)
        alike = float(np.median(compared.alike[known])) if known.any() else 0.0
        return f"{compared.name}: {int(known.sum()):,} of {len(known):,} particles, alike {alike:.2f} at the median"

    def _follow_colour(self) -> None:
        if self.plot.plane is not None:
            self.plot.color_by(self.panel.plot.colour.currentText())

    def _put_marker(self) -> None:
        plane = self.plot.plane
        if plane is None or self.scene.trained is not plane.trained:
            return
        point = None if self.scene.z is None else plane.place(np.asarray(self.scene.z, float))
        if point is not None and plane.dims == 1:
            point = np.array([point[0], 0.04])
        self.plot.canvas.marks.put_marker(point if point is not None and np.isfinite(point).all() else None)
        self.plot.canvas.refresh_marks()

    def _show_particle(self, point: np.ndarray) -> None:
        """The panel's model at the particle nearest to a point of the other's plot."""
        row = self.plot.plane.search.nearest(np.asarray(point[: self.plot.plane.dims], np.float32))[0]
        self.scene.run(f"flexrec volume particle {row}")

    def _set_mode(self, number: int) -> None:
        self.plot.mouse.set_mode(_MODES[number])
        self.panel.say(MODES[_MODES[number]])

    def _lay_out(self) -> None:
        self._group = QButtonGroup(self)
        buttons = []
        for number, mode in enumerate(_MODES):
            button = QToolButton(text=mode.capitalize(), checkable=True, toolTip=MODES[mode], autoRaise=True)
            button.setObjectName(f"compared {mode}")
            self._group.addButton(button, number)
            buttons.append(button)
        self._group.button(0).setChecked(True)
        self._group.idClicked.connect(self._set_mode)
        compare = action_button("Compare", self.compare, "compare models", "compare")
        folder = named_button("Folder …", self.choose, "folder of other model", "Choose the other model's folder")
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(4)
        self.plot.setVisible(False)
        column.addWidget(wrapping(self.other, compare, folder, self.cancel))
        column.addWidget(self.progress)
        column.addWidget(self.about)
        column.addWidget(wrapping(*buttons))
        column.addWidget(self.plot, 1)
