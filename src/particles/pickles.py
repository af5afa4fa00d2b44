"""Other programs' pickles of arrays, opened without running anything that is in them."""

from __future__ import annotations

import importlib
import os
import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import InputError

_NUMPY_MODULES = {
    "numpy.core.multiarray": "numpy._core.multiarray",
    "numpy._core.multiarray": "numpy._core.multiarray",
    "numpy.core.numeric": "numpy._core.numeric",
    "numpy._core.numeric": "numpy._core.numeric",
}
_FUNCTIONS = {"_reconstruct", "scalar", "_frombuffer"}
_PLAIN = {("collections", "OrderedDict"), ("builtins", "set"), ("builtins", "frozenset"), ("builtins", "complex")}


def load_arrays_pickle(path: str | os.PathLike[str]) -> Any:
    """What a pickle of numpy arrays, numbers, text and plain containers (tuple, list, dict, set) holds.

    Nothing else is admitted: any other class or function named in the file, or an array of Python objects, is refused
    with an ``InputError`` that names it, before it could run.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            return _ArraysUnpickler(file, path).load()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); is the path right?") from None
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: not a readable pickle of arrays ({error}); is it the right file?") from None


class _ArraysUnpickler(pickle.Unpickler):
    """Admits what numpy arrays, dtypes and scalars are made of."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        super().__init__(file, encoding="latin1")  # arrays pickled by Python 2
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        module = "builtins" if module == "__builtin__" else module  # as Python 2 called it
        if module == "numpy" and name == "ndarray":
            return np.ndarray
        if module == "numpy" and name == "dtype":
            return _plain_dtype
        if module.startswith("numpy.dtypes") and name.endswith("DType") and name != "ObjectDType":
            return getattr(np.dtypes, name)
        if module in _NUMPY_MODULES and name in _FUNCTIONS:
            return _numpy_function(_NUMPY_MODULES[module], name)
        if (module, name) == ("_codecs", "encode"):
            return _latin1
        if (module, name) in _PLAIN:
            return getattr(importlib.import_module(module), name)
        raise InputError(f"{self._path}: holds {module}.{name}, which is no array or plain container, so it is not "
                         "opened; convert it to .npz in the program that wrote it.")  # fmt: skip

    def persistent_load(self, pid: Any) -> Any:
        raise InputError(f"{self._path}: refers to objects outside the file, so it is not opened; convert it to .npz.")


def _latin1(text: str, _encoding: str) -> bytes:
    """Bytes, as the older pickle protocols spell them."""
    return text.encode("latin1")


def _plain_dtype(*arguments: Any) -> np.dtype:
    dtype = np.dtype(*arguments)
    if dtype.hasobject:
        raise pickle.UnpicklingError("an array of Python objects")
    return dtype


def _numpy_function(module: str, name: str) -> Any:
    """The reconstruction function of numpy, under the module name that this numpy has."""
    for candidate in (module, module.replace("numpy._core", "numpy.core")):
        try:
            return getattr(importlib.import_module(candidate), name)
        except (ImportError, AttributeError):
            continue
    raise pickle.UnpicklingError(f"this numpy has no {module}.{name}")
