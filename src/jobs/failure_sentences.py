"""Failures that are the computer's, which a user can mend: said in a sentence instead of a traceback."""

from __future__ import annotations

import errno
from typing import Any

from ..errors import InputError, disk_error_text, is_out_of_memory

_ENGINE = ("torch", "numba", "safetensors", "matplotlib")


def as_input_error(error: Exception, verb: str, parameters: Any = None) -> InputError | None:
    """The sentence for a missing engine package, a disk that takes nothing, or too little memory; else None.

    ``parameters`` are those of the job: what can be lowered among them is named.
    """
    if isinstance(error, InputError):
        return error
    if isinstance(error, ModuleNotFoundError) and error.name in _ENGINE:
        return InputError(f"{verb} needs {error.name}, which this Python has not; install it by: pip install "
                          f"{error.name} (flexrec engine says what else is missing).")  # fmt: skip
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InputError("the disk is full; free some space and resume the job.")
    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES):
        return InputError(disk_error_text(error))
    if _fills_memory(error):
        return InputError(f"the computer's memory is too small for this {verb}; take a smaller box or fewer particles.")
    if is_out_of_memory(error):
        return InputError(f"the GPU's memory is too small for this {verb}; {_lighter(parameters)}.")
    return None


def _fills_memory(error: Exception) -> bool:
    """Whether it says, in one of the ways in which that is said, that the computer's memory is full."""
    if isinstance(error, ImportError):  # a library found no room; one that must not be run names another reason
        return str(error).endswith(("failed to map segment from shared object", "annot allocate memory"))
    full = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    return full or "CPUAllocator" in str(error)


def _lighter(parameters: Any) -> str:
    batch = getattr(parameters, "batch_size", None)
    if batch and batch > 1 and not hasattr(parameters, "images_at_once"):  # which the job has lowered by itself
        return f"clone the job with --batch-size {batch // 2} (half of {batch}), or free the GPU of other programs"
    return "free the GPU of other programs, take a smaller box, or compute with --device cpu"
