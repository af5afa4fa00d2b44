"""Where a session file says that a trained model lies, and where it lies now."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
from chimerax.core.session import Session

from ..errors import InputError
from ..jobs.find_model import trained_folder
from ..models import Model, open_model
from ..reading import Reading


def fingerprint(flow: Model) -> str:
    """The same for the same trained model, wherever its files lie and whenever they were written."""
    digest = hashlib.blake2b(digest_size=16)
    for array in flow.arrays():
        digest.update(f"{array.shape}{array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def places(folder: Path, session_file: str | None) -> dict[str, str]:
    """The absolute path of a job's folder, or of the file that stands for an epoch, and that relative to the session
    file, where there is one.
    """
    folder = folder.absolute()
    paths = {"absolute": str(folder)}
    if session_file is not None:
        try:
            paths["relative"] = os.path.relpath(folder, Path(session_file).absolute().parent)
        except ValueError:  # another drive of Windows
            pass
    return paths


def candidates(project: dict[str, str], session_file: str | None) -> list[Path]:
    """The folders and files that were `places`, nearest to the session file first, of which there may be none."""
    wanted = [Path(project["absolute"])]
    if session_file is not None and "relative" in project:
        wanted.insert(0, Path(os.path.normpath(Path(session_file).absolute().parent / project["relative"])))
    return [folder for folder in dict.fromkeys(wanted) if folder.exists()]


def find_saved_model(
    project: dict[str, str], saved_fingerprint: str, session_file: str | None, reading: Reading = Reading()  # noqa: B008
) -> tuple[Path, Model] | None:
    """The model that a session file names: where it is the same, else the first that opens, else None.

    ``InputError`` where a folder is there but no model in it can be read.
    """
    opened, problem = [], None
    for folder in candidates(project, session_file):
        try:
            flow = open_model(folder, reading)
        except InputError as error:
            problem = problem or error
            continue
        folder = folder if folder.is_dir() else folder.parent
        if fingerprint(flow) == saved_fingerprint:
            return folder, flow
        opened.append((folder, flow))
    if not opened and problem is not None:
        raise problem
    return opened[0] if opened else None


def ask_for_model(session: Session, name: str, absolute: str, reading: Reading) -> tuple[Path, Model] | None:
    """The model in a folder that the user chooses in a dialog, read as it was; None where the user cancels."""
    from Qt.QtWidgets import QFileDialog

    title = f"Where is the project of {name}? (It was {absolute})"
    while chosen := QFileDialog.getExistingDirectory(session.ui.main_window, title):
        try:
            folder = trained_folder(Path(chosen), reading.format)
            return folder, open_model(folder, reading)
        except InputError as error:
            title = f"{error} Where is the project of {name}?"
    return None
