"""What a ``prep`` job has to say of its input."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..job_folder import JobRun


@dataclass(frozen=True)
class Notes:
    """Warnings, for the log and for prep.json.

    job : who logs them. normalize : whether images are brought to the same noise; None where their noise is left alone.
    """

    job: JobRun
    normalize: bool | None = None
    texts: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """A sentence for the user."""
        self.texts.append(text)
        self.job.log(f"warning: {text}")
