"""What the process was made to hold, so that a new one can be made to hold it again."""

from __future__ import annotations

from .failure import EngineError
from .request import Request


class Opened:
    """The requests that opened models and anchored points, in their order."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str | None, str | None], Request] = {}
        self._lost: dict[str | None, Exception] = {}

    def answered(self, request: Request) -> None:
        """Take note of a request that was answered well."""
        names = (request.model, request.fields.get("anchor"))
        if request.ask in ("open", "anchor"):
            self._kept[names] = request
            self._lost.pop(request.model, None)
        elif request.ask == "close":
            gone = [other for other in self._kept if other[0] == names[0] and names[1] in (None, other[1])]
            for other in gone:
                del self._kept[other]

    def again(self) -> list[Request]:
        """What to ask of a new process first."""
        self._lost.clear()
        return list(self._kept.values())

    def lose(self, request: Request, error: Exception) -> None:
        """Something could not be opened again. (Where the process ended instead, the next one tries once more.)"""
        if not isinstance(error, EngineError) or error.kind in ("memory", "bug"):
            self._lost.setdefault(request.model, error)

    def why(self, request: Request) -> Exception | None:
        """Why the model of a failed request is not there, if it was lost."""
        return None if request.ask == "open" else self._lost.get(request.model)

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._lost.clear()
