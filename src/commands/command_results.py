"""What commands return: models of the scene as they are, all else as plain values, which any program can read.

ChimeraX's REST server with JSON does not survive a value that is none of these.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from chimerax.core.commands import JSONResult
from chimerax.core.models import Model


def answer(value: Any, as_json: bool) -> Any:
    """A command's result, for Python or, ``as_json``, for both Python and a program that reads JSON.

    In JSON a model is its specifier, such as ``#1.2``.
    """
    result = plain(value)
    return JSONResult(json.dumps(_specified(result)), result) if as_json else result


def plain(value: Any) -> Any:
    """Text, numbers, true, false and None, lists of such and tables by name; models. NaN is None."""
    if value is None or isinstance(value, (bool, str, Model)):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Iterable):
        return [plain(one) for one in value]
    return str(value)


def _specified(value: Any) -> Any:
    if isinstance(value, Model):
        return value.atomspec
    if isinstance(value, dict):
        return {key: _specified(one) for key, one in value.items()}
    return [_specified(one) for one in value] if isinstance(value, list) else value
