"""Plain ``open`` of a FlexRec project or job."""

from __future__ import annotations

from chimerax.core.errors import UserError
from chimerax.open_command import OpenerInfo

from ..errors import InputError
from .opened import WhenAdded, read_path


class FlexRecOpener(OpenerInfo):
    """Reads a project's newest model, or that of a job's folder or model.json."""

    def open(self, session, path, file_name, **_):
        """Models, and a sentence about them."""
        try:
            models, sentence = read_path(session, path)
        except InputError as error:
            raise UserError(str(error)) from error
        WhenAdded(session, models[0])
        return models, sentence

    @property
    def in_file_history(self) -> bool:
        """Recent files are told by `say_opened`: every project's own file has the same name."""
        return False
