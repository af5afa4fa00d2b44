"""The one exception for mistakes a user can cause and mend."""

from __future__ import annotations

import re


def printable(text: str) -> str:
    """Text for one line of a log or a terminal.

    Control characters of a name are shown as \\x1b and the like, bytes of another encoding than UTF-8 as \\udcfc, and
    of a word of more than 500 letters the beginning and the end.
    """
    text = str(text).encode("utf-8", "backslashreplace").decode()
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda match: match[0].encode("unicode_escape").decode(), text)
    return re.sub(r"\S{500,}", lambda match: f"{match[0][:200]}…{match[0][-200:]}", text)


class InputError(ValueError):
    """One sentence for the user: what is wrong, where (file, field), and what to do about it.

    The terminal prints it and exits with status 2; ChimeraX turns it into its own ``UserError``.
    """

    def __init__(self, *says: str) -> None:
        super().__init__(*map(printable, says))


def disk_error_text(error: OSError) -> str:
    """What a file or folder would not do, as a sentence for the user."""
    where = error.filename or "a file"
    if isinstance(error, FileNotFoundError):
        return f"{where}: that file or its folder is not there any more; put its project back."
    if isinstance(error, PermissionError):
        return f"{where}: permission denied; choose a folder that you may write to."
    return f"{where}: {error.strerror or error}; choose another place, or make room."


_NO_MEMORY = ("out of memory", "ALLOC_FAILED", "not enough memory", "can't allocate memory")


def is_out_of_memory(error: Exception) -> bool:
    """Whether it says that the computer's or a GPU's memory is full; by its words, since torch may be missing."""
    text = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and any(words in text for words in _NO_MEMORY))
    )
