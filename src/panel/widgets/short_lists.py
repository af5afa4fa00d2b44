"""Lists that ask for a few rows only: of itself a list asks for 192 pixels, which the plot would lack."""

from __future__ import annotations

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QListWidget, QTreeWidget

_SIZE = QSize(100, 76)  # a header and two rows


class ShortTree(QTreeWidget):
    """Two rows or more."""

    def __init__(self) -> None:
        super().__init__(rootIsDecorated=False)
        self.setMinimumHeight(_SIZE.height())

    def sizeHint(self) -> QSize:  # noqa: N802
        """See Qt."""
        return _SIZE


class ShortList(QListWidget):
    """Two rows or more."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(_SIZE.height())

    def sizeHint(self) -> QSize:  # noqa: N802
        """See Qt."""
        return _SIZE
