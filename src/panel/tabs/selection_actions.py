"""Buttons for one selection: its state, a map of its images, the images, export, colour, delete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QFileDialog, QWidget

from ...errors import InputError
from ...explore.export import can_save_cs, note_on
from ...jobs.reconstruct.reconstruct_parameters import RECONSTRUCT
from ...particles.prepared import check_prepared
from ...particles.selection import Selection
from ..panel_scene import quoted
from ..panel_services import PanelServices
from ..widgets.named_button import named_button
from ..widgets.wrapping import WrappingRow
from .montage import Montage

_STAR, _CS, _NUMBERS = "RELION (*.star)", "cryoSPARC (*.cs)", "Row numbers (*.txt *.npy *.npz *.pkl)"
_ABOUT = {
    "Typical state": "The model's map at the selected particle in the middle of the selection: one state, and no "
                     "reconstruction from the particles' images",
    "Reconstruct …": "A map from the images of the selected particles, without the model: fills the form of that job",
    "Images": "The particle images of the selection, as the microscope took them where they are at hand",
    "Export …": "Write the selected particles as .star for RELION, as .cs where they came from cryoSPARC, or their "
                "numbers",
}  # fmt: skip


class SelectionActions(QWidget):
    """Buttons for the selection that is ``chosen``; ``changed`` is emitted when it is another one, or gone."""

    changed = Signal()

    def __init__(self, panel: PanelServices, chosen: Callable[[], Selection | None]) -> None:
        super().__init__()
        self.panel, self.scene, self._chosen = panel, panel.scene, chosen
        actions = (("Typical state", self.show_state), ("Reconstruct …", self.reconstruct),
                   ("Images", self.show_images), ("Export …", self.export), ("Colour …", self.recolour),
                   ("Delete", self.remove))  # fmt: skip
        buttons = [named_button(text, action, text.lower().strip(" …") + " of selection", _ABOUT.get(text, ""))
                   for text, action in actions]  # fmt: skip
        self.setLayout(WrappingRow(buttons))

    def show_state(self) -> None:
        """The state in the middle of the chosen selection."""
        def show(selection: Selection) -> None:
            if self.scene.run(f"flexrec volume selection {quoted(selection.name)}"):
                self.panel.say(f"{selection.name}: the model's map at its middle particle, "
                               "no reconstruction of its images")  # fmt: skip

        self._with_chosen(show)

    def reconstruct(self) -> None:
        """The window of jobs, with the form of a map from the chosen selection's images."""
        self._with_chosen(self._fill_form)

    def _fill_form(self, selection: Selection) -> None:
        trained, jobs = self.scene.trained, self.panel.jobs
        try:
            check_prepared(trained.prepared)
        except InputError as error:
            self.panel.complain(str(error))
            return
        jobs.set_project(trained.project)
        jobs.fill(RECONSTRUCT.verb, {"particles": trained.prepared, "selection": selection.name})
        self.panel.show_jobs()

    def show_images(self) -> None:
        """The raw images of the chosen selection."""
        self._with_chosen(
            lambda selection: Montage(self.scene.trained, selection, self.use_folder, self.panel).show())

    def use_folder(self, folder: str) -> str:
        """The images are in that folder; returns what is wrong with it, or nothing."""
        failures: list[str] = []
        unsubscribe = self.scene.on_failure(failures.append)
        self.scene.run(f"flexrec images {quoted(folder)}")
        unsubscribe()
        return "".join(failures)

    def export(self) -> None:
        """Write the chosen selection's particles to a file that is asked for."""
        def ask(selection: Selection) -> None:
            kinds = [_STAR, *([_CS] if can_save_cs(self.scene.trained) else []), _NUMBERS]
            suggested = f"{selection.name}.star"
            name, kind = QFileDialog.getSaveFileName(self, "Export particles", suggested, ";;".join(kinds))
            if name:
                self.export_to(selection, name, kind)

        self._with_chosen(ask)

    def export_to(self, selection: Selection, name: str, kind: str = "") -> bool:
        """Write a selection's particles."""
        if not Path(name).suffix:
            name += {_CS: ".cs", _NUMBERS: ".txt"}.get(kind, ".star")
        done = self.scene.run(f"flexrec save particles {quoted(name)} selection {quoted(selection.name)}")
        if done:
            note = note_on(self.scene.trained, Path(name))
            self.panel.say(f"{len(selection):,} particles written to {Path(name).name}" + (f"; {note}" if note else ""))
        return done

    def remove(self) -> None:
        """Delete the chosen selection."""
        self._with_chosen(lambda selection: self.scene.run(f"flexrec selections remove {quoted(selection.name)}"))
        self.changed.emit()

    def recolour(self) -> None:
        """Ask for another colour of the chosen selection."""
        def ask(selection: Selection) -> None:
            colour = QColorDialog.getColor(QColor(selection.colour), self)
            if colour.isValid():
                name = quoted(selection.name)
                self.scene.run(f"flexrec select name {name} and {name} color {colour.name()}")
                self.changed.emit()

        self._with_chosen(ask)

    def _with_chosen(self, action: Callable[[Selection], object]) -> None:
        chosen = self._chosen()
        if chosen is None:
            self.panel.complain("Choose a selection in the list first.")
        else:
            action(chosen)
