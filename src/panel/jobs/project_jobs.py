"""The jobs of the project whose model is open, which every host of the panel shows in a window of its own."""

from __future__ import annotations

from qtpy.QtCore import QRect, QSize
from qtpy.QtWidgets import QWidget

from ..panel_scene import Scene, quoted
from .job_control import JobControl
from .jobs_panel import JobsPanel

SIZE = QSize(900, 760)  # of their window, where the screen has as much
_FRAME = QSize(16, 48)  # what a window's frame and title take of a screen


def make_jobs(scene: Scene, control: JobControl) -> JobsPanel:
    """The jobs of the project whose model is open; a newer checkpoint of an open model is shown."""
    jobs = JobsPanel(control)

    def find_project() -> None:
        if scene.trained is not None:
            jobs.offer_project(scene.trained.project)

    find_project()
    scene.on_change(find_project)
    jobs.checkpoint.connect(scene.renew)
    jobs.model_asked.connect(lambda folder: scene.run(f"flexrec open {quoted(str(folder))}"))
    return jobs


def fit_to_screen(window: QWidget, wanted: QSize) -> None:
    """Give a window that is about to be shown this size, or what the screen has, in the screen's middle."""
    screen: QRect = window.screen().availableGeometry()
    size = wanted.boundedTo(screen.size() - _FRAME)
    left = screen.left() + (screen.width() - size.width()) // 2
    top = screen.top() + (screen.height() - size.height() + _FRAME.height() // 2) // 2
    window.setGeometry(QRect(left, top, size.width(), size.height()))
