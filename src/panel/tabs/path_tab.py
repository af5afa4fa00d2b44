"""The tab of paths: made along an axis, through points, over neighbours, or drawn in the plot; and edited there."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QPushButton, QSizePolicy, QSpinBox, QVBoxLayout

from ...explore.anchors import point_text
from ...explore.make_path import describe_path
from ...explore.path import LatentPath
from ...explore.trained_model import Trained
from ..panel_services import PanelServices, PanelTab
from ..plot.path_corners import axis_command, corners_of, nearest_piece, simplified, through_command
from ..widgets.named_button import action_tip
from ..widgets.wrapping import labelled

KINDS = ("along an axis", "straight through points", "over neighbouring particles")
_HINT = "0.5,-1  p12  c3  s:open"


class PathTab(PanelTab):
    """The path is drawn and edited in the panel's plot."""

    def __init__(self, panel: PanelServices) -> None:
        super().__init__()
        self.panel, self.scene, self.plot = panel, panel.scene, panel.plot
        self.corners = np.zeros((0, 0))  # (c, K)
        self._drawn_path = self._drawn_plane = None
        self._description: tuple[Trained, LatentPath, str] | None = None
        self.kind, self.axis, self.points = QComboBox(), QComboBox(), QLineEdit(placeholderText=_HINT)
        self.kind.addItems(KINDS)
        self.frames = QSpinBox(minimum=2, maximum=10_000, value=30)
        self.angstroms = QCheckBox("even steps in Å")
        self.angstroms.setToolTip("Constant speed in ångströms of motion; else in latent units")
        self.add_shown, self.make = QPushButton("+ shown point"), QPushButton("Make the path")
        self.make.setToolTip(action_tip("path"))
        self.make.setObjectName("make path")
        self.about = QLabel("Or choose Draw above the plot, and draw one.", wordWrap=True)
        self._lay_out()
        self._connect()
        self._choose_kind()

    def refresh(self) -> None:
        """See `PanelTab`: another path, or another model."""
        trained = self.scene.trained
        for widget in (self.make, self.points, self.add_shown):
            widget.setEnabled(trained is not None)
        if trained is not None and self.axis.count() != 2 * trained.model.latent_dims:
            dims = range(1, trained.model.latent_dims + 1)
            self.axis.clear()
            self.axis.addItems([f"pc{k}" for k in dims] + [f"z{k}" for k in dims])
        path = self.scene.path
        if path is not self._drawn_path:
            if path is not None and not self._made_here:
                self.corners = corners_of(path)
            self._made_here = False
        if path is not self._drawn_path or self.plot.plane is not self._drawn_plane:
            self._drawn_path, self._drawn_plane = path, self.plot.plane
            self.draw()

    def draw(self) -> None:
        """Put the path into the plot."""
        path, plane, canvas = self.scene.path, self.plot.plane, self.plot.canvas
        if path is None or plane is None:
            canvas.marks.put_path(None)
            self.plot.mouse.corners = np.zeros((0, 2))
            self.about.setText("Or choose Draw above the plot, and draw one.")
            self._description = None
        else:
            editing = self.plot.mouse.mode == "edit"
            corners = self._places(self.corners) if len(self.corners) else np.zeros((0, 2))
            self.plot.mouse.corners = corners
            canvas.marks.put_path(self._places(path.z), corners if editing else None)
            self.about.setText(self._described(self.scene.trained, path))
        canvas.refresh_marks()

    def _described(self, trained: Trained, path: LatentPath) -> str:
        """Its sentence, worked out once: that takes a while where there are many particles."""
        if self._description is None or self._description[:2] != (trained, path):
            self._description = trained, path, describe_path(trained, path)
        return self._description[2]

    def _places(self, z: np.ndarray) -> np.ndarray:
        """Where latent points ``(m, K)`` are in the plot, ``(m, 2)``."""
        points = np.asarray(self.plot.plane.place(z), float)
        if self.plot.plane.dims == 1:
            points = np.stack([points[:, 0], np.full(len(points), 0.04)], axis=1)
        return points

    # ----- making -----

    def make_path(self) -> None:
        """Run the command for what the fields say."""
        extra = f" frames {self.frames.value()}" + (" inAngstroms true" if self.angstroms.isChecked() else "")
        kind = self.kind.currentIndex()
        if kind == 0:
            self.scene.run(axis_command(self.axis.currentText(), self.scene.z, extra))
            return
        points = " ".join(self.points.text().split())
        if not points:
            self.panel.complain("Points are missing: add the shown one, or type such as c1 c2.")
            return
        self.scene.run(f"flexrec path {'through' if kind == 1 else 'graph'} {points}{extra}")

    def path_from_stroke(self, stroke: np.ndarray) -> None:
        """A stroke ``(m, 2)`` in the plot becomes a path."""
        plane = self.plot.plane
        corners = simplified(stroke, self.plot.canvas.limits)
        points = [plane.latent(corner[: plane.dims], self.panel.shown_point()) for corner in corners]
        self._make_through([z for z, _ in points], [row for _, row in points])
        self.plot.set_mode("go")

    def _make_through(self, corners: list[np.ndarray], rows: list[int | None] | None = None) -> None:
        """A path through corners; those that snapped are named as particles, each once."""
        words, points = [], []
        for z, row in zip(corners, rows or [None] * len(corners)):
            word = f"p{row}" if row is not None else z
            if not words or isinstance(word, np.ndarray) or word != words[-1]:
                words.append(word)
                points.append(z)
        if len(words) < 2:
            return
        before, self.corners, self._made_here = self.corners, np.array(points, float), True
        if not self.scene.run(through_command(words, self.frames.value(), self.angstroms.isChecked())):
            self.corners, self._made_here = before, False
            self.draw()

    # ----- editing -----

    def move_corner(self, number: int, point: np.ndarray, released: bool) -> None:
        """Draw a corner elsewhere; when the mouse is released, make the path anew."""
        plane = self.plot.plane
        if not 0 <= number < len(self.corners):
            return
        corners = self.corners.copy()
        corners[number], _ = plane.latent(point[: plane.dims], corners[number])
        if released:
            self._make_through(list(corners))
            return
        places = self._places(corners)
        self.plot.canvas.marks.put_path(places, places)
        self.plot.canvas.refresh_marks()

    def add_corner(self, point: np.ndarray) -> None:
        """A corner between two others."""
        if len(self.corners) < 2:
            return
        plane, where = self.plot.plane, nearest_piece(self.plot.mouse.corners, point)
        z, _ = plane.latent(point[: plane.dims], self.corners[min(where, len(self.corners) - 1)])
        self._make_through(list(np.insert(self.corners, where, z, axis=0)))

    def remove_corner(self, number: int) -> None:
        """Without one corner."""
        if len(self.corners) > 2:
            self._make_through(list(np.delete(self.corners, number, axis=0)))

    # ----- made once -----

    def _lay_out(self) -> None:
        self._made_here = False
        for box in (self.kind, self.axis):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            box.setMinimumContentsLength(6)
        self.points.setMinimumWidth(60)
        self.angstroms.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        bar = self.panel.bar
        rows = labelled([
            ("Path", (self.kind,)), ("Axis", (self.axis,)), ("Points", (self.points, self.add_shown)),
            ("Frames", (self.frames, self.angstroms, self.make)), ("Play at", (bar.speed, bar.loop, bar.bounce)),
            ("Movie", (bar.inset,)),
        ])  # fmt: skip
        self._axis_row, self._points_row = rows[1:3]
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(4)
        for row in rows:
            column.addWidget(row)
        column.addWidget(self.about)
        column.addStretch(1)

    def _connect(self) -> None:
        self.kind.currentIndexChanged.connect(self._choose_kind)
        self.make.clicked.connect(self.make_path)
        self.points.returnPressed.connect(self.make_path)
        self.add_shown.clicked.connect(self._add_shown)
        mouse = self.plot.mouse
        mouse.drawn.connect(self.path_from_stroke)
        mouse.corner_moved.connect(self.move_corner)
        mouse.corner_added.connect(self.add_corner)
        mouse.corner_removed.connect(self.remove_corner)
        self.plot.modes.idClicked.connect(lambda _: self.draw())
        self.plot.axes_changed.connect(self.refresh)

    def _choose_kind(self) -> None:
        self._axis_row.setVisible(self.kind.currentIndex() == 0)
        self._points_row.setVisible(self.kind.currentIndex() > 0)

    def _add_shown(self) -> None:
        self.points.setText(f"{self.points.text().strip()} {point_text(self.panel.shown_point())}".strip())
