"""The particle images of a selection, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap, QResizeEvent
from qtpy.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ...errors import InputError
from ...explore.particle_images import AvailableImages, available_images, lost_images
from ...explore.trained_model import Trained
from ...particles.selection import Selection

_ACROSS, _DOWN = 8, 5
_SIDE = 96  # pixels of an image on the screen
_GAP = 2


class Montage(QDialog):
    """A window with the images of some particles as the microscope took them, or as prep made them without those.

    ``on_moved`` is called with the folder in which the images are now; it returns what is wrong with it, or nothing.
    """

    def __init__(
        self, trained: Trained, selection: Selection, on_moved: Callable[[str], str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.trained, self.selection, self._on_moved, self.first = trained, selection, on_moved, 0
        self.images: AvailableImages | None = None
        self.picture, self.words = QLabel(), QLabel(wordWrap=True)
        self.elsewhere = QPushButton("Images are in another folder …")
        self.elsewhere.setToolTip("Choose the folder where the image stacks are now; the project remembers it")
        self.elsewhere.setAutoDefault(False)
        self.back, self.more = QPushButton("Back"), QPushButton("More")
        self.elsewhere.clicked.connect(self._ask_folder)
        self.back.clicked.connect(lambda: self.turn(-1))
        self.more.clicked.connect(lambda: self.turn(1))
        row = QHBoxLayout()
        row.addStretch(1)
        for button in (self.elsewhere, self.back, self.more):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.addWidget(self.picture, 1, Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.words)
        column.addLayout(row)
        self.setWindowTitle(f"{selection.name} – particle images")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(_ACROSS * (_SIDE + _GAP))
        self.read_images()

    def read_images(self) -> None:
        """Read which images there are, and show the first page."""
        self.picture.clear()
        self.first, (self.images, why) = 0, _best(self.trained, self.selection.rows)
        everything = self.images is not None and self.images.kind == "raw" and not self._incomplete
        self.elsewhere.setVisible(not everything)
        for button in (self.back, self.more):
            button.setVisible(self.images is not None)
        self._write(why)
        if self.images is not None:
            self.turn(0)

    @property
    def _incomplete(self) -> bool:
        """Whether only some of the selected particles have their images here."""
        return len(self.images.rows) < len(self.selection)

    def turn(self, pages: int) -> None:
        """Show a later or an earlier page."""
        rows, per_page = self.images.rows, _ACROSS * _DOWN
        self.first = min(max(0, self.first + pages * per_page), (len(rows) - 1) // per_page * per_page)
        page = rows[self.first : self.first + per_page]
        self.back.setEnabled(self.first > 0)
        self.more.setEnabled(self.first + per_page < len(rows))
        try:
            self.picture.setPixmap(QPixmap.fromImage(_sheet(self.images.read(page))))
        except (InputError, OSError) as error:
            self._write(str(error))
            return
        facts = [f"{self.images.kind} images {self.first + 1:,} to {self.first + len(page):,} of {len(rows):,}"]
        if self._incomplete:
            facts.append(f"{len(rows):,} of {len(self.selection):,} selected particles have their images here")
        if self.images.origin:
            facts.append(self.images.origin)
        self._write("; ".join([*facts, "protein is white"]))

    def _write(self, sentence: str) -> None:
        self.words.setText(sentence)
        self._fit_words()

    def _fit_words(self) -> None:
        """As high as the words are when they are broken: of itself a window leaves them a line or two."""
        self.words.setMinimumHeight(self.words.heightForWidth(self.layout().contentsRect().width()))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The words break elsewhere."""
        super().resizeEvent(event)
        self._fit_words()

    def move_to(self, folder: str) -> None:
        """The images are in that folder."""
        problem = self._on_moved(folder)
        if problem:
            self._write(problem)
        else:
            self.read_images()

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "The folder that the image stacks are in")
        if folder:
            self.move_to(folder)


def _best(trained: Trained, rows: np.ndarray) -> tuple[AvailableImages | None, str]:
    """The best images of these rows that can be read; or none, and why in a sentence."""
    why = ""
    try:
        for images in _available_images(trained, rows):
            try:
                images.read(images.rows[:1])
            except (InputError, OSError) as error:
                why = why or str(error)  # a damaged stack; the next may be whole
            else:
                return images, ""
    except (InputError, OSError) as error:
        why = why or str(error)
    return None, why or lost_images(trained, rows)


def _available_images(trained: Trained, rows: np.ndarray) -> Iterator[AvailableImages]:
    """Images of these rows, the best first: those on disk, then those that a simulation can make again."""
    if not len(rows):
        raise InputError("The selection is empty.")
    yield from available_images(trained, rows)
    from ...jobs.simulate.simulate_again import regenerated_images, simulated_by  # with all that simulates

    folder = None if trained.recorded_source is None else simulated_by(trained.recorded_source)
    if folder is None:
        return
    again, places = regenerated_images(folder), trained.source_rows
    if not again.same_views(places(rows), trained.particles.rotation[rows]):
        raise InputError(f"{folder}: its images cannot be made again here, where the same seed draws other particles; "
                         "run the job again.")  # fmt: skip
    origin = f"made again as {folder.name} made them, since its stack is not here"
    yield AvailableImages("simulated", rows, lambda page: again.read(places(page)), origin)


def _sheet(images: np.ndarray) -> QImage:
    """One picture of images ``(m, D, D)``, each on a grey scale of its own."""
    step = max(1, images.shape[1] // _SIDE)
    size = images.shape[1] // step * step
    small = images[:, :size, :size].reshape(len(images), size // step, step, size // step, step).mean(axis=(2, 4))
    low, high = np.percentile(small, (1, 99), axis=(1, 2), keepdims=True)
    grey = (255 * np.clip((small - low) / np.maximum(high - low, 1e-30), 0, 1)).astype(np.uint8)
    side = grey.shape[1]
    down = -(-len(grey) // _ACROSS)
    sheet = np.full((down * (side + _GAP), _ACROSS * (side + _GAP)), 60, np.uint8)
    for k, image in enumerate(grey):
        y, x = k // _ACROSS * (side + _GAP), k % _ACROSS * (side + _GAP)
        sheet[y : y + side, x : x + side] = image[::-1]
    picture = QImage(sheet.data, sheet.shape[1], sheet.shape[0], sheet.shape[1], QImage.Format.Format_Grayscale8)
    wide = _ACROSS * (_SIDE + _GAP)
    return picture.scaledToWidth(wide, Qt.TransformationMode.SmoothTransformation)
