"""The particle images of a selection, page by page."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ..errors import InputError
from ..explore.export import particle_images
from ..explore.selection import Selection
from ..explore.trained import Trained

_ACROSS, _DOWN = 8, 5
_SIDE = 96  # pixels of an image on the screen
_GAP = 2


class Montage(QDialog):
    """A window with the images of some particles as the microscope took them, or as prep made them without those."""

    def __init__(self, trained: Trained, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.trained, self.selection, self.first = trained, selection, 0
        self.picture, self.words = QLabel(), QLabel(wordWrap=True)
        self.before, self.after = QPushButton("Before"), QPushButton("More")
        self.before.clicked.connect(lambda: self.turn(-1))
        self.after.clicked.connect(lambda: self.turn(1))
        row = QHBoxLayout()
        row.addWidget(self.words, 1)
        row.addWidget(self.before)
        row.addWidget(self.after)
        column = QVBoxLayout(self)
        column.addWidget(self.picture, 1, Qt.AlignmentFlag.AlignCenter)
        column.addLayout(row)
        self.setWindowTitle(f"{selection.name} – particle images")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.turn(0)

    @classmethod
    def of(cls, trained: Trained, selection: Selection, parent: QWidget | None = None) -> Montage:
        """Open the window."""
        window = cls(trained, selection, parent)
        window.show()
        return window

    def turn(self, pages: int) -> None:
        """Go on, or back."""
        each = _ACROSS * _DOWN
        self.first = min(max(0, self.first + pages * each), max(0, (len(self.selection) - 1) // each * each))
        rows = self.selection.rows[self.first : self.first + each]
        self.before.setEnabled(self.first > 0)
        self.after.setEnabled(self.first + each < len(self.selection))
        try:
            images, kind = _images(self.trained, rows)
        except (InputError, OSError) as error:
            self.words.setText(str(error))
            return
        self.picture.setPixmap(QPixmap.fromImage(_sheet(images)))
        last = self.first + len(rows)
        self.words.setText(f"{kind} images {self.first + 1:,} to {last:,} of {len(self.selection):,}; protein is white")


def _images(trained: Trained, rows: np.ndarray) -> tuple[np.ndarray, str]:
    """``(m, D, D)`` images and which they are: raw, or prepared where the raw ones are not at hand."""
    if not len(rows):
        raise InputError("The selection is empty.")
    try:
        return particle_images(trained, rows, raw=True), "raw"
    except (InputError, OSError):
        return particle_images(trained, rows), "prepared"


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
    for k, one in enumerate(grey):
        y, x = k // _ACROSS * (side + _GAP), k % _ACROSS * (side + _GAP)
        sheet[y : y + side, x : x + side] = one[::-1]
    picture = QImage(sheet.data, sheet.shape[1], sheet.shape[0], sheet.shape[1], QImage.Format.Format_Grayscale8)
    wide = _ACROSS * (_SIDE + _GAP)
    return picture.scaledToWidth(wide, Qt.TransformationMode.SmoothTransformation)
