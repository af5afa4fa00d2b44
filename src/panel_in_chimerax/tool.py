"""The panel as a tool of ChimeraX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from chimerax.core.session import Session
from chimerax.core.tools import ToolInstance, get_singleton
from chimerax.ui import MainToolWindow
from qtpy.QtWidgets import QComboBox, QMenu, QVBoxLayout

from ..jobs.project import job_folders
from ..panel.jobs.job_control import CommandJobControl
from ..panel.jobs.jobs_panel import JobsPanel
from ..panel.jobs.project_jobs import SIZE, fit_to_screen, make_jobs
from ..panel.tabs.moving_tab import MovingTab
from ..panel.window import FlexPanel
from ..scene.settings import engine_python, panel_settings
from .chimerax_scene import ChimeraXScene
from .dock_size import DockSize

TOOL = "FlexRec"
_VERSION = 1


class FlexRecTool(ToolInstance):
    """One panel for a session, about one of its FlexRec models at a time."""

    SESSION_ENDURING = False
    SESSION_SAVE = True
    help = "help:user/tools/flexrec.html"

    def __init__(self, session: Session, tool_name: str = TOOL) -> None:
        super().__init__(session, tool_name)
        self.display_name = TOOL
        self.tool_window = MainToolWindow(self)
        self.scene = ChimeraXScene(session)
        self.jobs = self._make_jobs()
        tabs = [("Mesh && flow", lambda panel: MovingTab(panel.scene))]
        self.panel = FlexPanel(self.scene, self.jobs, tabs, own_menu=False)
        self.jobs_window = None  # made when it is first asked for
        self.panel.help_asked.connect(self.display_help)
        self.panel.jobs_asked.connect(self.show_jobs)
        self._models = QComboBox()
        self._models.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._models.setMinimumContentsLength(8)
        self._models.setToolTip("The model that the panel is about")
        self._models.activated.connect(lambda row: self.scene.choose(self.scene.models[row]))
        column = QVBoxLayout(self.tool_window.ui_area)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._models)
        column.addWidget(self.panel, 1)
        self.tool_window.fill_context_menu = self.fill_context_menu
        self._unsubscribe = self.scene.on_change(self._list_models)
        self._list_models()
        self.tool_window.manage(_place(session))
        dock, main = self.tool_window._dock_widget, session.ui.main_window
        self._size = DockSize(main, dock, self.panel, panel_settings(session))

    def _make_jobs(self) -> JobsPanel:
        control = CommandJobControl(self.scene.run, lambda: engine_python(self.session))
        self.scene.on_failure(control.on_failure)
        return make_jobs(self.scene, control)

    def show_jobs(self) -> None:
        """The window of jobs, in front: one that floats, until the user docks it.

        While no model is open it is about the current folder, as commands are, if there are jobs in it.
        """
        here = Path.cwd()
        if self.scene.trained is None and job_folders(here):
            self.jobs.offer_project(here)
        if self.jobs_window is None:
            self.jobs_window = window = self.tool_window.create_child_window("FlexRec jobs", close_destroys=False)
            column = QVBoxLayout(window.ui_area)
            column.setContentsMargins(0, 0, 0, 0)
            column.addWidget(self.jobs)
            window.manage(None)
            fit_to_screen(window.ui_area.window(), SIZE)
        self.jobs_window.shown = True

    @classmethod
    def shown(cls, session: Session) -> FlexRecTool:
        """The session's panel, made if need be."""
        return get_singleton(session, cls, TOOL, create=True)

    def fill_context_menu(self, menu: QMenu, x: int, y: int) -> None:
        """The plot's own entries, in ChimeraX's menu."""
        self.panel.plot_actions.fill(menu)

    def delete(self) -> None:
        """Close the panel."""
        self._unsubscribe()
        self._size.end()
        self.panel.close_panel()
        self.scene.close()
        super().delete()

    def _list_models(self) -> None:
        models = self.scene.models
        names = [f"#{model.id_string} {model.name}" for model in models]
        if names != [self._models.itemText(row) for row in range(self._models.count())]:
            self._models.clear()
            self._models.addItems(names)
        self._models.setVisible(len(models) > 1)
        if self.scene.model in models:
            self._models.setCurrentIndex(models.index(self.scene.model))

    # ----- sessions -----

    def take_snapshot(self, session: Session, flags: int) -> dict:
        """Which model, axes, colours and view."""
        return {"version": _VERSION, "model": self.scene.model, "look": self.panel.display_state()}

    @classmethod
    def restore_snapshot(cls, session: Session, data: dict) -> FlexRecTool:
        """The panel as it was; the models are there before it is filled."""
        tool = cls.shown(session)

        def restored(*_) -> str:
            from chimerax.core.triggerset import DEREGISTER

            if data["model"] in tool.scene.models:
                tool.scene.choose(data["model"])
            state = {key: np.asarray(value) if key == "limits" else value for key, value in data["look"].items()}
            tool.panel.restore_display(state)
            return DEREGISTER

        session.triggers.add_handler("end restore session", restored)
        return tool


def _place(session):
    """With the Log, as another tab of it: stacked below Log and Models, a plot would be very low."""
    for tool in session.tools.list():
        window = getattr(tool, "tool_window", None)
        if tool.tool_name == "Log" and window is not None and window.shown and not window.floating:
            return window
    return "side"
