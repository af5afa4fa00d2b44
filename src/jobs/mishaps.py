"""Failures that are the computer's, which a user can mend: said in a sentence instead of a traceback."""

from __future__ import annotations

import errno

from ..errors import InputError

_ENGINE = ("torch", "numba", "safetensors", "matplotlib")


def as_input_error(error: Exception, verb: str) -> InputError | None:
    """The sentence for a missing engine package, a full disk or too little memory; None for anything else."""
    if isinstance(error, InputError):
        return error
    if isinstance(error, ModuleNotFoundError) and error.name in _ENGINE:
        return InputError(f"{verb} needs {error.name}; install it with: pip install 'ChimeraX-FlexRec[engine]'")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InputError("the disk is full; free some space and resume the job.")
    if isinstance(error, MemoryError):
        return InputError(f"the computer's memory is too small for this {verb}; take a smaller box or fewer particles.")
    return None
