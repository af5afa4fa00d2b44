"""What the engine process answers about trained models: maps, moved points, and whether particles are near."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.projector.push import usable_backend
from ..errors import InputError
from ..models.interface import DecodeOptions
from ..reading import Reading
from .opened_model import OpenedModel

Result = tuple[dict, np.ndarray | None]


class ModelAnswers:
    """The models that were opened, by the names that the asker gave them. ``backend`` is numba or numpy."""

    def __init__(self, backend: str = "auto") -> None:
        self.backend = usable_backend(backend)
        self._opened: dict[str, OpenedModel] = {}

    def answer(self, ask: str, fields: dict, array: np.ndarray | None) -> Result:
        """The fields and the float32 array that answer a request; ``InputError`` for what the asker can mend."""
        if ask == "open":
            return self._open(_text(fields, "model"), _text(fields, "path"), Reading.of(fields.get("reading")))
        if ask not in _ASKED:
            raise InputError(f"there is nothing called {ask!r} to ask; there are open, {', '.join(_ASKED)}.")
        name = _text(fields, "model")
        if name not in self._opened:
            raise InputError(f"no model is open under the name {name!r}; open it first.")
        if ask == "close" and fields.get("anchor") is None:
            del self._opened[name]
            return {}, None
        return _ASKED[ask](self._opened[name], fields, array)

    def _open(self, name: str, path: str, reading: Reading) -> Result:
        """Read a model, or read it again: a training that runs has written a newer one."""
        self._opened[name] = OpenedModel(path, DecodeOptions(self.backend), self._opened.get(name), reading)
        return self._opened[name].facts(), None


def _decode(opened: OpenedModel, fields: dict, array: np.ndarray | None) -> Result:
    model = opened.at(_box(fields, opened.model.box))
    how = replace(opened.how, quick=fields.get("quick") is True)
    return {"pixel_size": model.pixel_size}, model.decode(_point(opened, fields), how)


def _vertices(opened: OpenedModel, fields: dict, array: np.ndarray | None) -> Result:
    z = _latents(opened, fields) if array is None else opened.model.checked(array)
    return {}, opened.model.moving_points.vertices(z)


def _anchor(opened: OpenedModel, fields: dict, array: np.ndarray | None) -> Result:
    points = _points(array)
    opened.anchor(_text(fields, "anchor"), points)
    return {"count": len(points)}, None


def _tie(opened: OpenedModel, fields: dict, array: np.ndarray | None) -> Result:
    tied = opened.model.moving_points.anchor(_points(array))
    # vertex numbers are far below 2^24, up to which float32 counts exactly
    return {}, np.concatenate([tied.corners.astype(np.float32), tied.weights], axis=1)


def _displace(opened: OpenedModel, fields: dict, array: np.ndarray | None) -> Result:
    moving, z = opened.model.moving_points, _point(opened, fields)
    if array is None:
        return {}, opened.anchors(_text(fields, "anchor")).follow(moving.vertices(z))
    return {}, moving.displace(z, _points(array))


def _support(opened: OpenedModel, fields: dict, array: np.ndarray | None) -> Result:
    z = np.atleast_2d(_latents(opened, fields) if array is None else opened.model.checked(array))
    distance = opened.support.distance(z)
    outside = distance > opened.support.limit
    return {"outside": outside.tolist(), "distance": distance.tolist(), "limit": opened.support.limit}, None


def _release(opened: OpenedModel, fields: dict, array: np.ndarray | None) -> Result:
    opened.release(_text(fields, "anchor"))
    return {}, None


# of a model that is open
_ASKED = {
    "decode": _decode, "vertices": _vertices, "anchor": _anchor, "tie": _tie, "displace": _displace,
    "support": _support, "close": _release,
}  # fmt: skip


# ----- what the asker sent -----


def _text(fields: dict, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} is {value!r}; give a text.")
    return value


def _box(fields: dict, own: int) -> int:
    box = fields.get("box", own)
    if type(box) is not int or not 8 <= box <= own or (box != own and box % 2):
        raise InputError(f"box is {box!r}; give an even number from 8 to {own}, the model's own.")
    return box


def _latents(opened: OpenedModel, fields: dict) -> np.ndarray:
    """``(K,)`` or ``(b, K)``."""
    z: Any = fields.get("z")
    try:
        z = np.asarray(z, np.float32)
    except (TypeError, ValueError, OverflowError):
        z = None
    if z is None or z.ndim > 2:
        raise InputError("z is no list of numbers; give one number for each latent dimension.")
    return opened.model.checked(z)


def _point(opened: OpenedModel, fields: dict) -> np.ndarray:
    """``(K,)``."""
    z = _latents(opened, fields)
    if z.ndim != 1:
        raise InputError("z is a list of points; give one.")
    return z


def _points(array: np.ndarray | None) -> np.ndarray:
    """``(m, 3)`` Å."""
    if array is None or array.size % 3 or array.shape[-1:] not in ((3,), (array.size,)):
        raise InputError("there are no points; send them as float32 after the line, three numbers for each.")
    if not np.isfinite(array).all():
        raise InputError("a point is not finite; leave it out.")
    return array.reshape(-1, 3)
