"""``flexrec view``: the panel in a window of its own, beside slices of the map."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from qtpy.QtCore import QSize, Qt, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QApplication, QDialog, QHBoxLayout, QMainWindow, QPlainTextEdit, QSplitter

from ..errors import InputError
from ..explore.compare_states import Compared
from ..panel.jobs.job_control import LocalJobControl
from ..panel.jobs.project_jobs import SIZE, fit_to_screen, make_jobs
from ..panel.window import FlexPanel
from .slice_view import Slices
from .slices_scene import SlicesScene

_SIZE = QSize(1280, 900)  # where the screen has as much


class Viewer(QMainWindow):
    """The window: panel, slices, and the log of commands."""

    def __init__(self, python: str | None = None) -> None:
        super().__init__()
        self.slices, self.log = Slices(), QPlainTextEdit(readOnly=True)
        self.scene = SlicesScene(self.slices, python)
        self.jobs = make_jobs(self.scene, LocalJobControl(lambda: python))
        self.jobs.setParent(self, Qt.WindowType.Window)
        self.jobs.setWindowTitle("Jobs – FlexRec")
        self.panel = FlexPanel(self.scene, self.jobs)
        self._compared: QDialog | None = None
        self.log.setMaximumBlockCount(2000)
        self.log.setPlaceholderText("Every action is a command, which is written here.")
        right = QSplitter(Qt.Orientation.Vertical)
        right.addWidget(self.slices)
        right.addWidget(self.log)
        right.setSizes([700, 140])
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.panel)
        split.addWidget(right)
        split.setSizes([600, 600])
        split.setChildrenCollapsible(False)
        self.setCentralWidget(split)
        fit_to_screen(self, _SIZE)
        self.panel.help_asked.connect(self._help)
        self.panel.jobs_asked.connect(self.show_jobs)
        self.scene.opened.connect(self._start)
        self.scene.mapped.connect(self.slices.show_map)
        self.scene.compared.connect(self._compare)
        self.scene.message.connect(self.log.appendPlainText)
        self.scene.failed.connect(self._complain)

    def open(self, path: Path) -> bool:
        """Open a project; False, and the window says why, where it has no model."""
        try:
            self.scene.open(path)
        except InputError as error:
            self.panel.welcome.say(str(error))
            self.jobs.set_project(path)  # which may have jobs, and is where the first one is started
            return False
        return True

    def show_jobs(self) -> None:
        """The window of jobs, in front."""
        if not self.jobs.isVisible():
            fit_to_screen(self.jobs, SIZE)
        self.jobs.show()
        self.jobs.raise_()
        self.jobs.activateWindow()

    def _start(self) -> None:
        trained = self.scene.trained
        self.slices.start(trained.model.volume)
        self.setWindowTitle(f"{trained.project.name}/{trained.folder.name} – FlexRec")

    def _help(self) -> None:
        page = Path(__file__).resolve().parent.parent / "docs" / "user" / "tools" / "flexrec.html"
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))

    def _compare(self, compared: Compared | None, maps: tuple | None) -> None:
        """Two maps in a window of their own, or none any more."""
        if self._compared is not None:
            before, self._compared = self._compared, None
            before.close()
        if compared is None:
            return
        window, pixel_size = QDialog(self), self.scene.trained.model.pixel_size
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.setWindowTitle(compared.title)
        row = QHBoxLayout(window)
        if compared.how == "beside":
            for one in maps:
                row.addWidget(self._copy(one, pixel_size))
        else:
            picture = self._copy(maps[0], pixel_size)
            picture.show_difference(maps[1] - maps[0], pixel_size)
            row.addWidget(picture)
        fit_to_screen(window, QSize(500 * row.count(), 540))
        window.finished.connect(lambda _: self._compared is window and self.scene.end_comparison())
        self._compared = window
        window.show()

    def _copy(self, volume, pixel_size: float) -> Slices:
        """The slices of another map, on the grey scale of the moving one."""
        picture = self.slices.same_scale()
        picture.show_map(volume, pixel_size)
        return picture

    def _complain(self, sentence: str) -> None:
        self.log.appendPlainText(f"flexrec: {sentence}")

    def closeEvent(self, event) -> None:  # noqa: N802
        """End the engine process with the window."""
        self.jobs.close()
        self.panel.close_panel()
        self.scene.close()
        super().closeEvent(event)


def view(path: Path | None, python: str | None = None) -> int:
    """Open the window and stay until it is closed; returns the exit status."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    app.setApplicationName("FlexRec")
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C in the terminal ends it: Qt would not hear it
    window = Viewer(python)
    window.setWindowTitle("FlexRec")
    if path is not None:
        window.open(path)
    window.show()
    return app.exec()
