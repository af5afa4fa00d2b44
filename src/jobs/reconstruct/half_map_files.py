"""The files of two half-maps: themselves, their map, and their FSC by shell."""

from __future__ import annotations

import csv
from collections.abc import Mapping

import numpy as np

from ...engine.maps.reconstruction import Reconstruction
from ...mesh.map_files import write_map
from ..job_folder import JobRun
from .reconstruct_parameters import MAP


def write_halves(
    result: Reconstruction, names: tuple[str, str], pixel_size: float, centre: np.ndarray | None, job: JobRun
) -> None:
    """The half-maps under their names."""
    for name, volume in zip(names, (result.first, result.second)):
        with job.output(name) as path:
            write_map(path, volume, pixel_size, centre)


def write_maps(
    result: Reconstruction, pixel_size: float, centre: np.ndarray | None, job: JobRun, number: str = ""
) -> None:
    """half1.mrc, half2.mrc, map.mrc and fsc.csv; a ``number`` such as _003 is put behind each name."""
    write_halves(result, (numbered("half1.mrc", number), numbered("half2.mrc", number)), pixel_size, centre, job)
    with job.output(numbered(MAP, number)) as path:
        write_map(path, result.mean, pixel_size, centre)
    write_shells(numbered("fsc.csv", number), result.frequency, {"fsc": result.fsc}, job)


def write_shells(name: str, frequencies: np.ndarray, columns: Mapping[str, np.ndarray], job: JobRun) -> None:
    """A table of that name: a line for each shell but the zeroth, ``frequencies`` ``(s,)`` 1/Å, ``columns`` ``(s,)``.
    """
    with job.output(name) as path, open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["shell", "frequency (1/Å)", "resolution (Å)", *columns])
        for shell, frequency in enumerate(frequencies[1:], 1):
            curves = (f"{curve[shell]:.4f}" for curve in columns.values())
            table.writerow([shell, f"{frequency:.6f}", f"{1 / frequency:.3f}", *curves])


def numbered(name: str, number: str) -> str:
    """map.mrc and _003 are map_003.mrc."""
    stem, dot, kind = name.rpartition(".")
    return f"{stem}{number}{dot}{kind}"
