"""The one exception for mistakes a user can cause and mend."""

from __future__ import annotations


def printable(text: str) -> str:
    """Text that can be written as UTF-8: bytes of a name in another encoding are shown as \\udcfc and the like."""
    return str(text).encode("utf-8", "backslashreplace").decode()


class InputError(ValueError):
    """One sentence for the user: what is wrong, where (file, field), and what to do about it.

    The terminal prints it and exits with status 2; ChimeraX turns it into its own ``UserError``.
    """

    def __init__(self, *says: str) -> None:
        super().__init__(*map(printable, says))


_NO_MEMORY = ("out of memory", "ALLOC_FAILED", "not enough memory", "can't allocate memory")


def is_out_of_memory(error: Exception) -> bool:
    """Whether it says that the computer's or a GPU's memory is full; by its words, since torch may be missing."""
    text = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and any(words in text for words in _NO_MEMORY))
    )

