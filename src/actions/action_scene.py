"""What an action acts on: a trained model, and what shows it, if anything does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from ..explore.named_states import State
    from ..explore.path import LatentPath
    from ..explore.playback import Playing
    from ..explore.trained_model import Trained
    from ..reading import Reading


class Link(str):
    """Text that runs a command about the same model when it is clicked, where there is something to click in."""

    command: str

    def __new__(cls, text: object, command: str) -> Link:
        """``text`` as it is shown."""
        link = super().__new__(cls, text)
        link.command = command
        return link


@dataclass(frozen=True)
class Table:
    """A result in rows. ``lines`` are said in its place where there are no tables; by default, its columns."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[object]]
    lines: tuple[str, ...] = ()

    def text(self) -> str:
        """As lines."""
        if self.lines:
            return "\n".join(self.lines)
        rows = [[str(cell) for cell in row] for row in (self.headings, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


class Scene(Protocol):
    """The model that an action is about.

    Every host has what stands first; ``show`` and all below it only those with a map.

    Attributes
    ----------
    trained : the model. project : the folder of its project, there without a model too, where a terminal names it.
    path_file : where paths are written if nobody says where; None where they are not.
    z : ``(K,)`` the point that is shown; None while the map at rest is, or nothing.
    path : that is played; None where there is none. recorded : how much of a movie there is; None while none is made.
    """

    trained: Trained
    project: Path
    path_file: Path | None
    z: np.ndarray | None
    path: LatentPath | None

    def say(self, sentence: str) -> None:
        """Tell the user something."""
        ...

    def show_table(self, table: Table) -> None:
        """Tell the user a result in rows."""
        ...

    def wrote(self, file: Path, sentence: str = "") -> None:
        """A file was written: say ``sentence``, or, in a terminal, which file."""
        ...

    def work(self, compute: Callable[[], Any], done: Callable[[Any], None], what: str) -> None:
        """Compute something that takes long, and call ``done`` with it; where there is a window, beside it."""
        ...

    def progress(self, what: str, step: int, total: int) -> None:
        """How far something that takes long is: ``step`` of ``total``."""
        ...

    def other_training(self, name: str) -> Trained:
        """Another train job: an open model, a job of the project, or a folder."""
        ...

    def use_path(self, path: LatentPath) -> None:
        """Play this from now on."""
        ...

    # ----- with a map -----

    @property
    def recorded(self) -> float | None: ...  # noqa: D102

    def open(self, path: Path, name: str | None = None, reading: Reading = ...) -> Any:
        """Open the newest model of a project, or that of a job, or another program's as ``reading`` says."""
        ...

    def own_folder(self) -> Path:
        """Where a user's own data are kept."""
        ...

    def open_demo(self, project: Path) -> Any:
        """Open the example that ships, which lies in ``project``."""
        ...

    def show(self, z: np.ndarray | None) -> Any:
        """The map at a point ``(K,)`` that a person has named, or at rest; returns what shows it."""
        ...

    def set_level(self, level: float) -> None:
        """Contour the map at a level, where it is contoured."""
        ...

    def play(self, how: Playing) -> None:
        """Play the path from where it rests."""
        ...

    def pause(self) -> None:
        """Rest where the path is."""
        ...

    def stop(self) -> None:
        """Rest here; the next play starts at the beginning."""
        ...

    def scrub(self, place: float) -> None:
        """The state at a place of the path, 0 to 1."""
        ...

    def compare(self, first: State, second: State, how: str) -> None:
        """The maps of two states, in the place of the moving one."""
        ...

    def end_comparison(self) -> None:
        """Show what moves again."""
        ...

    def record(self, path: LatentPath, movie: Any) -> Any:
        """Record a path as a movie, as the parameters of ``flexrec record`` say."""
        ...

    def stop_recording(self) -> None:
        """Record no more, and leave no file."""
        ...
