"""A job inside another one: it has a folder of its own, and its parent's stop, log and progress."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..job_folder import STOP_REQUEST, JobRun


class PartOfJob(JobRun):
    """What a job's function is given that runs as a part of another; ``word`` tells its lines from the parent's."""

    def __init__(self, parent: JobRun, folder: Path, seed: int, word: str) -> None:
        super().__init__(folder, seed)
        self._parent, self._word = parent, word
        (folder / STOP_REQUEST).unlink(missing_ok=True)

    def log(self, text: str) -> None:
        """Into both logs."""
        super().log(text)
        self._parent.log(f"{self._word}: {text}")

    def progress(self, step: int, total: int, **values: Any) -> None:
        """Into both files; the parent's stages are named for the part."""
        super().progress(step, total, **values)
        self._parent.progress(step, total, **self._named(values))

    def show(self, text: str) -> None:
        """See `JobRun`."""
        self._parent.log(f"{self._word}: {text}")

    def show_progress(self, line: dict[str, Any]) -> None:
        """See `JobRun`: the parent's progress is followed, so it is written there too."""
        values = {name: value for name, value in line.items() if name not in ("step", "total", "time", "eta")}
        self._parent.progress(line["step"], line["total"], **self._named(values))

    def on_device(self, name: str) -> None:
        """Into its own log, which the processes of a team are followed by; a person looks at the parent."""
        super().log(f"computing on {name}")
        self._parent.on_device(name)

    def stop_requested(self) -> bool:
        """Whether the parent was asked to stop."""
        self.stop_seen = self._parent.stop_requested()
        return self.stop_seen

    def _named(self, values: dict[str, Any]) -> dict[str, Any]:
        return values | {"stage": f"{self._word}, {values['stage']}" if values.get("stage") else self._word}
