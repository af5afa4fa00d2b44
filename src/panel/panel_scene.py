"""What the panel asks of whatever shows the map: ChimeraX's scene, or the slices of ``flexrec view``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from ..explore.compare_states import Compared
from ..explore.path import LatentPath
from ..explore.trained_model import Trained


class Scene(Protocol):
    """Where maps are shown. All of it is for the main thread, and nothing waits for a map.

    Attributes
    ----------
    trained : what is explored; None while nothing is open.
    z : ``(K,)`` the point that is shown; None while the map at rest is.
    path : that is played; None where there is none. place : on it, from 0 to 1.
    playing : whether it plays. movies : suffixes of the movies that can be recorded here, the usual one first.
    comparison : of two states, that is shown; None while none is.
    recorded : how much of a movie that is being recorded there is, 0 to 1; None while none is.
    computing : what is computed beside the window, and how far it is, in words; None while nothing is.
    films_view : whether a movie is of the view itself, which shows each state of it; else it is made beside.
    """

    @property
    def trained(self) -> Trained | None: ...  # noqa: D102

    @property
    def z(self) -> np.ndarray | None: ...  # noqa: D102

    @property
    def path(self) -> LatentPath | None: ...  # noqa: D102

    @property
    def place(self) -> float: ...  # noqa: D102

    @property
    def playing(self) -> bool: ...  # noqa: D102

    @property
    def movies(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def films_view(self) -> bool: ...  # noqa: D102

    @property
    def recorded(self) -> float | None: ...  # noqa: D102

    @property
    def computing(self) -> str | None: ...  # noqa: D102

    @property
    def comparison(self) -> Compared | None: ...  # noqa: D102

    def drag(self, z: np.ndarray) -> None:
        """Show ``z`` ``(K,)`` during a drag, as fast as can be: a moved contour or a coarse map."""
        ...

    def follow(self, z: np.ndarray) -> None:
        """As `drag`, and draw it at once."""
        ...

    def renew(self, folder: Path) -> None:
        """A training has written a newer model: show it where the one of this folder is shown, at the same point."""
        ...

    def run(self, command: str) -> bool:
        """Run a line such as ``flexrec volume at 0.4,-0.2`` and log it; False, after `on_failure`, if it fails."""
        ...

    def on_change(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call ``changed`` whenever an attribute above changes; returns what ends that."""
        ...

    def on_failure(self, on_message: Callable[[str], None]) -> Callable[[], None]:
        """Call ``on_message`` with a sentence for the user whenever something fails; returns what ends that."""
        ...


def quoted(text: str) -> str:
    """A word as the commands take it: in quotes where it has blanks or quotes of its own."""
    if text and not any(letter.isspace() or letter in "\"';" for letter in text):
        return text
    if '"' not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "") + "'"
