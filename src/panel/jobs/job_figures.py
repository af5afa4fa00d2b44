"""The figures that a job leaves in its folder, as wide as the panel."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QSize, Qt, QUrl
from qtpy.QtGui import QDesktopServices, QImage, QImageReader, QMouseEvent, QPixmap, QResizeEvent
from qtpy.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

NO_JOB = "No job is chosen."
LARGEST = 2400  # pixels of a side; a larger picture is read smaller


class JobFigures(QScrollArea):
    """The pictures of one job; a picture that was written anew is read anew."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        # a bar that came and went with the height would change the width, and with it the height, for ever
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setAccessibleName("figures of the job")
        self.pictures: dict[Path, Picture] = {}
        self._times: dict[Path, int] = {}
        self._page = QWidget()
        self._column = QVBoxLayout(self._page)
        self._empty = QLabel(NO_JOB)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._column.addWidget(self._empty)
        self._column.addStretch(1)
        self.setWidget(self._page)

    def show_figures(self, figures: tuple[tuple[Path, int], ...], why_none: str = NO_JOB) -> None:
        """Show these files, each with the time when it was written (ns); ``why_none`` is said where there are none."""
        paths = {path for path, _ in figures}
        for path in [path for path in self.pictures if path not in paths]:
            self._drop(path)
        for place, (path, time) in enumerate(figures):
            if self._times.get(path) == time:
                continue
            image = read_picture(path)
            if image is None:  # half-written or gone: it is read again a second later
                continue
            self._times[path] = time
            if path not in self.pictures:
                self.pictures[path] = Picture(path)
                self._column.insertWidget(min(place, len(self.pictures) - 1), self.pictures[path])
            self.pictures[path].put(image)
        self._empty.setText(why_none)
        self._empty.setVisible(not self.pictures)

    def _drop(self, path: Path) -> None:
        picture = self.pictures.pop(path)
        self._times.pop(path, None)
        self._column.removeWidget(picture)
        picture.hide()
        picture.deleteLater()


class Picture(QLabel):
    """One figure, scaled to the width there is; a double click opens the file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._image = QPixmap()
        self.setMinimumWidth(60)
        self.setToolTip(f"{path.name}: double-click opens it")
        self.setAccessibleName(path.stem)

    def put(self, image: QImage) -> None:
        """Show another image."""
        self._image = QPixmap.fromImage(image)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the new width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _fit(self) -> None:
        if self._image.isNull():
            return
        scale = self.devicePixelRatioF()
        wide = min(self.width(), self._image.width())
        shown = self._image.scaledToWidth(round(wide * scale), Qt.TransformationMode.SmoothTransformation)
        shown.setDevicePixelRatio(scale)
        self.setFixedHeight(round(shown.height() / scale))
        self.setPixmap(shown)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the file in the computer's own viewer."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.path)))

    def sizeHint(self) -> QSize:
        """As wide as may be."""
        return QSize(300, self.height())


def read_picture(path: Path) -> QImage | None:
    """A picture file, no larger than `LARGEST`; None for one that is not whole."""
    reader = QImageReader(str(path), b"png")
    size = reader.size()
    if not size.isValid():
        return None
    if max(size.width(), size.height()) > LARGEST:
        reader.setScaledSize(size.scaled(LARGEST, LARGEST, Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    return None if image.isNull() else image
