"""What can be done with the plot itself: saved, seen in pairs of axes, its point copied."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QApplication, QFileDialog, QMenu, QToolButton

from ...explore.anchors import point_text
from ..panel_services import PanelServices
from .component_pairs import ComponentPairs

_KINDS = (".png", ".pdf", ".svg")
_TIPS = {"Pairs": "All pairs of components", "Save": "Save the plot as PNG, PDF or SVG",
         "Jobs": "The jobs of the project and their logs, and the forms of new ones", "?": "Help"}  # fmt: skip


class PlotActions:
    """The entries of a panel's context menu, and the buttons beside the mouse modes."""

    def __init__(self, panel: PanelServices) -> None:
        self.panel = panel
        for name, action in (("Pairs", self.show_pairs), ("Save", self.ask_and_save), ("Jobs", panel.show_jobs),
                             ("?", panel.show_help)):  # fmt: skip
            button = QToolButton(panel, text=name, autoRaise=True, toolTip=_TIPS[name])
            button.setObjectName(name.lower())
            button.clicked.connect(lambda _=False, action=action: action())
            row = panel.plot.controls.axes_row if name == "Jobs" else panel.plot.controls.tools
            row.addWidget(button)

    def fill(self, menu: QMenu) -> None:
        """Put all of it into a menu."""
        for text, action in (
            ("Show all particles", self.panel.plot.canvas.go_home), ("All pairs of components …", self.show_pairs),
            ("The same particles in another model …", self.panel.show_compared),
            ("Save the plot …", self.ask_and_save), ("Copy z", self.copy_point),
            ("Open a project …", self.panel.choose_project), ("Jobs …", self.panel.show_jobs),
            ("Help", self.panel.show_help),
        ):  # fmt: skip
            menu.addAction(text).triggered.connect(lambda _=False, action=action: action())

    def show_pairs(self) -> None:
        """All pairs of components, in a window of their own."""
        trained = self.panel.scene.trained
        if trained is None or trained.model.latent_dims < 2:
            self.panel.complain("Pairs need two latent dimensions or more.")
            return
        window = ComponentPairs(trained, self.panel.plot.canvas.theme, self.panel)
        window.chosen.connect(lambda x, y: self.panel.plot.show_axes((x, y)))
        window.show()

    def ask_and_save(self) -> None:
        """Write the plot to a file that is asked for."""
        kinds = "Pictures (*.png *.pdf *.svg)"
        name, _ = QFileDialog.getSaveFileName(self.panel, "Save the plot", "latents.png", kinds)
        if name:
            self.save(name)

    def save(self, name: str) -> None:
        """Write the plot as it is as .png, .pdf or .svg."""
        if Path(name).suffix.lower() not in _KINDS:
            name += _KINDS[0]
        try:
            self.panel.plot.canvas.save(name)
        except OSError as error:
            self.panel.complain(f"{name}: {error.strerror}; choose another place.")
        else:
            self.panel.say(f"written to {name}")

    def copy_point(self) -> None:
        """The shown point, as the commands take it, to the clipboard."""
        if self.panel.scene.z is not None:
            QApplication.clipboard().setText(point_text(self.panel.scene.z))
