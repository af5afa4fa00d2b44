"""Open a trained model, whatever decodes its maps, from the folder of a train job, finished or still running."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..reading import MAPS, Reading
from .bodies.bodies_model import read_bodies_model
from .classes.classes_model import read_classes_model
from .cryodrgn import cryodrgn_folder
from .dynamight import dynamight_folder
from .field.field_model import read_field_model
from .flex3d import flex3d_files
from .flow.flow_files import read_flow_model
from .interface import Model
from .linear.linear_model import read_linear_model
from .map_series import series_files
from .moving_classes.moving_classes_files import read_moving_classes_model
from .occupancy.occupancy_files import read_occupancy_model
from .recovar import recovar_folder
from .variability import variability_files

Reader = Callable[[Path, dict], Model]


@dataclass(frozen=True)
class Program:
    """Another program whose models can be opened: ``recognises(folder)`` tells whether it wrote one there, and
    ``read(folder)`` reads it.

    ``checkpoints(folder)`` are the files that stand for one epoch each, by number, where the program keeps several;
    ``read`` takes such a file, too. ``numbered`` is what they are numbered by, where it is not the epoch.
    ``stands_for(file)`` is the one of them that another file is of. ``format`` is the word of `reading.FORMATS` for it.
    """

    name: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path], Model]
    checkpoints: Callable[[Path], dict[int, Path]] = lambda _: {}
    numbered: str = "epoch"
    format: str = ""
    stands_for: Callable[[Path], Path | None] = lambda _: None


VERSION = 1
_READERS: dict[str, Reader] = {}
_PROGRAMS: dict[str, Program] = {}


def register_reader(form: str, reader: Reader) -> None:
    """Let models of a format be opened: ``reader(folder, about)`` gets what model.json says, which names the format."""
    _READERS[form] = reader


def register_program(program: Program) -> None:
    """Let the models of another program be opened."""
    _PROGRAMS[program.name] = program


def _read_cryodrgn(path: Path) -> Model:
    from .cryodrgn.cryodrgn_model import read

    return read(path)


def _read_recovar(path: Path) -> Model:
    from .recovar.recovar_model import read

    return read(path)


def _read_variability(path: Path) -> Model:
    from .variability.variability_model import read

    return read(path)


def _read_flex3d(path: Path) -> Model:
    from .flex3d.flex3d_model import read

    return read(path)


def _read_map_series(path: Path) -> Model:
    from .map_series.series_model import read

    return read(path)


register_reader("flexrec-flow", read_flow_model)
register_reader("flexrec-occupancy", read_occupancy_model)
register_reader("flexrec-linear", read_linear_model)
register_reader("flexrec-field", read_field_model)
register_reader("flexrec-bodies", read_bodies_model)
register_reader("flexrec-classes", read_classes_model)
register_reader("flexrec-moving-classes", read_moving_classes_model)

register_program(Program("cryoDRGN", cryodrgn_folder.recognises, _read_cryodrgn, cryodrgn_folder.checkpoints,
                         format="cryodrgn", stands_for=cryodrgn_folder.weights_of))  # fmt: skip
register_program(Program("RECOVAR", recovar_folder.recognises, _read_recovar, recovar_folder.checkpoints, "zdim",
                         "recovar"))  # fmt: skip
register_program(Program("3D Variability", variability_files.recognises, _read_variability, format="3dva"))
register_program(Program("3D Flex", flex3d_files.recognises, _read_flex3d, flex3d_files.checkpoints, format="3dflex"))
register_program(Program("DynaMight", dynamight_folder.recognises, dynamight_folder.refuse))
register_program(Program("a folder of maps", series_files.recognises, _read_map_series, format=MAPS))

_FILES = ("model.json", "*.npz", "*.mrc")
_AROUND, _WITHIN, _NAMED = 3, 200, 5  # folders above and below that are looked at for a model, and that are named
_TRIES = 4  # a training run may write a checkpoint between two of our files


def program_of(folder: Path, format: str | None = None) -> Program | None:
    """The other program that left a model in a folder; None where it is FlexRec's own, or none.

    ``format`` names it, whatever lies there. ``InputError`` where nobody does and there are the files of several. A
    folder of maps is what no program's files are in.
    """
    if format is not None:
        return next((program for program in _PROGRAMS.values() if program.format == format), None)
    if (folder / "model.json").exists():
        return None
    makers = [program for program in _PROGRAMS.values() if program.format != MAPS and program.recognises(folder)]
    if len(makers) > 1:
        names, words = (" and ".join(getattr(program, what) for program in makers) for what in ("name", "format"))
        raise InputError(f"{folder}: has the files of {names}; say which is meant by format ({words}), or put those of "
                         "one into a folder of their own.")  # fmt: skip
    maps = next((program for program in _PROGRAMS.values() if program.format == MAPS), None)
    return makers[0] if makers else maps if maps is not None and maps.recognises(folder) else None


def checkpoint_of(
    path: Path, epoch: int | None = None, zdim: int | None = None, format: str | None = None
) -> Path:  # fmt: skip
    """What opens the model of an epoch, or of a number of latent dimensions: a file where another program keeps
    several, else the folder.

    ``path`` : a folder, or a file in it, which means an epoch where it is one of the program's. ``InputError`` where
    there is no such epoch, or where the program's models are not numbered so. ``format``: see `program_of`.
    """
    folder = _folder(path)
    program = program_of(folder, format)
    files = {} if program is None else program.checkpoints(folder)
    asked = {name: number for name, number in {"epoch": epoch, "zdim": zdim}.items() if number is not None}
    if not asked:
        other = program.stands_for(path) if program is not None and path.is_file() else None
        return path if path in files.values() else other or folder
    numbered = "epoch" if program is None else program.numbered
    for name in asked:
        if not files or name != numbered:
            keeps = "keeps its newest epoch alone" if not files else f"its models differ by {numbered}"
            raise InputError(f"{folder}: {keeps}; leave out {name}.")
    number = asked[numbered]
    if number in files:
        return files[number]
    known = ", ".join(str(one) for one in sorted(files) if one >= 0)
    raise InputError(f"{folder}: has no {numbered} {number}; there are {known or 'the last, without a number'}.")


def open_model(path: str | os.PathLike[str], reading: Reading = Reading()) -> Model:  # noqa: B008
    """The model of a train job's newest checkpoint; ``path`` is the job's folder, or any file in it.

    It may also be a folder in which another program left a model, or a file there that stands for an epoch; whose is
    told by what lies there, where ``reading`` does not say it.

    ``InputError`` where there is none, where it is of another format, or where its files do not fit together.
    """
    folder = _folder(Path(path))
    program = program_of(folder, reading.format)
    if program is not None:
        model = program.read(checkpoint_of(Path(path), format=reading.format))
    else:
        model = _open_own(folder)
    return model.read_as(reading) if reading else model


def _open_own(folder: Path) -> Model:
    """FlexRec's own, which training may be writing."""
    for _ in range(_TRIES):
        before = _stamps(folder)
        try:
            about = _read_about(folder)
            model = _READERS[about["format"]](folder, about)
        except InputError:
            # perhaps only because training replaced some of the files while we read them
            if _stamps(folder) == before:
                raise
            continue
        if _stamps(folder) == before:
            return model
    raise InputError(f"{folder}: the model changes while it is read; try again.")


