"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside ``path`` that is renamed onto it when the block ends without an exception.

    A reader therefore never sees half a file. The temporary name keeps the suffix, since writers choose a format by
    it. A full disk is reported as ``InputError``, and the temporary file is removed.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; choose another name for the file.")
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(f"{path}: the disk is full; free some space and run the job again.") from error
        if error.filename == str(temporary):
            error.filename = str(path)  # the one that a person knows
        raise
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _flush(path: Path) -> None:
    """Force the bytes to disk before the rename: a power cut then cannot leave an empty file under the final name."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
