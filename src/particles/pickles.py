"""Other programs' pickles of arrays and of torch tensors, opened without running anything that is in them."""

from __future__ import annotations

import importlib
import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from ..errors import InputError
from .torch_tensors import TENSORS, TorchArchive, is_archive, read_legacy, starts_legacy

_NUMERIC = ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")
_ARRAY = "numpy.ndarray"  # stands for the class, which a pickle would call otherwise


def load_arrays_pickle(path: str | os.PathLike[str]) -> Any:
    """What a pickle of numpy arrays, torch tensors, numbers, text and plain containers (tuple, list, dict, set) holds.

    Tensors come as numpy arrays, from files of torch.save as well, and no torch is needed; a time, as weights of
    cryoDRGN's older abinit have, as None. Nothing else is admitted: any other class or function named in the file, or
    an array of Python objects, is refused with an ``InputError`` that names it, before it could run. Of a file with
    several pickles the first is read.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            return _load(file, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); is the path right?") from None
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: not a readable pickle of arrays ({_brief(error)}); is it the right file?") from None


def _load(file: BinaryIO, path: Path) -> Any:
    if is_archive(file):
        with TorchArchive(file) as archive:
            return _ArraysUnpickler(io.BytesIO(archive.pickle), path, archive.storage).load()
    # read at once: no length that the file claims is then more than there is
    contents = io.BytesIO(file.read())
    if starts_legacy(contents):
        return read_legacy(contents, lambda storage: _ArraysUnpickler(contents, path, storage).load())
    return _ArraysUnpickler(contents, path, None).load()


def _brief(error: Exception) -> str:
    """What an error says, in one line."""
    if isinstance(error, EOFError | IndexError | KeyError):
        return "it is damaged, or ends too early"
    return " ".join(str(error).split())[:200] or type(error).__name__


class _Admitted:
    """A function that a pickle may call, and do nothing else with."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes what FlexRec is made of")


class _ArraysUnpickler(pickle._Unpickler):
    """Admits what numpy arrays, dtypes and scalars and torch tensors are made of.

    The one written in Python: the other makes room for as many objects as the file claims, and sets attributes of
    whatever the file names.
    """

    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: BinaryIO, path: Path, storage: Callable[[Any], np.ndarray] | None) -> None:
        super().__init__(file, encoding="latin1")  # arrays pickled by Python 2
        self._path, self._storage = path, storage

    def find_class(self, module: str, name: str) -> Any:
        module = "builtins" if module == "__builtin__" else module  # as Python 2 called it
        if module == "numpy" and name == "ndarray":
            return _ARRAY
        if module.startswith("numpy.dtypes") and name.endswith("DType") and name != "ObjectDType":
            return _Admitted(lambda *_: _plain_dtype(getattr(np.dtypes, name)()))
        if module in _NUMERIC and name in _FUNCTIONS:
            return _Admitted(_FUNCTIONS[name])
        if (module, name) in _PLAIN:
            return _Admitted(_PLAIN[module, name])
        if self._storage is not None and (module, name) in TENSORS:
            admitted = TENSORS[module, name]
            return _Admitted(admitted) if callable(admitted) else admitted
        raise InputError(f"{self._path}: holds {module}.{name}, which is no array or plain container, so it is not "
                         "opened; convert it to .npz in the program that wrote it.")  # fmt: skip

    def get_extension(self, code: int) -> Any:
        raise InputError(f"{self._path}: refers to the extension {code} of Python, which is no array, so it is not "
                         "opened; convert it to .npz in the program that wrote it.")  # fmt: skip

    def persistent_load(self, pid: Any) -> Any:
        if self._storage is None:
            raise InputError(
                f"{self._path}: refers to objects outside the file, so it is not opened; convert it to .npz."
            )
        return self._storage(pid)

    def _build(self) -> None:
        """Give an array or a dtype its contents; a dict's attributes, such as torch's versions, are passed over."""
        stack: list = self.stack  # type: ignore[attr-defined]
        state, target = stack.pop(), stack[-1]
        if isinstance(target, np.ndarray | np.dtype):
            target.__setstate__(state)  # type: ignore[union-attr]
            dtype = target.dtype if isinstance(target, np.ndarray) else target
            if dtype.hasobject:
                raise pickle.UnpicklingError("an array of Python objects")
        elif type(target) is not _Dict:
            raise pickle.UnpicklingError(f"it sets attributes of {type(target).__name__}")

    dispatch[pickle.BUILD[0]] = _build


class _Dict(dict):
    """An ordered or a default dict of the file."""


def _dict(*arguments: Any) -> dict:
    """Of pairs; of a default dict the function that makes what is missing is passed over."""
    return _Dict(*(argument for argument in arguments if not callable(argument)))


def _latin1(text: str, _encoding: str) -> bytes:
    """Bytes, as the older pickle protocols spell them."""
    return text.encode("latin1")


def _plain_dtype(kind: Any, *_: Any) -> np.dtype:
    """A dtype of its own, which its state in the file may change."""
    dtype = np.dtype(kind, False, True)
    if dtype.hasobject:
        raise pickle.UnpicklingError("an array of Python objects")
    return dtype


def _empty(kind: Any, shape: Any, _: Any) -> np.ndarray:
    """The array that numpy begins with, whose shape comes with its contents."""
    if kind != _ARRAY or tuple(shape) != (0,):
        raise pickle.UnpicklingError("an array that is begun with a shape")
    return np.empty(0, "b")


def _scalar(dtype: Any, contents: Any = b"") -> Any:
    if not isinstance(dtype, np.dtype):
        raise pickle.UnpicklingError("a number of no type")
    contents = contents.encode("latin1") if isinstance(contents, str) else contents
    return np.frombuffer(contents, dtype, 1)[0]


def _from_buffer(contents: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if not isinstance(dtype, np.dtype):
        raise pickle.UnpicklingError("an array of no type")
    return np.frombuffer(contents, dtype).reshape(shape, order=order).copy(order)


def _no_time(*_: Any) -> None:
    """In place of a time, which nobody asks for."""


_FUNCTIONS: dict[str, Callable] = {"_reconstruct": _empty, "scalar": _scalar, "_frombuffer": _from_buffer}
_PLAIN: dict[tuple[str, str], Callable] = {
    ("numpy", "dtype"): _plain_dtype,
    ("_codecs", "encode"): _latin1,
    ("datetime", "datetime"): _no_time,
    ("collections", "OrderedDict"): _dict,
    ("collections", "defaultdict"): _dict,
    **{("builtins", name): getattr(importlib.import_module("builtins"), name)
       for name in ("set", "frozenset", "complex", "dict", "list")},
}  # fmt: skip