def _stamps(folder: Path) -> list[tuple[int, int] | None]:
    """Which files are there, and when each was replaced."""
    paths = [path for pattern in _FILES for path in sorted(folder.glob(pattern))]
    stats = [os.stat(path) if path.exists() else None for path in paths]
    return [None if stat is None else (stat.st_ino, stat.st_mtime_ns) for stat in stats]


def _folder(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path}: there is no such folder; give that of a train job.")
    return path if path.is_dir() else path.parent


def _read_about(folder: Path) -> dict:
    """What model.json says."""
    path = folder / "model.json"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(why_none(folder)) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); train again, or copy the folder again.") from error
    if not isinstance(about, dict) or str(about.get("format")) not in _READERS:
        raise InputError(f"{path}: not a model of FlexRec ({', '.join(_READERS)}); give the folder of a train job.")
    if about.get("version") != VERSION:
        raise InputError(f"{path}: has version {about.get('version')}; this FlexRec reads {VERSION}; use a newer one.")
    for name in ("latent_dims", "box", "stage_box", "pixel_size", "epoch", "epochs"):
        value = about.get(name)
        kinds = (int, float) if name == "pixel_size" else (int,)
        if not isinstance(value, kinds) or value < (0 if name == "epoch" else 1e-3):
            raise InputError(f"{path}: says nothing usable about {name}; train again, or copy the folder again.")
    return about


def why_none(folder: Path) -> str:
    """Whether training has not got so far, or what lies there in place of a model, or where there is one."""
    try:
        verb = json.loads((folder / "job.json").read_text(encoding="utf-8")).get("verb")
    except (OSError, ValueError, AttributeError):
        verb = None
    if verb == "train":
        return f"{folder}: training has not written a model yet; wait for the end of its first epoch."
    if verb:
        return f"{folder}: a {verb} job has no model; give the folder of a train job."
    near = _near(folder)
    if near:
        return f"{folder}: has no model itself; open {near}."
    lacking = ""
    if not any(program.recognises(folder) for program in _PROGRAMS.values()):
        lacking = (variability_files.lacks_particles(folder) or cryodrgn_folder.lacks_epochs(folder)
                   or recovar_folder.lacks_latents(folder) or series_files.lacks_places(folder))  # fmt: skip
    return lacking or (
        f"{folder}: is no FlexRec project, and has no model of FlexRec's or another program's; give a project, a "
        "train job, or the folder that the other program wrote.")  # fmt: skip


def _near(folder: Path) -> str:
    """The folder around it, or those in it, in which another program left a model; "" where there are none."""
    for place in list(folder.absolute().parents)[:_AROUND]:
        if _maker(place):
            return f"{place} ({_maker(place)})"
    try:
        # RECOVAR's and RELION's projects keep jobs by their kinds: Pipeline/job_0001, DynaMight/job003
        places = [*sorted(path for path in folder.iterdir() if path.is_dir())[:_WITHIN],
                  *sorted(folder.glob("*/job*/"))[:_WITHIN]]  # fmt: skip
    except OSError:
        return ""
    named = (f"{place.relative_to(folder)} in it ({_maker(place)})" for place in places if _maker(place))
    return ", ".join(itertools.islice(named, _NAMED))


def _maker(folder: Path) -> str:
    """Who left a model there, but for folders of maps; "" where nobody did."""
    makers = (program.name for program in _PROGRAMS.values() if program.format != MAPS and program.recognises(folder))
    return next(makers, "")
