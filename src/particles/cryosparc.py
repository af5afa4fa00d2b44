"""Particles from cryoSPARC .cs files (numpy structured arrays, read without pickle)."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np

from ..errors import InputError
from .aberrations import from_cryosparc
from .columns import Columns, interned, text_of
from .cs_table import check_fields, field_names, joined_by_uid, load_cs
from .ctf import wavelength
from .halves import divided
from .particles import InputWarning, Optics, Particles
from .rotations import vector_to_matrix
from .stack_paths import StackPaths
from .star_optics import whole_boxes

_POSE = ("alignments3D/pose", "alignments3D/shift")
_CTF = ("ctf/df1_A", "ctf/df2_A", "ctf/df_angle_rad", "ctf/accel_kv", "ctf/cs_mm", "ctf/amp_contrast")
_BLOB = ("blob/path", "blob/idx", "blob/psize_A", "blob/shape")
_NEEDED = {"blob": (_BLOB, "images"), "pose": (_POSE, "poses"), "ctf": (_CTF, "CTF parameters")}
_IMAGE = ("ctf/phase_shift_rad", "ctf/bfactor", "ctf/scale", "alignments3D/alpha")  # of a particle's image alone
_ABERRATIONS = {"ctf/tilt_A": 2, "ctf/trefoil_A": 2, "ctf/tetra_A": 4, "ctf/anisomag": 4}
_USED = {*_POSE, *_CTF, *_BLOB, *_IMAGE, *_ABERRATIONS, "blob/sign", "alignments3D/split"}
_MICROSCOPE = ("ctf/accel_kv", "ctf/cs_mm", "ctf/amp_contrast", "blob/psize_A")
_SHAPES = {"blob/idx": (), "blob/psize_A": (), "blob/shape": (2,), "blob/sign": (), "alignments3D/split": (),
           "alignments3D/psize_A": (), "alignments3D/shift": (2,), "alignments3D/pose": (3,), "ctf/exp_group_id": (),
           "ctf/shift_A": (2,), **dict.fromkeys((*_CTF, *_IMAGE), ()),
           **{name: (size,) for name, size in _ABERRATIONS.items()}}  # fmt: skip
_MOST_RADIANS = 1e3  # of a rotation vector; cryoSPARC's are at most pi long
_WHOLE = {"blob/idx", "blob/shape", "alignments3D/split", "ctf/exp_group_id"}
# fields that change images, which are not modelled, and what is to be said of each
_UNMODELLED = {
    "ctf/shift_A": "the shift of images by their exposure group is not modelled",
}


def read_cs(path: Path, image_root: Path | None, require: tuple[str, ...]) -> Particles:
    """The particles of a cryoSPARC .cs file; see ``read_particles``."""
    return particles_of_table(path, load_whole_cs(path, require), image_root, require)


def load_whole_cs(path: Path, require: tuple[str, ...] = ("pose", "ctf")) -> np.ndarray:
    """The table ``(n,)``; what it lacks of images or of what is required comes from its job's passthrough beside it."""
    data = load_cs(path)
    missing = _missing(data, require)
    job = re.search(r"(?<![A-Za-z0-9])J[0-9]+(?![A-Za-z0-9])", path.name.replace("_", " "))
    if not missing or job is None or "uid" not in field_names(data):
        return data
    for other in sorted(path.parent.glob(f"*{job[0]}_passthrough_particles*.cs")):
        try:
            whole = joined_by_uid(path, data, other)
        except InputError:  # of the particles of another output
            continue
        if len(_missing(whole, require)) < len(missing):
            warnings.warn(f"{path}: what it lacks ({', '.join(missing)}) is taken from {other.name}, by uid.",
                          InputWarning, stacklevel=2)  # fmt: skip
            return whole
    return data


def _missing(data: np.ndarray, require: tuple[str, ...]) -> list[str]:
    wanted = [name for what in ("blob", *require) for name in _NEEDED[what][0]]
    return [name for name in wanted if name not in field_names(data)]


def particles_of_table(path: Path, data: np.ndarray, image_root: Path | None, require: tuple[str, ...]) -> Particles:
    """As ``read_cs``, of a table ``(n,)`` that was read from ``path``, and perhaps from others beside it."""
    _refuse_missing(path, data, require)
    stacks, stack, index = _blobs(path, data, image_root)
    optics, group = _optics(data)
    return Particles(
        stacks=stacks,
        stack=stack,
        index=index,
        rotation=_rotation(data),
        shift=_shift(path, data),
        defocus=_defocus(data),
        phase_shift=np.degrees(_field(data, "ctf/phase_shift_rad", 0.0)),
        group=group,
        half=_half(data),
        optics=optics,
        columns=_columns(data),
        contrast=_contrast(path, data),
        source=path.absolute(),
        b_factor=_field(data, "ctf/bfactor", 0.0),
        scale=_scale(path, data),
    )


