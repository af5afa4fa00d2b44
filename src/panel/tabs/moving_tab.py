"""The tab of what moves with the map: the mesh, the flow as arrows, and atomic structures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from qtpy.QtCore import QSignalBlocker, Qt, QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGroupBox,
    QLabel,
    QListWidgetItem,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ..widgets.short_lists import ShortList
from ..widgets.wrapping import labelled, wrapping

_SPEC = int(Qt.ItemDataRole.UserRole)
_REFERENCES = 2  # that there always are; a point that the user named comes after them
_ARROWS_DELAY = 120  # milliseconds after the last turn of a number until the command runs
_COLOUR_HELP = {
    "part": "part", "rigidity": "rigidity: yellow is stiff", "strain": "strain: yellow is most",
    "agreement": "agreement: yellow is bad", "none": "grey",
}  # fmt: skip
_COLOUR_TIPS = {
    "part": "A colour for each part of the mesh", "rigidity": "Dark blue is soft, yellow is stiff",
    "strain": "Dark blue is at rest, yellow is stretched or compressed", "none": "Grey lines, without a key",
    "agreement": "Dark blue where two half models agree, yellow where they differ as much as the molecule moves",
}  # fmt: skip


@dataclass(frozen=True)
class OpenStructure:
    """An atomic structure that is open: ``spec`` as commands name it (``#2``), and whether it follows the flow."""

    spec: str
    name: str
    follows: bool


@dataclass(frozen=True)
class ShownFlow:
    """How the flow is drawn, as `flexrec flow` takes it; ``reference`` is mean, rest or a point: ``0.4,-0.2``."""

    count: int
    scale: float
    threshold: float
    width: float
    reference: str


class MovingScene(Protocol):
    """What this tab needs of the scene.

    Attributes
    ----------
    mesh_colours : by what the mesh can be coloured. most_arrows : that can be drawn.
    colours_missing : of mesh_colours those that this model cannot have, each with the reason.
    mesh_colour : by what the mesh is coloured; None while it is not shown, or nothing is open.
    flow : how the flow is shown; None while it is not.
    why_not_moving : why nothing can be shown, in a sentence: no model is open, or it has no mesh; else empty.
    """

    @property
    def mesh_colours(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def colours_missing(self) -> Mapping[str, str]: ...  # noqa: D102

    @property
    def most_arrows(self) -> int: ...  # noqa: D102

    @property
    def mesh_colour(self) -> str | None: ...  # noqa: D102

    @property
    def flow(self) -> ShownFlow | None: ...  # noqa: D102

    @property
    def why_not_moving(self) -> str: ...  # noqa: D102

    def structures(self) -> list[OpenStructure]:
        """The atomic structures that are open."""
        ...

    def run(self, command: str) -> bool:
        """Run a line and log it; False, after a message to the user, if it fails."""
        ...

    def on_change(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call ``changed`` whenever any of this changes, until the scene is closed; returns what ends that."""
        ...


class MovingTab(QWidget):
    """Shows, colours and hides what moves; each action is a command."""

    def __init__(self, scene: MovingScene) -> None:
        super().__init__()
        self._scene = scene
        self.mesh, self.colour = QGroupBox("Mesh"), QComboBox()
        self.arrows, self.reference = QGroupBox("Flow as arrows"), QComboBox()
        self.count = _whole(500, 1, scene.most_arrows, "how many arrows, spread over the density")
        self.scale = _number(1.0, 0.01, 100.0, "×", "how many times as long as the motion is the arrows are drawn")
        self.threshold = _number(0.5, 0.0, 1000.0, "Å", "shorter motions have no arrow")
        self.width = _number(1.0, 0.05, 100.0, "Å", "width of the arrows' shafts")
        self.atoms, self.structures = QGroupBox("Atoms that follow"), ShortList()
        self.none_open = QLabel("Open an atomic structure and fit it to the canonical map; then it can follow.")
        self.why_not = QLabel()
        self._lay_out()
        self._arrows_timer = QTimer(self, singleShot=True, interval=_ARROWS_DELAY)
        self._connect()
        scene.on_change(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        for box in (self.mesh, self.arrows):
            box.setCheckable(True)
        for name in self._scene.mesh_colours:
            self.colour.addItem(_COLOUR_HELP.get(name, name), name)
            self.colour.setItemData(self.colour.count() - 1, _COLOUR_TIPS.get(name), Qt.ItemDataRole.ToolTipRole)
        self.reference.addItem("the mean of all particles", "mean")
        self.reference.addItem("the map at rest", "rest")
        self.reference.setToolTip("where the arrows begin; they end at the shown point")
        mesh, arrows, atoms = QVBoxLayout(self.mesh), QVBoxLayout(self.arrows), QVBoxLayout(self.atoms)
        for box in (self.colour, self.reference):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            box.setMinimumContentsLength(8)
        colour, reference = labelled([("colour by", (self.colour,)), ("from", (self.reference,))])
        mesh.addWidget(colour)
        arrows.addWidget(reference)
        numbers = (("count", self.count), ("scale", self.scale), ("threshold", self.threshold), ("width", self.width))
        arrows.addWidget(wrapping(*labelled([(name, (field,)) for name, field in numbers])))
        self.structures.setAccessibleName("atomic structures")
        self.structures.setToolTip("a structure that is ticked moves with the flow")
        for label in (self.none_open, self.why_not):
            label.setWordWrap(True)
        atoms.addWidget(self.none_open)
        atoms.addWidget(self.structures)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(4)
        for layout in (mesh, arrows, atoms):
            layout.setContentsMargins(4, 2, 4, 2)
            layout.setSpacing(3)
        for widget in (self.why_not, self.mesh, self.arrows, self.atoms):
            column.addWidget(widget)
        column.addStretch(1)

    def _connect(self) -> None:
        self.mesh.toggled.connect(self._show_mesh)
        self.colour.currentIndexChanged.connect(lambda _: self._show_mesh(True))
        self.arrows.toggled.connect(self._show_arrows)
        self._arrows_timer.timeout.connect(lambda: self._show_arrows(self.arrows.isChecked()))
        for box in (self.count, self.scale, self.threshold, self.width):
            box.valueChanged.connect(lambda _: self._arrows_timer.start())
        self.reference.currentIndexChanged.connect(lambda _: self._arrows_timer.start())
        self.structures.itemChanged.connect(self._follow)

    # ----- commands -----

    def arrows_command(self) -> str:
        """``flexrec flow …`` with all that is set here."""
        return (
            f"flexrec flow count {self.count.value()} scale {self.scale.value():g} threshold "
            f"{self.threshold.value():g} width {self.width.value():g} reference {self.reference.currentData()}"
        )

    def _show_mesh(self, shown: bool) -> None:
        self._run(f"flexrec mesh color {self.colour.currentData()}" if shown else "flexrec mesh show false")

    def _show_arrows(self, shown: bool) -> None:
        self._arrows_timer.stop()
        self._run(self.arrows_command() if shown else "flexrec flow show false")

    def _follow(self, item: QListWidgetItem) -> None:
        word = "follow" if item.checkState() == Qt.CheckState.Checked else "unfollow"
        self._run(f"flexrec {word} {item.data(_SPEC)}")

    def _run(self, command: str) -> None:
        self._scene.run(command)
        QTimer.singleShot(0, self.refresh)  # where it failed, the tab shows again what is; not inside a signal

    # ----- what is shown -----

    def refresh(self) -> None:
        """Show what the scene shows."""
        why_not, colour, structures = self._scene.why_not_moving, self._scene.mesh_colour, self._scene.structures()
        self.why_not.setText(why_not)
        self.why_not.setVisible(bool(why_not))
        for box in (self.mesh, self.arrows, self.atoms):
            box.setEnabled(not why_not)
        self._offer_colours(self._scene.colours_missing)
        with QSignalBlocker(self.mesh), QSignalBlocker(self.colour), QSignalBlocker(self.arrows):
            self.mesh.setChecked(colour is not None)
            if colour is not None:
                self.colour.setCurrentIndex(self.colour.findData(colour))
            if not self._arrows_timer.isActive():
                self._put_flow(self._scene.flow)
        self._list(structures)

    def _offer_colours(self, missing: Mapping[str, str]) -> None:
        for row in range(self.colour.count()):
            name, item = self.colour.itemData(row), self.colour.model().item(row)
            if item.isEnabled() == (name in missing):
                item.setEnabled(name not in missing)
                item.setToolTip(missing.get(name) or _COLOUR_TIPS.get(name, ""))

    def _put_flow(self, flow: ShownFlow | None) -> None:
        """Tick it, with the numbers that it is drawn with."""
        self.arrows.setChecked(flow is not None)
        if flow is None:
            return
        for name in ("count", "scale", "threshold", "width"):
            box = getattr(self, name)
            with QSignalBlocker(box):
                box.setValue(getattr(flow, name))
        with QSignalBlocker(self.reference):
            while self.reference.count() > _REFERENCES and self.reference.itemData(_REFERENCES) != flow.reference:
                self.reference.removeItem(_REFERENCES)
            if self.reference.findData(flow.reference) < 0:
                self.reference.addItem(f"the point {flow.reference}", flow.reference)
            self.reference.setCurrentIndex(self.reference.findData(flow.reference))

    def _list(self, structures: list[OpenStructure]) -> None:
        self.none_open.setVisible(not structures)
        self.structures.setVisible(bool(structures))
        with QSignalBlocker(self.structures):
            while self.structures.count() > len(structures):
                self.structures.takeItem(self.structures.count() - 1)
            for row, structure in enumerate(structures):
                if row == self.structures.count():
                    self.structures.addItem(QListWidgetItem())
                item = self.structures.item(row)
                item.setText(f"{structure.spec}  {structure.name}")
                item.setData(_SPEC, structure.spec)
                item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked if structure.follows else Qt.CheckState.Unchecked)


def _whole(value: int, low: int, high: int, tip: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
    box.setValue(value)
    return _shaped(box, tip)


def _number(value: float, low: float, high: float, unit: str, tip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(2)
    box.setRange(low, high)
    box.setSuffix(f" {unit}")
    box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
    box.setValue(value)
    return _shaped(box, tip)


def _shaped(box, tip: str):
    box.setKeyboardTracking(False)
    box.setToolTip(tip[0].upper() + tip[1:])
    return box
