"""What has been asked and not yet begun; of one channel only the newest."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_WAITING = 1000
MOST_BYTES = 2 << 30


@dataclass(frozen=True, eq=False)
class Request:
    """A message that asks. ``number`` is its id, ``fields`` its whole header, ``array`` float32 or None."""

    number: Any
    ask: str
    channel: str | None
    fields: dict
    array: np.ndarray | None

    @property
    def bytes(self) -> int:
        """Of its array."""
        return 0 if self.array is None else self.array.nbytes


class RequestQueue:
    """Filled by the thread that reads, emptied by the one that works."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Request] = deque()
        self._notices: deque[dict] = deque()

    def put(self, request: Request) -> None:
        """Let a request wait; older ones of its channel are dropped."""
        with self._changed:
            if request.channel is not None:
                self._drop(lambda other: other.channel == request.channel)
            held = sum(other.bytes for other in self._waiting)
            if len(self._waiting) >= MOST_WAITING or held + request.bytes > MOST_BYTES:
                self._notices.append(refusal(request.number, "too many requests wait; wait for answers.", "input"))
            else:
                self._waiting.append(request)
            self._changed.notify()

    def note(self, header: dict) -> None:
        """Have a header written as it is, before the next request is begun."""
        with self._changed:
            self._notices.append(header)
            self._changed.notify()

    def cancel(self, number: Any) -> bool:
        """Drop the request of an id; False if it is begun, answered or unknown."""
        with self._changed:
            return self._drop(lambda other: other.number == number) > 0

    def _drop(self, unwanted) -> int:
        gone = [other for other in self._waiting if unwanted(other)]
        self._waiting = deque(other for other in self._waiting if not unwanted(other))
        self._notices.extend({"id": other.number, "dropped": True} for other in gone)
        return len(gone)

    def take(self) -> Request | dict:
        """Wait for something to do: a header to write, or else the oldest request."""
        with self._changed:
            self._changed.wait_for(lambda: self._notices or self._waiting)
            return self._notices.popleft() if self._notices else self._waiting.popleft()


def refusal(number: Any, sentence: str, kind: str) -> dict:
    """The header that answers a request with an error; ``kind`` is input, memory or bug."""
    return {"id": number, "error": sentence, "kind": kind}