def _refuse_missing(path: Path, data: np.ndarray, require: tuple[str, ...]) -> None:
    if len(data) == 0:
        raise InputError(f"{path}: has no particles; give a file with particles.")
    for what in ("blob", *require):
        fields, noun = _NEEDED[what]
        missing = [name for name in fields if name not in field_names(data)]
        if missing:
            raise InputError(f"{path}: no {noun} ({', '.join(missing)} missing); {_where_to_find(data, what)}")
    if data["blob/path"].ndim != 1 or data["blob/path"].dtype.kind not in "SU":
        raise InputError(f"{path}: the field blob/path is {data.dtype['blob/path']}, no text; export it again.")
    check_fields(path, data, _SHAPES, _WHOLE)
    if data["blob/idx"].min() < 0 or data["blob/idx"].max() >= 1 << 32:
        raise InputError(f"{path}: blob/idx has values that are no image's number; export the particles again.")
    for name, text in _UNMODELLED.items():
        if "ctf" in require and np.abs(_field(data, name, 0.0)).max() > 1e-3:
            warnings.warn(f"{path}: {text} ({name}).", InputWarning, stacklevel=2)


def _where_to_find(data: np.ndarray, what: str) -> str:
    """What to give instead of a file that lacks this."""
    names = field_names(data)
    if not any(name.startswith(("uid", "alignments", "ctf/", "location/", "pick_stats/")) for name in names):
        return "it holds no particles but maps, classes or micrographs; give a .cs of particles."
    if what == "pose" and any(name.startswith(("alignments3D_multi/", "alignments_class")) for name in names):
        return ("they have a pose for each of several classes; in cryoSPARC give the particles of one class, or refine "
                "all together.")  # fmt: skip
    if what == "pose" and any(name.startswith("alignments2D/") for name in names):
        return "its particles were only classified in 2D; give the particles of a 3D refinement."
    if what == "pose" and "blob/path" in names and "ctf/df1_A" in names:
        return "give the particles of a 3D refinement."
    return ("a job's files hold only part each: leave its …_particles.cs and …_passthrough_particles.cs side by side "
            "and give the first, or run Export in cryoSPARC and give the exported .cs.")  # fmt: skip


def _blobs(path: Path, data: np.ndarray, image_root: Path | None) -> tuple[tuple[Path, ...], np.ndarray, np.ndarray]:
    paths = StackPaths(path, image_root)
    names, which = np.unique(data["blob/path"], return_inverse=True)
    numbers = np.array([paths.number(_text(name)) for name in names], np.int32)
    return paths.paths, numbers[which.ravel()], data["blob/idx"].astype(np.int64)


def _optics(data: np.ndarray) -> tuple[Optics, np.ndarray]:
    """Groups are particles of equal microscope, aberrations, pixel size, box and exposure group."""
    columns = [_field(data, name, np.nan) for name in _MICROSCOPE]
    columns += [data["blob/shape"][:, 0].astype(float), _field(data, "ctf/exp_group_id", 0)]
    aberrations = [_vectors(data, name, size) for name, size in _ABERRATIONS.items()]
    settings = np.nan_to_num(np.column_stack([*columns, *aberrations]), nan=-1e300)
    _, first, group = np.unique(settings, axis=0, return_index=True, return_inverse=True)
    voltage, aberration, contrast, pixel_size, box, exposure = (values[first] for values in columns)
    tilt, trefoil, tetrafoil, anisomag = (values[first] for values in aberrations)
    # a file without voltages has no CTF that these could be part of
    odd, even = from_cryosparc(tilt, trefoil, tetrafoil, wavelength(np.where(voltage > 0, voltage, 300.0)))
    names = tuple(f"opticsGroup{int(number)}" for number in exposure)
    if len(set(names)) < len(names):
        names = tuple(f"opticsGroup{row + 1}" for row in range(len(first)))
    optics = Optics(
        voltage, aberration, contrast, pixel_size, whole_boxes(np.where(box > 0, box, -1)), names,
        odd if odd.any() else odd[:, :0], even if even.any() else even[:, :0], np.eye(2) + anisomag.reshape(-1, 2, 2),
    )  # fmt: skip
    return optics, group.ravel().astype(np.int32)


