"""A trained model on disk, behind one interface that training, analysis and the panel share."""

from __future__ import annotations

from .interface import Model
from .opening import open_model

__all__ = ["Model", "open_model"]
