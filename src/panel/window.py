"""The panel: the plot's controls, the plot with the tabs below or beside it, status line and play bar."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence

import numpy as np
from qtpy.QtCore import QEvent, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QContextMenuEvent, QKeyEvent, QPalette
from qtpy.QtWidgets import QFileDialog, QMenu, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from ..errors import InputError
from ..explore.centre import median_point
from ..explore.results import FOLDER, changed_at
from ..explore.trained_model import Trained
from .jobs.jobs_panel import JobsPanel
from .panel_scene import Scene, quoted
from .panel_services import PanelServices, PanelTab
from .plot.compared_window import ComparedWindow
from .plot.component_pairs import ComponentPairs
from .plot.mouse_modes import MODES
from .plot.plot_actions import PlotActions
from .plot.plot_messages import PlotMessages
from .plot.plot_view import PlotView
from .plot.point_control import PointControl
from .status_line import StatusLine
from .tabs.montage import Montage
from .tabs.path_tab import PathTab
from .tabs.play_bar import PlayBar
from .tabs.select_tab import SelectTab
from .tabs.sliders_tab import SlidersTab
from .tabs.states_tab import StatesTab
from .thread_work import ThreadWork
from .welcome_page import WelcomePage
from .widgets.folding import Folding
from .widgets.tab_bar import CompactTabs, scrolling

_READ_FILES = 1000  # milliseconds between two readings of the project's folder
TabMaker = tuple[str, Callable[[PanelServices], QWidget]]  # its title, and what makes it
_SIZE = QSize(520, 720)  # what it asks for; it can be much smaller


class FlexPanel(QWidget):
    """The whole panel over one scene; implements `PanelServices` for its parts.

    ``jobs``: what ``jobs_asked`` is to show, in a window of its own. ``tabs``: tabs that only this host has.
    ``own_menu``: whether it pops up its context menu itself, and not the window that it is in.
    """

    help_asked = Signal()
    jobs_asked = Signal()

    def __init__(self, scene: Scene, jobs: JobsPanel, tabs: Sequence[TabMaker] = (), own_menu: bool = True) -> None:
        super().__init__()
        self.scene, self.jobs, self._own_menu = scene, jobs, own_menu
        self.plot, self.sliders, self.welcome = PlotView(), SlidersTab(), WelcomePage()
        self.status, self.bar = StatusLine(), PlayBar(scene)
        self.messages = PlotMessages(self.plot.canvas)
        self.tabs = CompactTabs()
        self._wanted = self._trained = self._results = None
        self._look: dict = {}  # that the model is to have which is being read
        self._reading = ThreadWork(self)
        self._lay_out()
        self.plot_actions, self.point_control = PlotActions(self), PointControl(self)
        self._connect()
        self.paths, self.selections, self.states = PathTab(self), SelectTab(self), StatesTab(self)
        self.compared = ComparedWindow(self)
        pages: dict[str, QWidget] = {"Path": self.paths, "Select": self.selections, "States": self.states}
        self._link_plots()
        pages |= {title: make(self) for title, make in tabs}
        self._refreshed = [page for page in (*pages.values(), self.compared) if isinstance(page, PanelTab)]
        self.tabs.addTab(self.sliders, "Sliders")
        for title, page in pages.items():
            self.tabs.addTab(scrolling(page), title)
        self._unsubscribe = [scene.on_change(self.refresh), scene.on_failure(self.complain)]
        self.refresh()
        self._file_timer = QTimer(self, interval=_READ_FILES)
        self._file_timer.timeout.connect(self.refresh_files)
        self._file_timer.start()

    # ----- what is shown -----

    def refresh(self) -> None:
        """Follow the scene: another model, another point."""
        if self.scene.trained is not self._wanted:
            self._wanted = self.scene.trained
            self._read()
        shown = self._trained is not None
        for page in (self.plot, self.sliders, *self._refreshed):
            page.setEnabled(shown)
        if self.reading and not shown:
            return
        for part in (self.bar, *self._refreshed):
            part.refresh()
        self.refresh_files()
        if not shown:
            return
        self._put_marker()
        self._say_point()
        self.messages.clear_read_error()

    def _say_point(self) -> None:
        if self.plot.plane is not None:
            self.status.show_point(self.scene.z, self.plot.plane)

    def refresh_files(self) -> None:
        """States, selections, clusters or UMAP may have come or gone, here or by another program."""
        if self.reading:
            return  # what is shown of them then is shown in the plot that there will be
        for tab in self._refreshed:
            tab.refresh_files()
        stamp = None if self._trained is None else changed_at(self._trained.folder / FOLDER)
        if stamp != self._results:
            self._results = stamp
            self.plot.refresh_columns()

    @property
    def reading(self) -> bool:
        """Whether a model is open whose particles are not plotted yet."""
        return self._reading.busy

    def _read(self) -> None:
        """Show the model that is wanted when its axes are known, which takes long for large ones.

        Until then the plot is empty, or has the former checkpoint of the same training.
        """
        trained = self._wanted
        self._reading.forget()
        self._look = {}
        if trained is None or trained.has_axes:
            self._set_trained(trained)
            return
        if self._trained is None or not _same_particles(self._trained, trained):
            axes = self.plot.axis_names or self.plot.wanted_axes
            self._set_trained(None)
            self.plot.wanted_axes = axes
            self._stack.setCurrentIndex(1)
            self.say(f"Reading {trained.folder.name} …")
        self._reading.begin(lambda: trained.axes)

    def _read_done(self, _: object) -> None:
        self._set_trained(self._wanted)
        self.refresh()
        look, self._look = self._look, {}
        self.restore_display(look)

    def _not_read(self, error: Exception) -> None:
        self._set_trained(None)
        self.refresh()
        if isinstance(error, InputError):
            self.complain(str(error))
            return
        # PyQt ends the program where one leaves a slot
        traceback.print_exception(error)
        self.complain(f"{self._wanted.folder.name} cannot be plotted, by a mistake in FlexRec ({type(error).__name__}: "
                      f"{error}); the log or the terminal says where.")  # fmt: skip

    def _set_trained(self, trained: Trained | None) -> None:
        before, self._trained = self.plot.trained, trained
        if trained is None or before is None or trained.folder != before.folder:
            self.point_control.stop()
            for window in (*self.findChildren(ComponentPairs), *self.findChildren(Montage)):
                window.close()  # which are about the former model
        try:
            self._results = None if trained is None else changed_at(trained.folder / FOLDER)
            self.sliders.set_trained(trained)
            self.plot.set_trained(trained)  # which puts the sliders at the new model's point
        except InputError as error:
            self.welcome.say(str(error))
            trained = self._trained = None
        self._stack.setCurrentIndex(0 if trained is None else 1)
        self._show_controls(trained is not None)
        if trained is None:
            return
        self.welcome.say("")
        self.status.begin(trained)
        missing = self.plot.plane.missing
        self.say(f"{missing} of {len(trained.latents)} particles have no latent numbers and are not drawn."
                 if missing else "")  # fmt: skip

    def _show_controls(self, shown: bool) -> None:
        for part in (self.plot.controls, self.status, self.bar):
            part.setVisible(shown)

    def shown_point(self) -> np.ndarray:
        """See `PanelServices`."""
        z = self.scene.z
        if z is not None:
            return np.asarray(z, float)
        return median_point(self.scene.trained.latents).astype(float)

    def _put_marker(self) -> None:
        plane, z = self.plot.plane, self.shown_point()
        point = plane.place(z)
        if plane.dims == 1:
            point = np.array([point[0], 0.04])
        self.plot.canvas.marks.put_marker(point if self.scene.z is not None else None)
        self.plot.canvas.refresh_marks()
        self.sliders.put(z)

    def say(self, sentence: str) -> None:
        """See `PanelServices`."""
        self.messages.say(sentence)

    def complain(self, sentence: str) -> None:
        """See `PanelServices`; over the plot, or on the welcome page while nothing is open."""
        if self._trained is None:
            self.welcome.say(sentence)
        else:
            self.messages.say(sentence, until_next=True)

    def show_jobs(self) -> None:
        """See `PanelServices`: the host has the window."""
        self.jobs_asked.emit()

    def show_help(self) -> None:
        """See `PanelServices`: the host has the page."""
        self.help_asked.emit()

    def choose_project(self) -> None:
        """See `PanelServices`."""
        folder = QFileDialog.getExistingDirectory(self, "A FlexRec project")
        if folder:
            self.scene.run(f"flexrec open {quoted(folder)}")

    def show_tab(self, page: QWidget) -> None:
        """Bring a tab to the front."""
        for number in range(self.tabs.count()):
            tab = self.tabs.widget(number)
            if tab is page or (isinstance(tab, QScrollArea) and tab.widget() is page):
                self.tabs.setCurrentIndex(number)
                self.folding.fold(False)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Whatever is in it: where there is less room it takes less."""
        return _SIZE

    def display_state(self) -> dict:
        """Axes, colours and view, in plain values, for `restore_display`."""
        plot = self.plot
        if plot.plane is None:
            return self._look
        return {"axes": list(plot.plane.names), "colour": plot.colour.currentText(),
                "style": plot.style_choice.currentText(), "limits": plot.canvas.limits.tolist(),
                "folded": self.folding.asked, "tab": self.tabs.tabText(self.tabs.currentIndex()),
                "hidden": self.selections.hidden}  # fmt: skip

    def restore_display(self, state: dict) -> None:
        """Show what `display_state` returned, as far as the model that is open has it; see `reading`."""
        if self.reading:
            self._look = state
        if self._trained is None or not state:
            return
        titles = [self.tabs.tabText(number) for number in range(self.tabs.count())]
        if state.get("tab") in titles:
            self.tabs.setCurrentIndex(titles.index(state["tab"]))
        if state.get("folded") is not None:
            self.folding.fold(state["folded"])
        self.selections.hide_named(state.get("hidden", []))
        if self.plot.show_axes(tuple(state["axes"])):
            self.plot.style_choice.setCurrentText(state["style"])
            self.plot.color_by(state["colour"])
            self.plot.canvas.set_limits(state["limits"], at_once=True)
            self.plot.canvas.repaint_particles()
            self._put_marker()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """ChimeraX's dark palette shows a hint in an empty field as if it were its text: paler here."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ParentChange):
            current, paler = self.palette(), QPalette()
            hint = current.color(QPalette.ColorRole.Text)
            hint.setAlphaF(0.5)
            if current.color(QPalette.ColorRole.PlaceholderText) != hint:
                paler.setColor(QPalette.ColorRole.PlaceholderText, hint)
                self.setPalette(paler)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """What can be done with the plot."""
        if not self._own_menu or self._trained is None:
            event.ignore()
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.plot_actions.fill(menu)
        menu.popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows, space, Escape: see `PointControl.key`."""
        if not self.point_control.key(event):
            super().keyPressEvent(event)

    # ----- made once -----

    def _lay_out(self) -> None:
        self._stack = QStackedWidget()
        self._stack.addWidget(self.welcome)
        self._stack.addWidget(self.plot)
        self.folding = Folding(self._stack, self.tabs)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(2)
        whole.addWidget(self.plot.controls)
        whole.addWidget(self.folding, 1)
        whole.addWidget(self.status)
        whole.addWidget(self.bar)
        self._show_controls(False)

    def _connect(self) -> None:
        self.plot.failed.connect(self.say)
        self.plot.hover_text.connect(self.messages.set_hover_text)
        self.plot.modes.idClicked.connect(lambda number: self.say(list(MODES.values())[number]))
        self.plot.axes_changed.connect(self._put_marker)
        self.plot.axes_changed.connect(self._say_point)
        self.plot.canvas.setFocusProxy(self)
        self.welcome.project.connect(self.choose_project)
        self.welcome.demo.connect(lambda: self.scene.run("flexrec demo"))
        self.welcome.jobs.connect(self.show_jobs)
        self.status.ready.connect(self._say_point)
        self._reading.done.connect(self._read_done)
        self._reading.failed.connect(self._not_read)

    def _link_plots(self) -> None:
        """What is selected in one plot shows in the other."""
        self.selections.highlighted.connect(self.compared.show_highlights)
        self.compared.shown.connect(self.selections.show_selections)
        self.selections.other_asked.connect(self.show_compared)
        self.compared.plot.mouse.outlined.connect(
            lambda outline, kind: self.selections.select_outline(outline, kind, self.compared.plot.plane.names))

    def show_compared(self) -> None:
        """See `PanelServices`."""
        self.compared.show()
        self.compared.raise_()

    def close_panel(self) -> None:
        """Stop listening to the scene; a drag that was under way ends with the true map."""
        self._file_timer.stop()
        self._reading.forget()
        self.compared.close()
        if self.point_control.stop() and self._trained is not None:
            self.point_control.show_point(self.shown_point())
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []


def _same_particles(before: Trained, after: Trained) -> bool:
    """Whether one is another checkpoint of the other's training, in the same latent space."""
    return before.folder == after.folder and before.model.latent_dims == after.model.latent_dims
