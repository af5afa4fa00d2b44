"""The particles that cryoDRGN was given: images, poses and CTF from the paths of its config.

Its poses are rotations as FlexRec's, and shifts as fractions of the box; its CTF table has, for each particle, D, Å per
pixel, defocus U and V (Å), angle (°), kV, Cs (mm), amplitude contrast, phase shift (°). (cryodrgn/pose.py, ctf.py.)

It multiplies images by -1 unless it was told not to, and by a CTF that is FlexRec's with the other sign. So images of
white protein are those of its default; of a training without a CTF they are those that it was told not to invert.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...errors import InputError
from ...particles.mrc import read_header
from ...particles.particles import InputWarning, Optics, Particles
from ...particles.pickles import load_arrays_pickle
from ...particles.read import read_particles
from ...particles.stack_paths import StackPaths, is_file
from ...particles.star_optics import stated_width

TABLES = (".star", ".cs")
STACKS = (".mrcs", ".mrc")


class GivenImages(Protocol):
    """What a program was given: ``file`` says so, ``dataset`` has the paths and options by cryoDRGN's names."""

    @property
    def file(self) -> Path: ...  # noqa: D102
    @property
    def dataset(self) -> dict[str, Any]: ...  # noqa: D102


@dataclass(frozen=True)
class FoundPoses:
    """Poses that a training has found or refined itself.

    ``shift_unit`` : what their shifts are divided by to be parts of the box.
    """

    file: Path
    shift_unit: float


def config_path(config: GivenImages, name: str, image_root: Path | None = None, number: int = 0) -> Path | None:
    """Where a file of the config's is: as it is named there, below ``image_root``, or from the work folder upwards.

    None where the config names none. Of what is nowhere the likeliest place. ``number`` : of several files, from 0.
    """
    value = config.dataset.get(name)
    if isinstance(value, list) and number < len(value):
        value = value[number]
    if not isinstance(value, str) or not value or "\0" in value:
        return None
    return StackPaths(config.file, image_root).path(value)


def read_cryodrgn_particles(
    config: GivenImages, image_root: Path | None = None, found: FoundPoses | None = None, own_ctf: bool = False
) -> Particles:  # fmt: skip
    """All particles of the file that the training was given; ``InputError`` where that or its tables are not there.

    ``found`` : the poses that the training itself has found, in place of those that it was given. ``own_ctf`` : whether
    the CTF of the particles' file was used where the config names no other.
    """
    path = _present(config, "particles", image_root)
    particles = given_table(config, path, image_root)
    particles = _with_poses(config, particles, image_root, found)
    particles = _with_ctf(config, particles, image_root)
    with_ctf = own_ctf or config.dataset.get("ctf") is not None
    white = bool(config.dataset.get("invert_data", True)) == with_ctf
    return replace(particles, contrast=1.0 if white else -1.0, source=path.absolute())


def chosen_rows(config: GivenImages, count: int, image_root: Path | None = None) -> np.ndarray:
    """``(n,)`` int64, the rows of the file, of ``count`` particles, that were trained on."""
    chosen = config.dataset.get("ind")
    if chosen is None:
        return np.arange(count)
    if type(chosen) is int:  # abinit takes a number of images for the first so many
        return np.arange(min(chosen, count))
    path = _present(config, "ind", image_root)
    rows = np.asarray(load_arrays_pickle(path))
    if rows.dtype == bool and rows.shape == (count,):
        return np.flatnonzero(rows)
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or (len(rows) and not 0 <= rows.min() <= rows.max() < count):
        raise InputError(f"{path}: is no list of rows among the {count} particles of the training; put the right file "
                         "there.")  # fmt: skip
    return rows.astype(np.int64)


