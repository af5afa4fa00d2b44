"""What an action acts on in a terminal: a train job, without any map."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..actions.action_scene import Table
from ..jobs.find_model import MODEL, model_meant, trained_folder
from ..jobs.terminal_progress import Terminal

if TYPE_CHECKING:
    from ..explore.path import LatentPath
    from ..explore.trained_model import Trained


class TerminalScene:
    """Implements `actions.Scene` over a train job: results go to standard output, what is said of them beside it."""

    path_file = Path("path.json")
    z = path = recorded = None

    def __init__(self, job: str | None, project: Path) -> None:
        """``job`` is the train job; None for the newest of the project with a model, or the model of another program
        whose folder is named as the project.
        """
        self._job, self._project = job, project

    @cached_property
    def trained(self) -> Trained:
        """See `actions.Scene`."""
        from ..explore.trained_model import open_trained

        return open_trained(self._folder())

    def _folder(self) -> Path:
        if self._job is not None:
            return model_meant(self._job, self._project)
        return trained_folder(self._project)

    @property
    def project(self) -> Path:
        """See `actions.Scene`."""
        named = self._job is not None or (self._project / MODEL).is_file()
        return self.trained.project if named else self._project

    def say(self, sentence: str) -> None:
        """See `actions.Scene`."""
        print(f"flexrec: {sentence}", file=sys.stderr)

    def show_table(self, table: Table) -> None:
        """See `actions.Scene`."""
        print(table.text())

    def wrote(self, file: Path, sentence: str = "") -> None:
        """See `actions.Scene`."""
        print(file.absolute())

    def work(self, compute: Callable[[], Any], done: Callable[[Any], None], what: str) -> None:
        """See `actions.Scene`."""
        done(compute())

    def progress(self, what: str, step: int, total: int) -> None:
        """See `actions.Scene`: a bar, or a line now and then."""
        self._terminal.progress({"stage": what, "step": step, "total": total})
        if step == total:
            self._terminal.close()

    @cached_property
    def _terminal(self) -> Terminal:
        return Terminal("flexrec")

    def other_training(self, name: str) -> Trained:
        """See `actions.Scene`."""
        from ..explore.trained_model import open_trained

        return open_trained(model_meant(name, self._project))

    def use_path(self, path: LatentPath) -> None:
        """See `actions.Scene`: what is written of it is all that stays."""
