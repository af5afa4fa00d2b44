"""Tensors in files of torch.save, read as numpy arrays without torch: the zip format and the one before torch 1.6.

The zip holds data.pkl, in which a tensor is (storage, first element, shape, strides), and a file of raw numbers for
each storage. The older format is one file: a magic number, a version, the pickle, the storages' keys, their numbers.
(torch/serialization.py and torch/_utils.py of torch 2.)
"""

from __future__ import annotations

import math
import pickle
import zipfile
from collections.abc import Callable
from types import TracebackType
from typing import Any, BinaryIO, Literal

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001
_LARGEST_PICKLE = 1 << 28  # bytes of data.pkl, which holds names and shapes
_BFLOAT16 = "bfloat16"
_NUMBERS = {
    "Float": "f4", "Double": "f8", "Half": "f2", "Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1", "Byte": "u1",
    "Bool": "?", "ComplexFloat": "c8", "ComplexDouble": "c16", "BFloat16": _BFLOAT16,
}  # fmt: skip
_WORDS = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")

Load = Callable[[Callable[[Any], np.ndarray]], Any]


def is_archive(file: BinaryIO) -> bool:
    """Whether a file is a zip; it is then at its start again."""
    start = file.read(4)
    file.seek(0)
    return start == b"PK\x03\x04"


class TorchArchive:
    """A zip of torch.save. ``pickle`` : the bytes of its data.pkl."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file)
        tables = [name for name in self._zip.namelist() if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(tables) != 1:
            raise pickle.UnpicklingError("a zip archive that is none of torch's")
        self._top = tables[0].removesuffix("data.pkl")
        self._storages: dict[str, np.ndarray] = {}
        self.pickle = self._bytes(tables[0], _LARGEST_PICKLE)
        names = self._zip.namelist()
        order = self._bytes(self._top + "byteorder", 16) if self._top + "byteorder" in names else b"little"
        self._big = order.strip() == b"big"

    def __enter__(self) -> TorchArchive:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._zip.close()

    def storage(self, pid: Any) -> np.ndarray:
        """The numbers ``(m,)`` of the storage that a persistent id names."""
        name, key, count = _identified(pid)
        if key not in self._storages:
            dtype = _dtype(name, ">" if self._big else "<")
            contents = self._bytes(f"{self._top}data/{key}", count * dtype.itemsize)
            if len(contents) != count * dtype.itemsize:
                raise pickle.UnpicklingError(f"storage {key} has {len(contents)} bytes and not {count} numbers")
            self._storages[key] = _numbers(np.frombuffer(contents, dtype), name)
        return self._storages[key]

    def _bytes(self, name: str, most: int) -> bytes:
        """A file of the archive, which torch never compresses."""
        about = self._zip.getinfo(name)
        if about.compress_type != zipfile.ZIP_STORED or about.file_size != about.compress_size:
            raise pickle.UnpicklingError(f"{name} is compressed, as torch never does")
        if about.file_size > most:
            raise pickle.UnpicklingError(f"{name} has {about.file_size} bytes where {most} are said")
        return self._zip.read(about)


def starts_legacy(file: BinaryIO) -> bool:
    """Whether a file is of torch.save before 1.6; it is then after the magic number, and else at its start."""
    start = file.read(15)
    # protocol 2, a long of 10 bytes, the end
    if start[:4] == b"\x80\x02\x8a\x0a" and int.from_bytes(start[4:14], "little") == _MAGIC and start[14:] == b".":
        return True
    file.seek(0)
    return False


def read_legacy(file: BinaryIO, load: Load) -> Any:
    """What such a file holds; ``load(storage)`` reads the next pickle, in which ``storage(pid)`` are the storages."""
    storages: dict[str, tuple[str, np.ndarray]] = {}
    whole = file.seek(0, 2)
    file.seek(15)

    def storage(pid: Any) -> np.ndarray:
        name, key, count = _identified(pid)
        if key not in storages:
            dtype = _dtype(name, "<")
            if count * dtype.itemsize + sum(numbers.nbytes for _, numbers in storages.values()) > whole:
                raise pickle.UnpicklingError(f"storage {key} is longer than the file")
            storages[key] = name, np.empty(count, dtype)
        return storages[key][1]

    if load(_no_storage) != _LEGACY_VERSION:
        raise pickle.UnpicklingError("an unknown version of torch's older format")
    about = load(_no_storage)
    if not isinstance(about, dict) or not about.get("little_endian", True):
        raise pickle.UnpicklingError("a file of a computer of other byte order")
    result = load(storage)
    for key in load(_no_storage):
        _fill(file, key, storages)
    return result


def _fill(file: BinaryIO, key: Any, storages: dict[str, tuple[str, np.ndarray]]) -> None:
    """Read the next storage's length and numbers; tensors that were made of it are views, and have them then."""
    if key not in storages:
        raise pickle.UnpicklingError("a storage that no tensor uses")
    name, numbers = storages[key]
    if name == "BFloat16":
        raise pickle.UnpicklingError("bfloat16 in torch's older format")
    count, contents = file.read(8), memoryview(file.read(numbers.nbytes))
    if int.from_bytes(count, "little") != len(numbers) or len(contents) != numbers.nbytes:
        raise pickle.UnpicklingError(f"storage {key} is not as long as said")
    numbers[:] = np.frombuffer(contents, numbers.dtype)


