"""The asking end of the engine process, for programs that must never wait: ChimeraX, the panel, scripts."""

from __future__ import annotations

from .client import Engine
from .failure import EngineError
from .request import Answer

__all__ = ["Answer", "Engine", "EngineError"]
