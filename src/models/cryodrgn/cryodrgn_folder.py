"""A work folder of cryoDRGN, or the out folder of CryoDRGN-AI: its epochs, and what analyses have left for one of them.
"""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...particles.pickles import load_arrays_pickle
from ...particles.torch_tensors import starts_legacy
from .cryodrgn_config import NAMES, CryodrgnConfig
from .drgnai_config import AI_NAMES

_FILE = re.compile(r"(weights|z|conf)(?:\.(\d{1,7}))?\.pkl")
_PRETRAINED = "weights.-1.pkl"  # what CryoDRGN-AI writes first
LAST = -1  # the number of weights.pkl and z.pkl, which training writes at its end


@dataclass(frozen=True)
class CryodrgnFolder:
    """folder : of a training. weights, z : files by epoch; `LAST` for those without a number.

    latents : how the names of the files of latents begin, z or, of CryoDRGN-AI by itself, conf.
    """

    folder: Path
    weights: dict[int, Path]
    z: dict[int, Path]
    latents: str = "z"

    @classmethod
    def of(cls, folder: Path) -> CryodrgnFolder:
        """Looks at the names of the files alone."""
        files: dict[str, dict[int, Path]] = {"weights": {}, "z": {}, "conf": {}}
        for path in sorted(folder.iterdir()):
            match = _FILE.fullmatch(path.name)
            if match:
                files[match[1]][LAST if match[2] is None else int(match[2])] = path
        latents = "conf" if _config_of(folder, NAMES) is None and _config_of(folder, AI_NAMES) else "z"
        return cls(folder, files["weights"], files[latents], latents)

    @property
    def program(self) -> str:
        """Whose it is."""
        return "cryoDRGN" if self.latents == "z" else "CryoDRGN-AI"

    def config(self) -> CryodrgnConfig:
        """``InputError`` where there is none, or none that can be read."""
        file = _config_of(self.folder, (*NAMES, *AI_NAMES))
        if file is None:
            raise InputError(f"{self.folder}: has weights or latents of cryoDRGN's but no {NAMES[0]}; copy all of the "
                             "folder.")  # fmt: skip
        if self.latents == "z":
            return CryodrgnConfig.read(file)
        whole = (self.weights[epoch] for epoch in sorted(self.weights) if is_whole(self.weights[epoch]))
        return CryodrgnConfig.read(file, next(whole, None) or self.weights[self.newest_first(False)[0]])

    def newest_first(self, latents: bool) -> list[int]:
        """Epochs with weights, and with latents where these are wanted; ``InputError`` where there is none.

        The files without a number come first where they are of a later epoch than all others.
        """
        both = sorted(epoch for epoch in self.weights if not latents or epoch in self.z)
        if not both and (self.folder / _PRETRAINED).is_file():
            raise InputError(f"{self.folder}: has the pretraining alone ({_PRETRAINED}), whose latents are random; "
                             "wait for its first epoch.")  # fmt: skip
        if not both:
            lacks = f"latents ({self.latents}.N.pkl)" if self.weights else "weights (weights.N.pkl)"
            raise InputError(f"{self.folder}: no epoch has both weights and latents, {lacks} are missing; copy them "
                             "from where it was trained.")  # fmt: skip
        newest = both[::-1]
        if LAST in both[:-1] and self._epoch_of_last() > newest[0]:
            newest = [LAST, *newest[:-1]]
        return newest

    def missing_after(self, epoch: int) -> tuple[Path, ...]:
        """Weights or latents that newer epochs lack, of which the other file is there, the newest first."""
        halves = sorted(set(self.weights) ^ set(self.z), reverse=True)
        return tuple(self.folder / f"{self.latents if newer in self.weights else 'weights'}.{newer}.pkl"
                     for newer in halves if newer > epoch)  # fmt: skip

    def _epoch_of_last(self) -> int:
        """What weights.pkl is of; -1 where it cannot be read."""
        try:
            return epoch_within(load_arrays_pickle(self.weights[LAST]))
        except InputError:
            return -1

    def analysis(self, kind: str, epoch: int) -> Path:
        """The folder that ``cryodrgn analyze`` or ``analyze_landscape`` makes of an epoch."""
        if self.latents == "conf" and kind == "analyze":
            return self.folder / f"analysis_{epoch}"
        return self.folder / (kind if epoch == LAST else f"{kind}.{epoch}")


    def poses(self, epoch: int) -> Path:
        """Where the poses of an epoch are that the training has found, there or not."""
        return self.folder / ("pose.pkl" if epoch == LAST else f"pose.{epoch}.pkl")


