"""A folder of DynaMight: what it is, and why its networks and latents cannot be opened."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from ...errors import InputError

_CHECKPOINTS = Path("forward_deformations") / "checkpoints"


def recognises(folder: Path) -> bool:
    """Whether DynaMight has left checkpoints there."""
    try:
        return any((folder / _CHECKPOINTS).glob("*.pth")) or (
            folder.name == _CHECKPOINTS.name and folder.parent.name == _CHECKPOINTS.parent.name
            and any(folder.glob("*.pth")))  # fmt: skip
    except OSError:
        return False


def refuse(path: Path) -> NoReturn:
    """Say what its files are.

    A checkpoint (optimize_deformations.py of DynaMight) is a pickle of the networks themselves, objects of its own
    classes; latents are in no file: explore_latent_space.py has the encoder make them from the images anew.
    """
    raise InputError(f"{path}: is DynaMight's: its checkpoint holds objects of DynaMight's own program, which FlexRec "
                     "does not run, and its latents are in no file; open a folder with the series of maps that it has "
                     "saved, or give its refinement's optimiser.star to flexrec prep.")  # fmt: skip
