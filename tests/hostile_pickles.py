"""Pickles and files of torch.save that would run code, lie about their sizes, or are damaged: name and bytes of each.

Whatever could call writes a file of the name `MARK` where it is run.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict

import numpy as np

MARK = "pwned"
_RUN = f"touch {MARK}"
_STOP = b"."
_FOUR = np.arange(4, dtype="<f4").tobytes()


def _text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


_SYSTEM = b"cos\nsystem\n"
_ARGUMENT = b"(" + _text(_RUN) + b"t"


def _global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


class _Calls:
    def __init__(self, function, *arguments):
        self.value = function, arguments

    def __reduce__(self):
        return self.value


def _tensor(pid: bytes, rest: bytes) -> bytes:
    """A pickle of one tensor of a storage with a persistent id."""
    return b"\x80\x02" + _global("torch._utils", "_rebuild_tensor_v2") + b"(" + pid + b"Q" + rest + b"tR" + _STOP


def _pid(kind: bytes = _global("torch", "FloatStorage"), key: bytes | None = None, count: int = 4) -> bytes:
    return b"(" + _text("storage") + kind + (key or _text("0")) + _text("cpu") + b"J" + struct.pack("<i", count) + b"t"


def _old_pid(count: int = 4) -> bytes:
    return _pid(count=count)[:-1] + b"Nt"


def _view(offset: int = 0, shape: tuple = (4,), strides: tuple = (1,)) -> bytes:
    def numbers(values):
        return b"(" + b"".join(b"J" + struct.pack("<i", value) for value in values) + b"t"

    return b"J" + struct.pack("<i", offset) + numbers(shape) + numbers(strides) + b"\x89" + b"}"


def _archive(pickled: bytes, storages: dict | None = None, compress: bool = False, top: str = "w/") -> bytes:
    out = io.BytesIO()
    how = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", how) as file:
        file.writestr(f"{top}data.pkl", pickled)
        for key, contents in ({"0": _FOUR} if storages is None else storages).items():
            file.writestr(f"{top}data/{key}", contents)
    return out.getvalue()


def _legacy(pickled: bytes, keys: object, contents: bytes) -> bytes:
    parts = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}]
    start = b"".join(pickle.dumps(part, 2) for part in parts)
    return start + pickled + pickle.dumps(keys, 2) + contents


def good_archive() -> bytes:
    """What the hostile ones are made from: four numbers."""
    return _archive(_tensor(_pid(), _view()))


def good_legacy() -> bytes:
    """The same in torch's older format."""
    return _legacy(_tensor(_old_pid(), _view()), ["0"], struct.pack("<q", 4) + _FOUR)