def _config_of(folder: Path, names: tuple[str, ...]) -> Path | None:
    """The first of these files that is there."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def file_epoch(path: Path) -> int | None:
    """The number in the name of a file of weights or latents, `LAST` without one; None where it is no such file."""
    match = _FILE.fullmatch(path.name)
    return None if match is None else LAST if match[2] is None else int(match[2])


def epoch_within(checkpoint: object) -> int:
    """The epoch that a checkpoint says it is of; -1 where it does not."""
    epoch = checkpoint.get("epoch") if isinstance(checkpoint, dict) else None
    return epoch if type(epoch) is int else -1


def recognises(folder: Path) -> bool:
    """Whether cryoDRGN or CryoDRGN-AI has left weights or latents there."""
    try:
        work = CryodrgnFolder.of(folder)
        known = _config_of(folder, (*NAMES, *AI_NAMES)) is not None
        return bool(work.weights or (known and (work.z or (folder / _PRETRAINED).is_file())))
    except OSError:
        return False


def lacks_epochs(folder: Path) -> str:
    """What is to be said of a folder with latents or a config of cryoDRGN's alone; "" where there are none."""
    if CryodrgnFolder.of(folder).z:
        return (f"{folder}: has latents of cryoDRGN's and neither its weights (weights.N.pkl) nor its {NAMES[0]}; copy "
                "all of the folder.")  # fmt: skip
    file = _config_of(folder, NAMES)
    if file is None:
        return ""
    try:
        CryodrgnConfig.read(file)
    except InputError:  # another program's file of that name
        return ""
    return (f"{folder}: cryoDRGN has written no epoch there yet (weights.N.pkl); wait for its first, or copy all of "
            "the folder.")  # fmt: skip


def is_whole(file: Path) -> bool:
    """Whether a file of weights or latents has its end, as far as is told without reading it: see `torch_tensors`."""
    try:
        with open(file, "rb") as opened:
            if starts_legacy(opened):
                return True  # its end is told by reading it alone
            if opened.read(2) == b"PK":
                return zipfile.is_zipfile(opened)
            return opened.seek(0, os.SEEK_END) > 1 and opened.seek(-1, os.SEEK_END) > 0 and opened.read() == pickle.STOP
    except OSError:
        return False


def weights_beside(file: Path, epoch: int) -> Path:
    """Where the weights of the ``epoch`` are whose latents a file has, there or gone."""
    return file.with_name("weights.pkl" if epoch == LAST else f"weights.{epoch}.pkl")


def weights_of(file: Path) -> Path | None:
    """The weights of the epoch whose latents a file has; None where it is no such file. ``InputError`` where they are
    missing, since those of another epoch would make other maps.
    """
    epoch = file_epoch(file)
    if epoch is None or file.name.startswith("weights"):
        return None
    weights = weights_beside(file, epoch)
    if not weights.is_file():
        raise InputError(f"{file}: the weights of this epoch are missing ({weights.name}), so it has no maps; copy "
                         "them, or open the folder.")  # fmt: skip
    return weights


def checkpoints(folder: Path) -> dict[int, Path]:
    """The files by which an epoch can be named, by its number; of the last without a number by `LAST`."""
    work = CryodrgnFolder.of(folder)
    return {epoch: work.weights[epoch] for epoch in work.weights}
