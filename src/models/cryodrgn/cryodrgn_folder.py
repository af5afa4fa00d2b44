"""A work folder of cryoDRGN: which epochs are there, and what its analyses have left for one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...particles.pickles import load_arrays_pickle
from .cryodrgn_config import NAMES

_FILE = re.compile(r"(weights|z)(?:\.(\d{1,7}))?\.pkl")
LAST = -1  # the number of weights.pkl and z.pkl, which training writes at its end


@dataclass(frozen=True)
class CryodrgnFolder:
    """folder : of a training. weights, z : files by epoch; `LAST` for those without a number."""

    folder: Path
    weights: dict[int, Path]
    z: dict[int, Path]

    @classmethod
    def of(cls, folder: Path) -> CryodrgnFolder:
        """Looks at the names of the files alone."""
        files: dict[str, dict[int, Path]] = {"weights": {}, "z": {}}
        for path in sorted(folder.iterdir()):
            match = _FILE.fullmatch(path.name)
            if match:
                files[match[1]][LAST if match[2] is None else int(match[2])] = path
        return cls(folder, files["weights"], files["z"])

    @property
    def config(self) -> Path:
        """``InputError`` where there is none."""
        for name in NAMES:
            if (self.folder / name).is_file():
                return self.folder / name
        raise InputError(f"{self.folder}: has weights or latents of cryoDRGN's but no {NAMES[0]}; copy all of the "
                         "folder.")  # fmt: skip

    def newest(self, latents: bool) -> int:
        """The newest epoch with weights, and with latents where these are wanted; ``InputError`` where there is none.

        The files without a number are taken where they are of a later epoch than all others.
        """
        both = sorted(epoch for epoch in self.weights if not latents or epoch in self.z)
        if not both:
            lacks = "latents (z.N.pkl)" if self.weights else "weights (weights.N.pkl)"
            raise InputError(f"{self.folder}: no epoch has both weights and latents, {lacks} are missing; copy them "
                             "from where it was trained.")  # fmt: skip
        if LAST not in both or len(both) == 1:
            return both[-1]
        return LAST if epoch_within(load_arrays_pickle(self.weights[LAST])) > both[-1] else both[-1]

    def analysis(self, kind: str, epoch: int) -> Path:
        """The folder that ``cryodrgn analyze`` or ``analyze_landscape`` makes of an epoch."""
        return self.folder / (kind if epoch == LAST else f"{kind}.{epoch}")


def file_epoch(path: Path) -> int | None:
    """The number in the name of a file of weights or latents, `LAST` without one; None where it is no such file."""
    match = _FILE.fullmatch(path.name)
    return None if match is None else LAST if match[2] is None else int(match[2])


def epoch_within(checkpoint: object) -> int:
    """The epoch that a checkpoint says it is of; -1 where it does not."""
    epoch = checkpoint.get("epoch") if isinstance(checkpoint, dict) else None
    return epoch if type(epoch) is int else -1


def recognises(folder: Path) -> bool:
    """Whether cryoDRGN has left weights or latents there."""
    try:
        found = CryodrgnFolder.of(folder)
    except OSError:
        return False
    return bool(found.weights or (found.z and any((folder / name).is_file() for name in NAMES)))


def checkpoints(folder: Path) -> dict[int, Path]:
    """The files by which an epoch can be named, by its number; of the last without a number by `LAST`."""
    found = CryodrgnFolder.of(folder)
    return {epoch: found.weights[epoch] for epoch in found.weights}