def _no_storage(pid: Any) -> np.ndarray:
    raise pickle.UnpicklingError("a storage where none can be")


def _identified(pid: Any) -> tuple[str, str, int]:
    """``("storage", class, key, device, count, …)`` of torch: the class' name, the key and the count."""
    if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage" or (len(pid) == 6 and pid[5]):
        raise pickle.UnpicklingError("it refers to something outside that is no storage")
    kind, key, count = pid[1], pid[2], pid[4]
    if not isinstance(kind, _StorageKind) or not isinstance(key, str) or type(count) is not int or count < 0:
        raise pickle.UnpicklingError("it names a storage of no kind")
    return kind.name, key, count


def _dtype(name: str, order: Literal["<", ">"]) -> np.dtype:
    kind = _NUMBERS[name]
    return np.dtype("u2" if kind == _BFLOAT16 else kind).newbyteorder(order)


def _numbers(contents: np.ndarray, name: str) -> np.ndarray:
    """In this computer's byte order; bfloat16, which numpy lacks, as float32."""
    if name == "BFloat16":
        return (contents.astype(np.uint32) << 16).view(np.float32)
    return contents.astype(contents.dtype.newbyteorder("="))


class _StorageKind:
    """A class of storages in a pickle, by its name without the word Storage."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes a class")


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> np.ndarray:
    """A view ``shape`` of a storage, as torch._utils._rebuild_tensor_v2; it never leaves the storage."""
    if not isinstance(storage, np.ndarray) or storage.ndim != 1:
        raise pickle.UnpicklingError("a tensor of no storage")
    for numbers in (shape, strides):
        if not isinstance(numbers, tuple | list) or any(type(number) is not int or number < 0 for number in numbers):
            raise pickle.UnpicklingError("a tensor whose shape is none")
    if type(offset) is not int or offset < 0 or len(shape) != len(strides) or len(shape) > 32:
        raise pickle.UnpicklingError("a tensor whose shape is none")
    if math.prod(shape) == 0:
        return np.empty(shape, storage.dtype)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides))
    # one that repeats numbers could be far larger than the file
    if last >= len(storage) or math.prod(shape) > len(storage):
        raise pickle.UnpicklingError("a tensor that is larger than its storage")
    size = storage.dtype.itemsize
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, [stride * size for stride in strides])


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


def _shape(numbers: Any = ()) -> tuple:
    return tuple(numbers)


def _device(*words: Any) -> str:
    return ":".join(map(str, words))


# what the pickle of a tensor names: functions, and the classes of storages
TENSORS: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "Size"): _shape,
    ("torch", "device"): _device,
    **{("torch", f"{name}Storage"): _StorageKind(name) for name in _NUMBERS},
    **{("torch.cuda", f"{name}Storage"): _StorageKind(name) for name in _NUMBERS},
    **{("torch", word): word for word in _WORDS},
}
