"""Play, pause, scrub, record; and how fast, over and over, there and back."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Qt, QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from ..panel_scene import Scene, quoted
from ..plot.path_corners import axis_command
from ..widgets.named_button import action_tip

_STEPS = 1000


class PlayBar(QWidget):
    """Over one scene: a row under the plot. ``speed``, ``loop``, ``bounce`` and ``inset`` are shown in the tab
    of paths.
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.play, self.record = QPushButton("Play"), QPushButton("Record …")
        self.play.setToolTip(action_tip("play"))
        self.play.setObjectName("play")
        self.speed = QDoubleSpinBox(minimum=0.5, maximum=60, value=10, decimals=1, suffix=" states/s")
        self.loop, self.bounce = QCheckBox("over and over"), QCheckBox("back and forth")
        self.loop.setToolTip("Begin again at the end, until it is paused")
        self.bounce.setToolTip("To the end and back to the beginning; with over and over, on and on")
        self.inset = QCheckBox("with a small plot beside the map")
        self.inset.setToolTip("Its mark is where in latent space the movie is")
        self.record.setToolTip(action_tip("record"))
        self.scrub = QSlider(Qt.Orientation.Horizontal, minimum=0, maximum=_STEPS)
        self.scrub.setObjectName("scrub")
        self.scrub.setMinimumWidth(40)
        self.where = QLabel()
        self.progress, self.cancel = QProgressBar(maximum=100), QPushButton("Cancel")
        self._record_timer = QTimer(self, interval=250)
        self._record_timer.timeout.connect(self._show_recording)
        self._lay_out()
        self.play.clicked.connect(self.toggle)
        self.scrub.sliderMoved.connect(self._scrubbed)
        self.scrub.sliderReleased.connect(self._released)
        self.record.clicked.connect(self._record)
        self.cancel.clicked.connect(lambda: self.scene.run("flexrec record stop"))
        self.refresh()

    def refresh(self) -> None:
        """Follow the scene."""
        self.play.setText("Pause" if self.scene.playing else "Play")
        self._show_recording()
        self._show_place()

    def _enable(self) -> None:
        """One movie at a time; while one of the view itself is recorded, nothing plays."""
        path, trained, recorded = self.scene.path, self.scene.trained, self._view_recorded
        self.scrub.setEnabled(path is not None and not recorded)
        self.record.setEnabled(path is not None and self.scene.recorded is None)
        self.play.setEnabled(trained is not None and not recorded)
        for widget in (self.speed, self.loop, self.bounce, self.inset):
            widget.setEnabled(trained is not None)

    @property
    def _view_recorded(self) -> bool:
        """Whether what the view shows is being recorded."""
        return self.scene.films_view and self.scene.recorded is not None

    def _place(self) -> float:
        """Where on the path the shown point is, 0 to 1: a movie goes from state to state without playing."""
        path, z = self.scene.path, self.scene.z
        if not self._view_recorded or z is None or len(path) < 2:
            return self.scene.place
        return int(((path.z - z) ** 2).sum(axis=1).argmin()) / (len(path) - 1)

    def _show_place(self) -> None:
        path = self.scene.path
        if path is None:
            self.where.setText("pc1" if self.scene.trained is not None else "")
            with QSignalBlocker(self.scrub):
                self.scrub.setValue(0)
            return
        with QSignalBlocker(self.scrub):
            if not self.scrub.isSliderDown():
                self.scrub.setValue(round(_STEPS * self._place()))
        self.where.setText(f"{1 + round(self._place() * (len(path) - 1))} / {len(path)}")

    def toggle(self) -> None:
        """Play, or pause; the first component through the shown point where no path was made yet."""
        if self._view_recorded:
            return
        if self.scene.playing:
            self.scene.run("flexrec pause")
            return
        if self.scene.path is None and not self.scene.run(axis_command("pc1", self.scene.z)):
            return
        extra = "".join(f" {word} true" for word, box in (("loop", self.loop), ("bounce", self.bounce))
                        if box.isChecked())  # fmt: skip
        self.scene.run(f"flexrec play speed {self.speed.value():g}{extra}")

    def _scrubbed(self, step: int) -> None:
        if self.scene.path is not None:
            self.scene.follow(self.scene.path.point(step / _STEPS))

    def _released(self) -> None:
        self.scene.run(f"flexrec scrub {self.scrub.value() / _STEPS:.4g}")

    def _record(self) -> None:
        suffixes = self.scene.movies
        kinds = f"Movies ({' '.join(f'*{suffix}' for suffix in suffixes)})"
        name, _ = QFileDialog.getSaveFileName(self, "Record the path", f"path{suffixes[0]}", kinds)
        if not name:
            return
        if not Path(name).suffix:
            name += suffixes[0]
        extra = "".join(f" {word} true" for word, box in (("bounce", self.bounce), ("inset", self.inset))
                        if box.isChecked())  # fmt: skip
        self.scene.run(f"flexrec record {quoted(name)} framerate {self.speed.value():g}{extra}")

    def _show_recording(self) -> None:
        """How much of the movie is recorded."""
        share = self.scene.recorded
        for widget in (self.progress, self.cancel):
            widget.setVisible(share is not None)
        self._enable()
        if share is None:
            self._record_timer.stop()
        else:
            self._show_place()
            self.progress.setValue(round(100 * share))
            if not self._record_timer.isActive():
                self._record_timer.start()

    def _lay_out(self) -> None:
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.play)
        first.addWidget(self.scrub, 1)
        first.addWidget(self.where)
        first.addWidget(self.record)
        second.addWidget(self.progress, 1)
        second.addWidget(self.cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 8, 2)
        column.setSpacing(3)
        column.addLayout(first)
        column.addLayout(second)
        self.progress.hide()
        self.cancel.hide()
