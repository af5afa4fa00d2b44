"""How a folder is to be read, where somebody says so and it is not told by what lies in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .errors import InputError

FLEXREC, MAPS = "flexrec", "maps"
FORMATS = (FLEXREC, "cryodrgn", "recovar", "3dva", "3dflex", MAPS)
RADIAL, LINEAR, NEAREST = "radial", "linear", "nearest"
BETWEEN = (RADIAL, LINEAR, NEAREST)


@dataclass(frozen=True)
class Reading:
    """``format`` : whose files they are, of `FORMATS`. ``between`` : what is shown between given maps, of `BETWEEN`.

    None where nothing was said.
    """

    format: str | None = None
    between: str | None = None

    def __bool__(self) -> bool:
        return self != Reading()

    def fields(self) -> dict[str, str]:
        """What was said, for JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def of(cls, fields: Any) -> Reading:
        """From `fields`; ``InputError`` where they are none."""
        fields = {} if fields is None else fields
        choices = {"format": FORMATS, "between": BETWEEN}
        if not isinstance(fields, Mapping) or any(fields[name] not in choices.get(name, ()) for name in fields):
            raise InputError(f"{fields!r} does not say how a model is read; give format and between alone.")
        return cls(**fields)
