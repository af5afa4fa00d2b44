"""What a reconstruction's map is coloured by: local resolution, or how much finer it is than that of the rigid map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from chimerax.core.colors import Colormap
from chimerax.map_data import ArrayGridData, GridData, open_file

from ..errors import InputError
from ..jobs.reconstruct.reconstructed_files import colour_files
from ..mesh.map_files import read_map
from .palette import DIVERGING, VIRIDIS, Scale, range_scale

TITLES = {"resolution": "Local resolution, Å", "gain": "Finer than the rigid map by, Å"}
SIGNED = ("gain",)  # what is above and below nothing
_TAILS = 0.02  # share of the surface beyond each end of the scale: single places would stretch it
_NARROWEST = 0.2  # Å from one end of a scale to the other: less would show differences that nobody believes
_STEP = 0.1  # Å: ends of scales are round


def value_grid(folder: Path, colour: str) -> GridData:
    """Å at each voxel of a reconstruct job's maps, where these lie.

    ``resolution`` is the local resolution; ``gain`` the rigid map's local resolution minus it, above 0 where the map
    under motion is finer. ``InputError`` where the job has not measured it.
    """
    files = colour_files(folder, colour)
    values = [read_map(file)[0] for file in files]
    own = grid_of_file(files[0])
    if colour == "resolution":
        return own
    if values[0].shape != values[1].shape:
        raise InputError(f"{folder.name}: {files[0].name} and {files[1].name} have unlike boxes; run the job again.")
    return ArrayGridData(values[1] - values[0], own.origin, own.step, name=TITLES[colour])


def grid_of_file(path: Path) -> GridData:
    """The map in an MRC file that `read_map` has accepted."""
    return open_file(str(path))[0]


def surface_scale(colour: str, values: np.ndarray) -> Scale:
    """Colours for values (n,) on a surface: from end to end all but a fiftieth at either side, in round numbers.

    Of the gain both ends are as far from 0. Finer is yellow on the scale of resolution, as in resolution.png, and blue
    on that of the gain.
    """
    low, high = np.quantile(values, (_TAILS, 1 - _TAILS))
    if colour in SIGNED:
        end = max(_outward(max(abs(low), abs(high))), _NARROWEST / 2)
        return scale_between(colour, -end, end)
    low, high = -_outward(-low), _outward(high)
    if high - low < _NARROWEST:
        low, high = ((low + high - _NARROWEST) / 2, (low + high + _NARROWEST) / 2)
    return scale_between(colour, low, high)


def scale_between(colour: str, low: float, high: float) -> Scale:
    """The scale of a colouring with these ends, Å."""
    signed = colour in SIGNED
    return range_scale(TITLES[colour], DIVERGING if signed else VIRIDIS[::-1], low, high, signed)


def _outward(value: float) -> float:
    """The next round number above."""
    return round(float(np.ceil(value / _STEP - 1e-6)) * _STEP, 6)


def colormap(scale: Scale) -> Colormap:
    """The same for ChimeraX's ``color sample``."""
    rgba = np.ones((len(scale.colours), 4), np.float32)
    rgba[:, :3] = scale.colours / 255
    return Colormap(np.linspace(scale.lowest, scale.highest, len(rgba)), rgba)
