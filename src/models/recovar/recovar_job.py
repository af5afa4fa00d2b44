"""What RECOVAR's pipeline was asked to do: its job.json, and the sign that it found in the images."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError
from .recovar_before_1 import logged_parameters

_LARGEST = 1 << 24  # bytes of a record or a log
_PROJECT = "project.json"
_LOG = "run.log"
_SIGN = re.compile(r"\(uninvert-data = (true|false)\)")


@dataclass(frozen=True)
class RecovarJob:
    """file : the record. dataset : paths and options of the images, by the names that cryoDRGN has for them.

    RECOVAR reads cryoDRGN's tables of poses and CTF, and its lists of particles.
    """

    file: Path
    dataset: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> RecovarJob:
        """Of the pipeline's folder; ``InputError`` where there is no record that names the particles."""
        file = folder / "job.json"
        try:
            if file.is_file():
                parameters = json.loads(_text(file))["parameters"]
            else:  # before version 1.0
                file = folder / _LOG
                parameters = logged_parameters(_text_or_none(file), _text_or_none(folder / "command.txt"))
            given = {name: parameters.get(name) for name in ("particles", "poses", "ctf", "ind", "datadir")}
        except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
            raise InputError(f"{file}: is not there or cannot be read, so the particles cannot be told; copy all of "
                             "RECOVAR's folder.") from None  # fmt: skip
        if file.name == _LOG and given["particles"] is None:
            raise InputError(f"{folder / 'job.json'}: is not there, nor, of a version before 1.0, a {_LOG} or "
                             "command.txt that names the particles; copy all of RECOVAR's folder.")  # fmt: skip
        if parameters.get("tilt_series") or parameters.get("tomograms"):
            raise InputError(f"{file}: RECOVAR was given tilt series, whose images FlexRec does not read; its maps and "
                             "latents are all there is.")  # fmt: skip
        for name in ("poses", "ctf"):  # RECOVAR takes others from the particles' file
            given[name] = given[name] if str(given[name]).endswith(".pkl") else None
        inverted = _inverted(folder, parameters.get("uninvert_data"))
        return cls(file, given if inverted is None else {**given, "invert_data": inverted})


def analyses(folder: Path) -> dict[tuple[int, bool], Path]:
    """Where ``recovar analyze`` has written of the pipeline in a folder, by zdim and whether it was regularised.

    Of several the one of the last name. It writes to Analyze in that folder, to Analyze/job_N of a project, or where it
    is told; its job.json says of what it is.
    """
    places = {}
    for place, parameters in jobs_of(folder, "analyze"):
        zdim = parameters.get("zdim")
        if type(zdim) is int:
            places[zdim, not parameters.get("no_z_regularization")] = place
    return places


def jobs_of(folder: Path, command: str) -> list[tuple[Path, dict[str, Any]]]:
    """Folders, with the parameters, in which a command has worked on the pipeline in a folder: in it, or beside it in a
    project, which may have been moved as a whole.
    """
    places = [file.parent for file in sorted(folder.glob("*/job.json"))]
    project = folder.absolute().parent.parent
    if (project / _PROJECT).is_file():
        places += [file.parent for file in sorted(project.glob("*/job_*/job.json"))]
    jobs = []
    for place in places:
        try:
            record = json.loads(_text(place / "job.json"))
            if record["command"] != command or not isinstance(record["parameters"], dict):
                continue
            of = str(record.get("provenance", {}).get("pipeline_result_dir"))
        except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
            continue
        if place.parent == folder or Path(of).parts[-2:] == folder.absolute().parts[-2:]:
            jobs.append((place, record["parameters"]))
    return jobs


def _inverted(folder: Path, asked: Any) -> bool | None:
    """Whether RECOVAR has multiplied the images by -1, as its CTF, which is cryoDRGN's, asks of white protein.

    As it was told, or has found (``uninvert-data = true``); None where that is not known.
    """
    if asked in ("true", "false"):
        return asked == "true"
    try:
        signs = _SIGN.findall(_text(folder / _LOG))
    except (OSError, ValueError):
        return None
    return signs[-1] == "true" if signs else None


def _text_or_none(file: Path) -> str:
    """Empty where there is none."""
    return _text(file) if file.is_file() else ""


def _text(file: Path) -> str:
    with open(file, encoding="utf-8", errors="replace") as opened:
        return opened.read(_LARGEST)
