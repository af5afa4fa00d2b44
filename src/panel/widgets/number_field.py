"""A field for a number, as commands and the status line write it, whatever the country."""

from __future__ import annotations

from qtpy.QtCore import QLocale
from qtpy.QtWidgets import QDoubleSpinBox


class NumberField(QDoubleSpinBox):
    """With a decimal point; a comma is taken for one, and never passed over: 0,3 is not 3."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        plain = QLocale.c()
        plain.setNumberOptions(QLocale.NumberOption.RejectGroupSeparator | QLocale.NumberOption.OmitGroupSeparator)
        self.setLocale(plain)

    def validate(self, text: str, position: int) -> tuple:
        """See ``QAbstractSpinBox.validate``."""
        return super().validate(text.replace(",", "."), position)

    def valueFromText(self, text: str) -> float:  # noqa: N802
        """See ``QDoubleSpinBox.valueFromText``."""
        return super().valueFromText(text.replace(",", "."))
