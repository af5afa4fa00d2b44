"""The tab of states: stored under a name, shown again, compared two by two."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QHeaderView, QLabel, QLineEdit, QScrollArea, QTreeWidgetItem, QVBoxLayout, QWidget

from ...errors import InputError
from ...explore.anchors import point_text
from ...explore.compare_states import Compared
from ...explore.named_states import FILE, State, kept_states
from ...explore.results import kept_stamp
from ..panel_scene import quoted
from ..panel_services import PanelServices, PanelTab
from ..widgets.named_button import action_button
from ..widgets.short_lists import ShortTree
from ..widgets.wrapping import wrapping


class StatesTab(PanelTab):
    """The states of the project that is open."""

    def __init__(self, panel: PanelServices) -> None:
        super().__init__()
        self.panel, self.scene = panel, panel.scene
        self.listed: list[State] = []
        self._stamp = None
        self.name = QLineEdit(placeholderText="name of the shown state")
        self.list = ShortTree()
        self.list.setSelectionMode(ShortTree.SelectionMode.ExtendedSelection)
        self.list.setHeaderLabels(["state", "z"])
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.legend = QLabel(wordWrap=True, objectName="legend of states", visible=False)
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self._lay_out()
        self.list.itemDoubleClicked.connect(lambda *_: self.show_state())
        self.name.returnPressed.connect(self.keep)

    def refresh(self) -> None:
        """See `PanelTab`: whether two states are compared."""
        self._show_comparison(self.scene.comparison)

    def refresh_files(self) -> None:
        """See `PanelTab`: which states there are now."""
        trained = self.scene.trained
        stamp = kept_stamp(trained, FILE)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.listed = kept_states(trained) if trained is not None else []
        except InputError as error:
            self.listed = []
            self.panel.complain(str(error))
        self.list.clear()
        for state in self.listed:
            item = QTreeWidgetItem([state.name, point_text(state.z)])
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignLeft)
            self.list.addTopLevelItem(item)

    @property
    def chosen(self) -> list[State]:
        """Those that are selected, in the order of the list."""
        rows = sorted(self.list.indexOfTopLevelItem(item) for item in self.list.selectedItems())
        return [self.listed[row] for row in rows]

    def keep(self) -> None:
        """Store the shown point under a name."""
        names = {state.name for state in self.listed}
        number = next(k for k in range(1, len(names) + 2) if f"state {k}" not in names)
        name = self.name.text().strip() or f"state {number}"
        if self.scene.run(f"flexrec state keep {quoted(name)}"):
            self.name.clear()
            self.refresh_files()
            if name in names:
                self.panel.say(f"{name}: kept in place of the former state of that name")

    def show_state(self) -> None:
        """The map of the chosen state."""
        self._with_chosen(1, lambda state: self.scene.run(f"flexrec state show {quoted(state.name)}"))

    def remove(self) -> None:
        """Delete the chosen states."""
        for state in self.chosen:
            self.scene.run(f"flexrec state remove {quoted(state.name)}")
        self.refresh_files()

    def compare(self, how: str) -> None:
        """``difference`` or ``beside`` of the two chosen states."""
        self._with_chosen(2, lambda first, second: self.scene.run(
            f"flexrec state compare {quoted(first.name)} {quoted(second.name)} how {how}"))  # fmt: skip

    def morph(self) -> None:
        """Move from the first chosen state to the second, through the model."""
        self._with_chosen(2, lambda first, second: self.scene.run(
            f"flexrec morph {point_text(first.z)} {point_text(second.z)} bounce true"))  # fmt: skip

    def clear(self) -> None:
        """End the comparison."""
        self.scene.run("flexrec state clear")

    def _show_comparison(self, comparison: Compared | None) -> None:
        """What is compared, and what the colours mean."""
        self.end_button.setEnabled(comparison is not None)
        text = "" if comparison is None else legend_text(comparison)
        if text != self.legend.text():
            self.legend.setText(text)
            self.legend.setVisible(bool(text))
            QTimer.singleShot(0, self._show_legend)

    def _show_legend(self) -> None:
        """Scroll to it: in a low panel it is below what is seen."""
        page: QWidget | None = self
        while page is not None and not isinstance(page, QScrollArea):
            page = page.parentWidget()
        if page is not None and self.legend.isVisible():
            page.ensureWidgetVisible(self.legend)

    def _with_chosen(self, count: int, action: Callable[..., object]) -> None:
        chosen = self.chosen
        if len(chosen) != count:
            self.panel.complain("Mark one state in the list." if count == 1 else
                                "Mark two states in the list (Ctrl-click for the second).")  # fmt: skip
        else:
            action(*chosen)

    def _lay_out(self) -> None:
        buttons = (
            ("Show", self.show_state, "state show"), ("Delete", self.remove, "state remove"),
            ("Difference", lambda: self.compare("difference"), "state compare"),
            ("Side by side", lambda: self.compare("beside"), "state compare"), ("Morph", self.morph, "morph"),
        )  # fmt: skip
        named = [action_button(text, action, f"{text.lower()} of states", words) for text, action, words in buttons]
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(4)
        keep = action_button("Keep the shown state", self.keep, "keep state", "state keep")
        column.addWidget(wrapping(self.name, keep))
        column.addWidget(self.list, 1)
        column.addWidget(QLabel("Mark one to show it, two to compare them.", wordWrap=True))
        self.end_button = action_button("End comparison", self.clear, "end comparison of states", "state clear")
        column.addWidget(wrapping(*named, self.end_button))
        column.addWidget(self.legend)


def legend_text(comparison: Compared) -> str:
    """A comparison as rich text: a swatch of each colour, and what has it."""
    parts = [f'<span style="color:{colour}">■</span> {escape(text)}' if colour else escape(text)
             for colour, text in comparison.swatches]  # fmt: skip
    return f"<b>{escape(comparison.title)}</b>: " + " &nbsp; ".join(parts) + f"<br>{escape(comparison.level)}"
