"""The panel: the plot's controls, the plot with the tabs below or beside it, status line and play bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from qtpy.QtCore import QEvent, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QKeyEvent, QPalette
from qtpy.QtWidgets import (
    QFileDialog,
    QMenu,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ..errors import InputError
from ..explore.centre import median_point
from ..explore.results import FOLDER, changed_at
from .empty_panel import Emptiness
from .jobs.jobs_window import JobsTab
from .panel_scene import Scene, quoted
from .plot.mouse_modes import MODES
from .plot.pairs import Pairs
from .plot.plot import PlotView
from .plot.plot_actions import PlotActs
from .plot.plot_notes import Notes
from .plot.steering import Steering
from .status_line import StatusLine
from .tabs.montage import Montage
from .tabs.path_tab import PathTab
from .tabs.play_bar import PlayBar
from .tabs.select_tab import SelectTab
from .tabs.sliders import Sliders
from .tabs.states_tab import StatesTab
from .widgets.folding import Folding
from .widgets.tab_bar import CloseTabs, scrolling

_LOOK = 1000  # milliseconds between looks at what the project keeps
Tab = tuple[str, Callable[[Scene], QWidget]]
_SIZE = QSize(520, 720)  # what it asks for; it can be much smaller


class FlexPanel(QWidget):
    """The whole panel over one scene.

    ``jobs``: what ``jobs_asked`` is to show, in a window of its own. ``tabs``: titles and makers of widgets that are
    put beside the sliders. ``own_menu``: whether it pops up its context menu itself, and not the window that it is in.
    """

    help_asked = Signal()
    jobs_asked = Signal()

    def __init__(self, scene: Scene, jobs: JobsTab, tabs: Sequence[Tab] = (), own_menu: bool = True) -> None:
        super().__init__()
        self.scene, self.jobs, self._own_menu = scene, jobs, own_menu
        self.plot, self.sliders, self.empty = PlotView(), Sliders(), Emptiness()
        self.status, self.bar = StatusLine(), PlayBar(scene)
        self.notes = Notes(self.plot.canvas)
        self.tabs = CloseTabs()
        self._trained = self._results = None
        self._lay_out()
        self.acts, self.steering = PlotActs(self), Steering(self)
        self._connect()
        self.paths, self.selections, self.states = PathTab(self), SelectTab(self), StatesTab(self)
        own = (("Sliders", self.sliders), ("Path", self.paths), ("Select", self.selections), ("States", self.states))
        for title, page in (*own, *((title, make(scene)) for title, make in tabs)):
            self.tabs.addTab(page if page is self.sliders else scrolling(page), title)
        self._endings = [scene.on_change(self.refresh), scene.on_failure(self.complain)]
        self.refresh()
        self._looking = QTimer(self, interval=_LOOK)
        self._looking.timeout.connect(self.look_at_files)
        self._looking.start()

    # ----- what is shown -----

    def refresh(self) -> None:
        """Follow the scene: another model, another point."""
        trained = self.scene.trained
        if trained is not self._trained:
            self._trained = trained
            self._set_trained()
        for page in (self.plot, self.sliders, self.paths, self.selections, self.states):
            page.setEnabled(trained is not None)
        for part in (self.bar, self.paths):
            part.refresh()
        self.look_at_files()
        if trained is None or self.plot.plane is None:
            return
        self._put_marker()
        self._say_point()
        self.notes.go_on()

    def _say_point(self) -> None:
        if self.plot.plane is not None:
            self.status.show_point(self.scene.z, self.plot.plane)

    def look_at_files(self) -> None:
        """States, selections, clusters or UMAP may have come or gone, here or by another program."""
        self.selections.refresh()
        self.states.refresh()
        stamp = None if self._trained is None else changed_at(self._trained.folder / FOLDER)
        if stamp != self._results:
            self._results = stamp
            self.plot.refresh_columns()

    def _set_trained(self) -> None:
        trained, before = self._trained, self.plot.trained
        if trained is None or before is None or trained.folder != before.folder:
            self.steering.let_go()
            for window in (*self.findChildren(Pairs), *self.findChildren(Montage)):
                window.close()  # which are about the former model
        try:
            self._results = None if trained is None else changed_at(trained.folder / FOLDER)
            self.sliders.set_trained(trained)
            self.plot.set_trained(trained)  # which puts the sliders at the new model's point
        except InputError as error:
            self.empty.say(str(error))
            trained = self._trained = None
        self._stack.setCurrentIndex(0 if trained is None else 1)
        self._show_controls(trained is not None)
        if trained is None:
            return
        self.empty.say("")
        self.status.begin(trained)
        missing = self.plot.plane.missing
        self.say(f"{missing} of {len(trained.latents)} particles have no latent numbers and are not drawn."
                 if missing else "")  # fmt: skip

    def _show_controls(self, shown: bool) -> None:
        for part in (self.plot.controls, self.status, self.bar):
            part.setVisible(shown)

    def here(self) -> np.ndarray:
        """The latent point ``(K,)`` that is shown; the particles' median while the map at rest is."""
        z = self.scene.z
        if z is not None:
            return np.asarray(z, float)
        return median_point(self._trained.latents).astype(float)

    def _put_marker(self) -> None:
        plane, here = self.plot.plane, self.here()
        point = plane.place(here)
        if plane.dims == 1:
            point = np.array([point[0], 0.04])
        self.plot.canvas.marks.put_marker(point if self.scene.z is not None else None)
        self.plot.canvas.refresh_marks()
        self.sliders.put(here)

    def say(self, sentence: str) -> None:
        """A sentence for the user, over the plot."""
        self.notes.say(sentence)

    def complain(self, sentence: str) -> None:
        """What went wrong, where the user looks."""
        if self._trained is None:
            self.empty.say(sentence)
        else:
            self.notes.say(sentence, until_next=True)

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

    def look(self) -> dict:
        """Axes, colours and view, in plain values, as `take_look` takes them."""
        plot = self.plot
        if plot.plane is None:
            return {}
        return {"axes": list(plot.plane.names), "colour": plot.colour.currentText(),
                "style": plot.style_choice.currentText(), "limits": plot.canvas.limits.tolist(),
                "folded": self.folding.asked, "tab": self.tabs.tabText(self.tabs.currentIndex()),
                "hidden": self.selections.hidden}  # fmt: skip

    def take_look(self, look: dict) -> None:
        """Show what `look` told, as far as the model that is open has it."""
        if self._trained is None or not look:
            return
        titles = [self.tabs.tabText(number) for number in range(self.tabs.count())]
        if look.get("tab") in titles:
            self.tabs.setCurrentIndex(titles.index(look["tab"]))
        if look.get("folded") is not None:
            self.folding.fold(look["folded"])
        self.selections.hide_named(look.get("hidden", []))
        if self.plot.show_axes(tuple(look["axes"])):
            self.plot.style_choice.setCurrentText(look["style"])
            self.plot.color_by(look["colour"])
            self.plot.canvas.set_limits(look["limits"], at_once=True)
            self.plot.canvas.repaint_particles()
            self._put_marker()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """ChimeraX's dark palette shows a hint in an empty field as if it were its text: paler here."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ParentChange):
            now, paler = self.palette(), QPalette()
            hint = now.color(QPalette.ColorRole.Text)
            hint.setAlphaF(0.5)
            if now.color(QPalette.ColorRole.PlaceholderText) != hint:
                paler.setColor(QPalette.ColorRole.PlaceholderText, hint)
                self.setPalette(paler)

    def contextMenuEvent(self, event) -> None:  # noqa: N802
        """What can be done with the plot."""
        if not self._own_menu or self._trained is None:
            event.ignore()
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.acts.fill(menu)
        menu.popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows, space, Escape: see `Steering.key`."""
        if not self.steering.key(event):
            super().keyPressEvent(event)

    # ----- made once -----

    def _lay_out(self) -> None:
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
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
        self.plot.pointed.connect(self.notes.point_at)
        self.plot.modes.idClicked.connect(lambda number: self.say(list(MODES.values())[number]))
        self.plot.replaned.connect(self._put_marker)
        self.plot.replaned.connect(self._say_point)
        self.plot.canvas.setFocusProxy(self)
        self.empty.project.connect(self._choose_project)
        self.empty.demo.connect(lambda: self.scene.run("flexrec demo"))
        self.empty.jobs.connect(self.jobs_asked)
        self.status.ready.connect(self._say_point)

    def _choose_project(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "A FlexRec project")
        if folder:
            self.scene.run(f"flexrec open {quoted(folder)}")

    def close_panel(self) -> None:
        """Listen to the scene no more."""
        self._looking.stop()
        if self.steering.let_go() and self._trained is not None:
            self.steering.show_point(self.here())
        for end in self._endings:
            end()
        self._endings = []
