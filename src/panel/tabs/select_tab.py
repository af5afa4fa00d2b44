"""The tab of selections: made by lasso, box, condition or cluster; joined, and shown in the plot."""

from __future__ import annotations

import re

import numpy as np
from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QComboBox, QHeaderView, QLineEdit, QSizePolicy, QSpinBox, QTreeWidgetItem, QVBoxLayout

from ...atomic import atomic_path
from ...errors import InputError, disk_error_text
from ...explore.cluster_file import load_clusters
from ...explore.results import kept_stamp
from ...explore.selection_state import check_particles
from ...particles.selection import FOLDER, Selection, load_selection, outline_path, selection_names
from ..panel_scene import quoted
from ..panel_services import PanelServices, PanelTab
from ..widgets.named_button import action_button
from ..widgets.short_lists import ShortTree
from ..widgets.wrapping import labelled, with_label, wrapping
from .selection_actions import SelectionActions

_FEW_NUMBERS = 100  # pixels that a field for them asks for
# what becomes of the particles in the lasso: words, and what the command says of the chosen selection
_NEW, _ADD, _WITHIN, _AWAY = range(4)
_JOINS = ("makes a new selection", "adds to the chosen", "keeps of the chosen", "takes away from the chosen")


class SelectTab(PanelTab):
    """The selections of the project, which are shown in the panel's plot."""

    highlighted = Signal(list)  # rows and a colour of each that is shown
    other_asked = Signal()  # the plot of another model of these particles

    def __init__(self, panel: PanelServices) -> None:
        super().__init__()
        self.panel, self.scene, self.plot = panel, panel.scene, panel.plot
        self.listed: list[Selection] = []
        self._stamp, self._clusters_asked = None, False
        self._hidden: set[str] = set()
        self.name = QLineEdit(placeholderText="name (or one is made up)")
        self.join, self.where = QComboBox(), QLineEdit(placeholderText="such as pc1 > 1")
        self.where.setToolTip("A condition on columns, such as pc1 > 1 and uncertainty < 3")
        self.join.addItems(_JOINS)
        self.join.setToolTip("What the next lasso, box, condition or clusters do")
        self.clusters = _ShortField(placeholderText="1,3")
        self.clusters.setToolTip("Numbers of clusters, whose particles become a selection")
        self.clusters.setAccessibleName("clusters to select")
        self.count = QSpinBox(minimum=1, maximum=500, value=6)
        self.list = ShortTree()
        self.list.setHeaderLabels(["selection", "particles", "share"])
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for narrow in (1, 2):
            self.list.header().setSectionResizeMode(narrow, QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setStretchLastSection(False)
        self.selection_actions = SelectionActions(panel, lambda: self.chosen)
        self._lay_out()
        self.selection_actions.changed.connect(self.refresh_files)
        self.plot.mouse.outlined.connect(lambda outline, kind: self.select_outline(outline, kind))
        self.list.itemChanged.connect(self._toggled)
        self.list.currentItemChanged.connect(lambda *_: self.show_selections())

    # ----- what there is -----

    def refresh(self) -> None:
        """See `PanelTab`: whether clusters that were asked for are made."""
        trained = self.scene.trained
        if self._clusters_asked and self.plot.trained is trained is not None and self.scene.computing is None:
            self._clusters_asked = False
            if load_clusters(trained) is not None:  # they may have been cancelled
                self.plot.color_by("cluster")

    def refresh_files(self) -> None:
        """See `PanelTab`: which selections the project has now."""
        trained = self.scene.trained
        stamp = kept_stamp(trained, FOLDER)
        if stamp == self._stamp:
            return
        self._stamp, self.listed = stamp, []
        for name in selection_names(trained.project) if trained else ():
            try:
                selection = load_selection(trained.project, name)
                check_particles(trained, selection)
            except InputError:  # damaged, or of other particles: the command flexrec selections says which
                continue
            self.listed.append(selection)
        self._hidden &= {selection.name for selection in self.listed}
        self._fill()
        self.show_selections()

    def show_selections(self) -> None:
        """Put those that are ticked into the plot, the chosen one above the others."""
        ticked = [selection for selection in self.listed if selection.name not in self._hidden]
        ticked.sort(key=lambda selection: selection is self.chosen)
        highlights = [(selection.rows, selection.colour) for selection in ticked]
        self.plot.canvas.set_highlights(highlights)
        self.highlighted.emit(highlights)

    @property
    def hidden(self) -> list[str]:
        """Names of those that are not ticked."""
        return sorted(self._hidden)

    def hide_named(self, names: list[str]) -> None:
        """Tick all but these."""
        self._hidden = set(names)
        self._fill()
        self.show_selections()

    @property
    def chosen(self) -> Selection | None:
        """The selection that is selected in the list."""
        row = self.list.indexOfTopLevelItem(self.list.currentItem()) if self.list.currentItem() else -1
        return self.listed[row] if 0 <= row < len(self.listed) else None

    def _fill(self) -> None:
        chosen = self.chosen.name if self.chosen is not None else None
        with QSignalBlocker(self.list):
            self.list.clear()
            for selection in self.listed:
                share = f"{100 * len(selection) / selection.count:.1f} %"
                item = QTreeWidgetItem([selection.name, f"{len(selection):,} of {selection.count:,}", share])
                item.setToolTip(0, selection.made)
                item.setIcon(0, _patch(selection.colour))
                shown = selection.name not in self._hidden
                item.setCheckState(0, Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked)
                self.list.addTopLevelItem(item)
                if selection.name == chosen:
                    self.list.setCurrentItem(item)

    def _toggled(self, item: QTreeWidgetItem, _: int) -> None:
        hide = item.checkState(0) == Qt.CheckState.Unchecked
        (self._hidden.add if hide else self._hidden.discard)(item.text(0))
        self.show_selections()

    # ----- making -----

    def select_outline(self, outline: np.ndarray, kind: str, names: tuple[str, ...] | None = None) -> None:
        """The particles inside ``(m, 2)`` of the plot, or of one that has the axes ``names``."""
        names = names or self.plot.plane.names
        if kind == "box" or len(names) == 1:
            low, high = outline.min(axis=0), outline.max(axis=0)
            limits = ",".join(f"{name}={a:.7g}:{b:.7g}" for name, a, b in zip(names, low, high))
            self._select(f"box {quoted(limits)}")
            return
        name = self._name()
        path = outline_path(self.scene.trained.project, name)
        try:
            path.parent.mkdir(exist_ok=True)
            with atomic_path(path) as temporary:
                np.savetxt(temporary, outline, fmt="%.7g", delimiter=",")
        except OSError as error:
            self.panel.complain(disk_error_text(error))
            return
        self._select(f"lasso {quoted(str(path))} axes {','.join(names)}", name)

    def select_where(self) -> None:
        """The particles that fulfil the condition."""
        text = self.where.text().strip()
        if text:
            self._select(f"where {quoted(text)}")

    def select_clusters(self) -> None:
        """The particles of the clusters that are named."""
        text = self.clusters.text().replace(" ", "")
        if text:
            self._select(f"cluster {quoted(text)}")

    def make_clusters(self) -> None:
        """Divide the particles, and colour them by cluster: of very many when that is done."""
        self._clusters_asked = self.scene.run(f"flexrec cluster count {self.count.value()}")
        self.refresh()

    def _select(self, what: str, name: str | None = None) -> None:
        name = name or self._name()
        join, chosen = self.join.currentIndex(), self.chosen
        replaced = join == _NEW and any(selection.name == name for selection in self.listed)
        if join != _NEW and chosen is None:
            self.panel.complain("Choose a selection in the list first, or make a new one.")
            return
        other = "" if chosen is None else quoted(chosen.name)
        extra = {_NEW: "", _ADD: f" or {other}", _WITHIN: f" and {other}", _AWAY: f" invert true and {other}"}[join]
        colour = "" if join == _NEW else f" color {chosen.colour}"
        self._hidden.discard(name)
        if self.scene.run(f"flexrec select name {quoted(name)} {what}{extra}{colour}"):
            self.name.clear()
            self.refresh_files()
            self._choose(name)
            made = self.chosen
            if made is not None:
                self.panel.say(f"{made.name}: {len(made):,} of {made.count:,} particles"
                               + (", in place of the former selection of that name" if replaced else ""))  # fmt: skip
            self.plot.set_mode("go")

    def _name(self) -> str:
        if self.join.currentIndex() != _NEW and self.chosen is not None:
            return self.chosen.name
        wanted = re.sub(r"[^A-Za-z0-9 _.+-]", "_", self.name.text().strip()).lstrip(" _.+-")[:64].rstrip()
        names = {selection.name for selection in self.listed}
        number = next(k for k in range(1, len(names) + 2) if f"selection {k}" not in names)
        return wanted or f"selection {number}"

    def _choose(self, name: str) -> None:
        for row, selection in enumerate(self.listed):
            if selection.name == name:
                self.list.setCurrentItem(self.list.topLevelItem(row))

    # ----- made once -----

    def _lay_out(self) -> None:
        self.join.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.join.setMinimumContentsLength(14)
        for field in (self.name, self.where, self.clusters):
            field.setMinimumWidth(60)
        where = action_button("Select", self.select_where, "select where", "select")
        clusters = action_button("Select", self.select_clusters, "select clusters", "select")
        make = action_button("Make", self.make_clusters, "make clusters", "cluster")
        self.join.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        rows = labelled([("Lasso or box", (self.join, self.name)), ("Where", (self.where, where)),
                         ("Clusters", (self.count, make, with_label("of them", self.clusters), clusters))])  # fmt: skip
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(4)
        for row in rows:
            column.addWidget(row)
        column.addWidget(self.list, 1)
        column.addWidget(self.selection_actions)
        column.addWidget(wrapping(action_button("Another model …", self.other_asked.emit, "another model", "compare")))
        self.where.returnPressed.connect(self.select_where)
        self.clusters.returnPressed.connect(self.select_clusters)


class _ShortField(QLineEdit):
    """For a few numbers; where there is more room it takes more."""

    def sizeHint(self) -> QSize:  # noqa: N802
        """See Qt."""
        return QSize(_FEW_NUMBERS, super().sizeHint().height())


def _patch(colour: str) -> QIcon:
    pixmap = QPixmap(12, 12)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)