def posed_count(config: GivenImages, found: Path) -> int | None:
    """How many particles were trained on, of a training without latents; None where its files are not there.

    ``found`` : where poses are, if it has found them itself.
    """
    try:
        if type(config.dataset.get("ind")) is int:
            return config.dataset["ind"]
        if config.dataset.get("ind") is not None:
            rows = np.asarray(load_arrays_pickle(_present(config, "ind", None)))
            return int(rows.sum()) if rows.dtype == bool else len(rows)
        searched = "poses" not in config.dataset and found.is_file()
        poses = load_arrays_pickle(found if searched else _present(config, "poses", None))
        poses = (poses,) if isinstance(poses, np.ndarray) else poses
    except InputError:
        return None
    return len(poses[0]) if isinstance(poses, tuple | list) and len(poses) else None


def _present(config: GivenImages, name: str, image_root: Path | None, number: int = 0) -> Path:
    path = config_path(config, name, image_root, number)
    if path is None:
        raise InputError(f"{config.file}: names no {name}, so the particles cannot be told.")
    if not is_file(path):
        raise InputError(f"{config.file}: its {name} are not at {path}; put them there, or say in which folder they "
                         "are now.")  # fmt: skip
    return path


def given_table(config: GivenImages, path: Path, image_root: Path | None) -> Particles:
    """The particles' images, with whatever else their file says."""
    if path.suffix in TABLES:
        folder = config.dataset.get("datadir")
        root = image_root or (Path(folder) if isinstance(folder, str) and Path(folder).is_dir() else None)
        return read_particles(path, root, require=())
    if path.suffix == ".txt":
        paths = StackPaths(path, image_root)
        names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        stacks = [paths.path(name) for name in names]
    elif path.suffix in STACKS:
        stacks = [path]
    else:
        raise InputError(f"{path}: is no particle file that FlexRec reads; it reads .star, .cs, .mrcs and lists of "
                         "these in .txt.")  # fmt: skip
    headers = [read_header(stack) for stack in stacks]
    for stack, header in zip(stacks, headers):
        if header.columns != headers[0].columns:
            raise InputError(f"{stack}: has images of {header.columns} pixels where {stacks[0].name} has those of "
                             f"{headers[0].columns}; put the stack there that it was trained on.")  # fmt: skip
    counts = [header.sections for header in headers]
    return _of_stacks(tuple(stack.absolute() for stack in stacks), np.array(counts), headers[0].columns,
                      headers[0].pixel_size, path)  # fmt: skip


def given_width(config: GivenImages, path: Path, image_root: Path | None) -> float:
    """Å across the images of the particles' file, of several optics groups the first."""
    if path.suffix in STACKS:
        header = read_header(path)
        return header.pixel_size * header.columns
    width = stated_width(path) if path.suffix == ".star" else None
    if width is not None:
        return width
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)  # said when the particles are read for themselves
        optics = given_table(config, path, image_root).optics
    return float(optics.pixel_size[0] * optics.box[0])


def _of_stacks(stacks: tuple[Path, ...], counts: np.ndarray, box: int, pixel_size: float, source: Path) -> Particles:
    count = int(counts.sum())
    unknown = np.full(count, np.nan)
    none = np.array([np.nan])
    optics = Optics(none, none, none, np.array([pixel_size or 1.0]), np.array([box]), ("images",))
    return Particles(
        stacks=stacks, stack=np.repeat(np.arange(len(stacks), dtype=np.int32), counts),
        index=np.concatenate([np.arange(number) for number in counts]), rotation=np.full((count, 3, 3), np.nan),
        shift=np.zeros((count, 2)), defocus=np.stack([unknown] * 3, axis=1), phase_shift=np.zeros(count),
        group=np.zeros(count, np.int32), half=np.zeros(count, np.int8), optics=optics, source=source,
    )  # fmt: skip


