"""A trained model on disk, behind one interface that training, analysis and the panel share."""

from __future__ import annotations

from .flow_files import open_model
from .interface import Model

__all__ = ["Model", "open_model"]