def _vectors(data: np.ndarray, name: str, size: int) -> np.ndarray:
    """A field of vectors (n, size) float64; zeros where it is absent."""
    if name in field_names(data):
        return data[name].astype(np.float64)
    return np.zeros((len(data), size))


def _rotation(data: np.ndarray) -> np.ndarray:
    """The vector turns the view onto the molecule, RELION's matrix the molecule into the view: hence the transpose.

    cryoDRGN's ``parse_pose_csparc`` transposes too; pyem writes the same with the opposite sign of the cross product.
    """
    if _POSE[0] not in field_names(data):
        return np.full((len(data), 3, 3), np.nan)
    vector = data[_POSE[0]].astype(np.float64)
    credible = (np.abs(vector) < _MOST_RADIANS).all(axis=1, keepdims=True)
    return vector_to_matrix(np.where(credible, vector, np.nan)).swapaxes(1, 2)


def _shift(path: Path, data: np.ndarray) -> np.ndarray:
    """(n, 2) Å: shifts are in pixels of the images that were aligned, ``alignments3D/psize_A``; 0 where absent.

    Where that is absent or 0, as it is where nobody has filled it in, the pixels are those of the images.
    """
    if _POSE[1] not in field_names(data):
        return np.zeros((len(data), 2))
    own = _field(data, "blob/psize_A", np.nan)
    pixel_size = _field(data, "alignments3D/psize_A", 0.0)
    unset = pixel_size == 0
    if "alignments3D/psize_A" in field_names(data) and unset.any():
        warnings.warn(f"{path}: alignments3D/psize_A is 0 for {unset.sum()} particles; their shifts are taken to be in "
                      "pixels of the images (blob/psize_A).", InputWarning, stacklevel=2)  # fmt: skip
    return data[_POSE[1]].astype(np.float64) * np.where(unset, own, pixel_size)[:, None]


def _scale(path: Path, data: np.ndarray) -> np.ndarray:
    """(n,): ``ctf/scale`` × ``alignments3D/alpha`` of each image; one that is 0 for all was never filled in."""
    scale = np.ones(len(data))
    for name in ("ctf/scale", "alignments3D/alpha"):
        factor = _field(data, name, 1.0)
        if not factor.any():
            warnings.warn(f"{path}: {name} is 0 for all particles, so it is left out.", InputWarning, stacklevel=2)
        else:
            scale *= factor
    return scale


def _defocus(data: np.ndarray) -> np.ndarray:
    u, v, angle = (_field(data, name, np.nan) for name in _CTF[:3])
    return np.stack([u, v, np.degrees(angle)], -1)


def _half(data: np.ndarray) -> np.ndarray:
    """Splits 0 and 1 are halves 1 and 2; a file whose split is the same everywhere was never split."""
    split = _field(data, "alignments3D/split", 0)
    return divided(np.select([split == 0, split == 1], [1, 2], 0).astype(np.int8))


def _contrast(path: Path, data: np.ndarray) -> float:
    """``blob/sign``: −1 where protein is dark in the images."""
    signs = np.unique(_field(data, "blob/sign", 1.0))
    if not np.isin(signs, (-1, 1)).all():
        raise InputError(f"{path}: blob/sign is neither 1 nor -1 for some particles; export the particles again.")
    if len(signs) > 1:
        raise InputError(f"{path}: blob/sign differs between particles; export particles of one contrast at a time.")
    return -1.0 if signs[0] < 0 else 1.0


def _columns(data: np.ndarray) -> Columns:
    """Every other field, (n,) each: vectors become name/0, name/1, …; bytes become text."""
    columns: dict[str, np.ndarray] = {}
    for name in field_names(data):
        if name in _USED:
            continue
        flat = data[name].reshape(len(data), -1)
        for part in range(flat.shape[1]):
            columns[name if data[name].ndim == 1 else f"{name}/{part}"] = _column(flat[:, part])
    return Columns(columns)


def _column(values: np.ndarray) -> np.ndarray:
    return values.copy() if values.dtype.kind in "fiub" else interned(map(_text, values.tolist()))


def _field(data: np.ndarray, name: str, default: float) -> np.ndarray:
    if name in field_names(data):
        return data[name].astype(np.float64)
    return np.full(len(data), default, np.float64)


def _text(name: bytes | str) -> str:
    return text_of(name) if isinstance(name, bytes) else str(name)