def _with_poses(
    config: GivenImages, particles: Particles, image_root: Path | None, found: FoundPoses | None
) -> Particles:  # fmt: skip
    if config.dataset.get("poses") is None and found is None:
        return particles
    path, unit = (found.file, found.shift_unit) if found else (_present(config, "poses", image_root), 1.0)
    poses = load_arrays_pickle(path)
    parts = list(poses) if isinstance(poses, tuple | list) else [poses]
    given = config.dataset.get("poses")
    if found is None and isinstance(given, list) and len(given) == 2:  # version 0 took shifts of a file of their own
        parts = [parts[0], load_arrays_pickle(_present(config, "poses", image_root, 1))]
    rotation, shift = [*parts, None][:2] if parts else (None, None)
    rotation = _rows(path, rotation, (3, 3), particles, config, image_root)
    box = particles.optics.box * particles.optics.pixel_size
    width = box[particles.group][:, None]
    moved = np.zeros_like(particles.shift)  # what has no shifts was trained on as centred, whatever its table says
    if shift is not None:
        shift = _rows(path, shift, (2,), particles, config, image_root) / unit
        largest = float(np.nanmax(np.abs(shift), initial=0))
        if largest > 1:
            raise InputError(f"{path}: has shifts of up to {largest:.3g} boxes, so they are in pixels, as cryoDRGN had "
                             "them at first; write the poses again with its parse_pose_star.")  # fmt: skip
        moved = width * shift
    return replace(particles, rotation=rotation, shift=moved)


def _with_ctf(config: GivenImages, particles: Particles, image_root: Path | None) -> Particles:
    if config.dataset.get("ctf") is None:
        return particles
    path = _present(config, "ctf", image_root)
    table = _rows(path, load_arrays_pickle(path), (9,), particles, config, image_root)
    imaging = table[:, [0, 1, 5, 6, 7]]
    known = np.isfinite(imaging).all(axis=1)  # not of particles that were left out, whose tables may lack them
    particles = replace(particles, defocus=table[:, 2:5], phase_shift=np.nan_to_num(table[:, 8]))
    if not known.any() or _tells(particles, imaging, known):
        return particles
    # as many optics groups as there are microscopes' settings
    settings, group = np.unique(np.where(known[:, None], imaging, imaging[known][0]), axis=0, return_inverse=True)
    size, side = particles.optics.box[particles.group[0]], settings[:, 0]
    optics = Optics(
        settings[:, 2], settings[:, 3], settings[:, 4], settings[:, 1] * side / size, np.full(len(side), size),
        tuple(f"group {number + 1}" for number in range(len(side))),
    )  # fmt: skip
    return replace(
        particles, group=group.ravel().astype(np.int32), optics=optics,
        shift=particles.shift * _finer(particles, optics, group.ravel())[:, None],
    )  # fmt: skip


def _tells(particles: Particles, imaging: np.ndarray, known: np.ndarray) -> bool:
    """Whether the particles' file has the same optics as the CTF table, and so more: groups, aberrations, and whether
    images were multiplied by their CTF.
    """
    optics = particles.optics
    own = np.stack([optics.box * optics.pixel_size, optics.voltage, optics.spherical_aberration,
                    optics.amplitude_contrast], axis=1)[particles.group]  # fmt: skip
    given = np.column_stack([imaging[:, 0] * imaging[:, 1], imaging[:, 2:]])
    return bool(np.allclose(own[known], given[known], rtol=1e-4))


def _finer(particles: Particles, optics: Optics, group: np.ndarray) -> np.ndarray:
    """How much larger the CTF table's pixels are than those that the images' file spoke of, whose Å the shifts are."""
    return optics.pixel_size[group] / particles.optics.pixel_size[particles.group]


def _rows(
    path: Path, values: Any, shape: tuple[int, ...], particles: Particles, config: GivenImages,
    image_root: Path | None,
) -> np.ndarray:  # fmt: skip
    """A table of all particles: one of those that were trained on only is NaN for the others."""
    count = len(particles)
    if not isinstance(values, np.ndarray) or values.shape[1:] != shape or values.dtype.kind != "f":
        raise InputError(f"{path}: is not the table of particles that its name says; put the right file there.")
    if len(values) == count:
        return values.astype(np.float64)
    rows = chosen_rows(config, count, image_root)
    if len(values) != len(rows):
        raise InputError(f"{path}: is of {len(values)} particles, and {particles.source} of {count}; they do not "
                         "belong together.")  # fmt: skip
    result = np.full((count, *shape), np.nan)
    result[rows] = values
    return result