def hostile() -> dict[str, bytes]:
    """All of them, by what is wrong."""
    call = _Calls(os.system, _RUN)
    encode, short = _global("_codecs", "encode"), struct.pack("<q", 4)
    begin = b"\x80\x02" + _global("numpy.core.multiarray", "_reconstruct") + b"(" + _global("numpy", "ndarray")
    return {
        "reduce": pickle.dumps(call, 2),
        "reduce protocol 0": pickle.dumps(call, 0),
        "stack global": pickle.dumps(call, 4),
        "global without call": b"\x80\x02" + _SYSTEM + _STOP,
        "inst": b"(" + _text(_RUN) + b"ios\nsystem\n" + _STOP,
        "obj": b"(" + _SYSTEM + _text(_RUN) + b"o" + _STOP,
        "newobj": b"\x80\x02" + _SYSTEM + _ARGUMENT + b"\x81" + _STOP,
        "newobj ex": b"\x80\x04" + _SYSTEM + _ARGUMENT + b"}\x92" + _STOP,
        "newobj of an admitted function": b"\x80\x02" + encode + b")\x81" + _STOP,
        "ext1": b"\x80\x02\x82\x01" + _STOP,
        "ext2": b"\x80\x02\x83\x01\x00" + _STOP,
        "ext4": b"\x80\x02\x84\x01\x00\x00\x00" + _STOP,
        "build of a function": b"\x80\x02" + encode + b"}" + _text("__code__") + _text("x") + b"sb" + _STOP,
        "build with slots": b"\x80\x02" + encode + b"N}" + _text("a") + _text("b") + b"s\x86b" + _STOP,
        "build of a set": b"\x80\x04\x8f}" + _text("a") + _text("b") + b"sb" + _STOP,
        "builtins eval": pickle.dumps(_Calls(eval, f"open({MARK!r}, 'w')"), 2),
        "builtins getattr": pickle.dumps(_Calls(getattr, "x", "upper"), 2),
        "python 2 builtin": b"c__builtin__\neval\n(" + _text(f"open({MARK!r}, 'w')") + b"tR" + _STOP,
        "dotted name": b"\x80\x04" + b"\x8c\x05numpy" + b"\x8c\x0bos.systemxx" + b"\x93" + _STOP,
        "numpy load": pickle.dumps(_Calls(np.load, "x"), 2),
        "array of objects": pickle.dumps(np.array([call], object), 2),
        "array begun with a shape": begin + b"(J\xff\xff\xff\x7ftU\x01btR" + _STOP,
        "array constructor": b"\x80\x02" + _global("numpy", "ndarray") + b"(J\xff\xff\xff\x7ftR" + _STOP,
        "memo far away": b"\x80\x02" + _global("numpy", "dtype") + b"r\xff\xff\xff\x7f" + b"h\x05" + _STOP,
        "bytes longer than the file": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"abc",
        "frame longer than the file": b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"abc",
        "text longer than the file": b"\x80\x02X\xff\xff\xff\xff",
        "persistent id in a plain pickle": b"\x80\x02" + _text("x") + b"Q" + _STOP,
        "text persistent id": b"Px\n.",
        "protocol of the future": b"\x80\x63.",
        "no stop": b"\x80\x02]",
        "nothing": b"",
        "text": b"not a pickle at all",
        "stack underflow": b"\x80\x02a.",
        "cut": pickle.dumps(np.zeros(100), 4)[:60],
        "torch: call in the archive": _archive(pickle.dumps(call, 2)),
        "torch: call in a dict": _archive(pickle.dumps(OrderedDict(a=call), 2)),
        "torch: nn module": _archive(b"\x80\x02" + _global("torch.nn.modules.linear", "Linear") + b")R" + _STOP),
        "torch: jit": _archive(b"\x80\x02" + _global("torch.jit", "load") + b"(" + _text("x") + b"tR" + _STOP),
        "torch: persistent number": _archive(_tensor(b"K\x05", _view())),
        "torch: persistent list": _archive(_tensor(b"]", _view())),
        "torch: storage of no kind": _archive(_tensor(_pid(kind=_text("FloatStorage")), _view())),
        "torch: storage of a number": _archive(_tensor(_pid(key=b"K\x00"), _view())),
        "torch: storage missing": _archive(_tensor(_pid(key=_text("7")), _view())),
        "torch: storage outside": _archive(_tensor(_pid(key=_text("../../etc/passwd")), _view())),
        "torch: storage shorter than said": _archive(_tensor(_pid(count=400), _view())),
        "torch: storage longer than said": _archive(_tensor(_pid(count=1), _view())),
        "torch: negative count": _archive(_tensor(_pid(count=-1), _view())),
        "torch: negative stride": _archive(_tensor(_pid(), _view(3, (4,), (-1,)))),
        "torch: negative shape": _archive(_tensor(_pid(), _view(0, (-4,), (1,)))),
        "torch: negative offset": _archive(_tensor(_pid(), _view(-1))),
        "torch: beyond its storage": _archive(_tensor(_pid(), _view(2, (4,), (1,)))),
        "torch: repeated to terabytes": _archive(_tensor(_pid(), _view(0, (1 << 30, 1 << 10), (0, 0)))),
        "torch: strides of another shape": _archive(_tensor(_pid(), _view(0, (4,), (1, 1)))),
        "torch: build of a storage": _archive(b"\x80\x02" + _global("torch", "FloatStorage") + b"}b" + _STOP),
        "torch: compressed bomb": _archive(_tensor(_pid(count=1 << 24), _view()), {"0": bytes(1 << 26)}, compress=True),
        "torch: no data.pkl": _archive(b"", {}, top="other-").replace(b"data.pkl", b"nope.pkl"),
        "torch: damaged number": good_archive().replace(_FOUR, bytes(16)),
        "torch: cut": good_archive()[:-40],
        "legacy: call": _legacy(pickle.dumps(call, 2), [], b""),
        "legacy: cut": good_legacy()[:-4],
        "legacy: lying count": good_legacy().replace(short + _FOUR, struct.pack("<q", 1 << 40) + _FOUR),
        "legacy: unknown storage": _legacy(_tensor(_old_pid(), _view()), ["9"], short + bytes(16)),
        "legacy: huge storage": _legacy(_tensor(_old_pid(0x7FFFFFFF), _view()), ["0"], short + bytes(16)),
        "legacy: keys that call": _legacy(_tensor(_old_pid(), _view()), call, short + bytes(16)),
    }  # fmt: skip
