"""The buttons that open what a job has made: a training's model, a reconstruction's maps, the page about either."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QPushButton

from ...jobs.listing import JobState
from ...jobs.reconstruct.reconstruct_parameters import RECONSTRUCT
from ...jobs.record import DONE
from ...jobs.reports.report_files import HTML
from ..widgets.named_button import named_button
from .job_control import JobControl

OPEN, REPORT = "Open model", "Report"  # the first is "Open map" where the chosen job is a reconstruction
COLOURED = {"resolution": "By resolution", "gain": "By gain"}
REPORTED = ("train", "reconstruct", "diagnose")  # verbs of jobs about which there are pages
_COLOUR_TIPS = {
    "resolution": ("Show the map coloured by local resolution", "No local resolution was measured in this job"),
    "gain": ("Show the map coloured by how much finer it is than the rigid map",
             "Only a map under motion that was solved with its rigid twin has a gain over it"),
}  # fmt: skip
_REPORT_TIPS = ("Show the page about this job: is the motion real, and what became of the map",
                "There is no report yet; flexrec report writes it when the job is done")  # fmt: skip


class JobResults:
    """Buttons by name.

    ``do`` calls a function with the chosen job's folder and shows what goes wrong; ``open_model`` is called with the
    folder of a training. What a job has was seen by a thread: no button looks at the disk.
    """

    def __init__(
        self, control: JobControl, do: Callable[[Callable[[Path], None]], None], open_model: Callable[[Path], None]
    ) -> None:
        self._control, self._do, self._open_model = control, do, open_model
        self._colours: frozenset[str] = frozenset()
        self._has_report = self._is_map = False
        self.buttons: dict[str, QPushButton] = {OPEN: named_button(OPEN, self._open, OPEN)}
        for colour, text in COLOURED.items():
            self.buttons[text] = named_button(text, lambda colour=colour: self._open_maps(colour), text)
        self.buttons[REPORT] = named_button(REPORT, self._report, REPORT)

    def put(self, colours: frozenset[str], report: bool) -> None:
        """Which colours the chosen job's map can have, and whether there is a page about it."""
        self._colours, self._has_report = colours, report

    def show(self, state: JobState | None, has_model: bool) -> None:
        """Show what the chosen job has."""
        done = state is not None and state.state == DONE
        self._is_map = state is not None and state.verb == RECONSTRUCT.verb and self._control.open_maps is not None
        button = self.buttons[OPEN]
        button.setText("Open map" if self._is_map else OPEN)
        button.setToolTip("Show the map that a reconstruction has made" if self._is_map else
                          "Show the model that a training has written")  # fmt: skip
        button.setEnabled(has_model or (self._is_map and done))
        for colour, text in COLOURED.items():
            self.buttons[text].setVisible(self._is_map)
            _offer(self.buttons[text], done and colour in self._colours, _COLOUR_TIPS[colour])
        self.buttons[REPORT].setVisible(state is not None and state.verb in REPORTED)
        _offer(self.buttons[REPORT], self._has_report, _REPORT_TIPS)

    def _open(self) -> None:
        if self._is_map:
            self._open_maps("none")
        else:
            self._do(self._open_model)

    def _open_maps(self, colour: str) -> None:
        self._do(lambda folder: self._control.open_maps(folder, colour))

    def _report(self) -> None:
        self._do(lambda folder: self._show_page(folder / HTML))

    def _show_page(self, path: Path) -> None:
        if self._control.open_report is not None:
            self._control.open_report(path)
        else:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def _offer(button: QPushButton, there: bool, tips: tuple[str, str]) -> None:
    """Enable a button where something is there, and say what it does, or else why it cannot."""
    button.setEnabled(there)
    button.setToolTip(tips[0] if there else tips[1])
