"""Folders in which particle images are now, where they are not where prep found them: kept in the project."""

from __future__ import annotations

import json
from pathlib import Path

from ..atomic import atomic_path
from ..errors import InputError

FILE = "images.json"
_FORMAT, _VERSION = "flexrec-images", 1


def kept_folder(project: Path, prep: str) -> Path | None:
    """The folder that was named for a prep job (``002-prep``); None where none was."""
    where = _read(project).get(prep)
    return None if where is None else Path(where)


def keep_folder(project: Path, prep: str, folder: Path) -> None:
    """Remember a folder for a prep job, in place of another."""
    record = {"format": _FORMAT, "version": _VERSION, "folders": {**_read(project), prep: str(folder)}}
    try:
        with atomic_path(project / FILE) as temporary:
            temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{project / FILE}: {error.strerror}; choose a project that you may write to.") from error


def _read(project: Path) -> dict[str, str]:
    path = project / FILE
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != _FORMAT or record["version"] != _VERSION:
            raise ValueError("another format or version")
        return {str(prep): str(folder) for prep, folder in record["folders"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a list of folders FlexRec can read ({error}); remove it.") from error
