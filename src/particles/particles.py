"""A set of particles: where the images are, their poses and their contrast transfer functions."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np

from ..errors import printable
from .columns import Columns


class InputWarning(UserWarning):
    """Something in a file that FlexRec does not model and the user should know of."""

    def __init__(self, *says: str) -> None:
        super().__init__(*map(printable, says))


RECORDED, PHASE_FLIPPED, MULTIPLIED = range(3)  # images as they were taken; × sign of the CTF; × the CTF


def _not_given() -> np.ndarray:
    return np.empty(0)


def _fill_in(table: Optics | Particles, name: str, values: np.ndarray) -> None:
    """Give a column that was left out the values that it then has."""
    if getattr(table, name).size == 0:
        object.__setattr__(table, name, values)


@dataclass(frozen=True)
class Optics:
    """The optics groups, one row each.

    Parameters
    ----------
    voltage : (g,) float64, kV.
    spherical_aberration : (g,) float64, mm.
    amplitude_contrast : (g,) float64, fraction.
    pixel_size : (g,) float64, Å per pixel of the images.
    box : (g,) int64, pixels along an image's side; 0 where neither the file nor the stack tells.
    name : g group names.
    odd, even : (g, c) radians, RELION's coefficients of the antisymmetric and symmetric aberrations, the beam tilt
        among the former; see ``aberrations``. Zeros where not given.
    magnification : (g, 2, 2), the matrix from an image's frequencies to the molecule's. By default the identity.
    ctf_state : (g,) int8, what was done to the images: `RECORDED` (the default), `PHASE_FLIPPED` or `MULTIPLIED`.
    """

    voltage: np.ndarray
    spherical_aberration: np.ndarray
    amplitude_contrast: np.ndarray
    pixel_size: np.ndarray
    box: np.ndarray
    name: tuple[str, ...]
    odd: np.ndarray = field(default_factory=_not_given)
    even: np.ndarray = field(default_factory=_not_given)
    magnification: np.ndarray = field(default_factory=_not_given)
    ctf_state: np.ndarray = field(default_factory=_not_given)

    def __post_init__(self) -> None:
        count = len(self.name)
        _fill_in(self, "odd", np.zeros((count, 0)))
        _fill_in(self, "even", np.zeros((count, 0)))
        _fill_in(self, "magnification", np.tile(np.eye(2), (count, 1, 1)))
        _fill_in(self, "ctf_state", np.full(count, RECORDED, np.int8))

    def __len__(self) -> int:
        return len(self.name)

    def take(self, rows: np.ndarray) -> Optics:
        """The optics groups ``rows`` (m,) int, in their order."""
        taken = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "name"}
        return Optics(**taken, name=tuple(self.name[row] for row in rows))


@dataclass(frozen=True)
class Particles:
    """n particles in RELION's conventions, whichever program wrote them.

    Parameters
    ----------
    stacks : absolute paths of the image stacks.
    stack : (n,) int32, which stack holds the image.
    index : (n,) int64, 0-based image number in that stack.
    rotation : (n, 3, 3) float64. A point x (xyz, Å, relative to the box centre) is seen at ``(rotation @ x)[:2]``.
    shift : (n, 2) float64, Å, (x, y): what must be added to the image to centre it (rlnOriginX/YAngst).
    defocus : (n, 3) float64: U (Å), V (Å), angle (degrees, from x towards y). Positive is underfocus.
    phase_shift : (n,) float64, degrees.
    group : (n,) int32, row of ``optics``.
    half : (n,) int8: 1 or 2; 0 where not assigned.
    optics : the optics groups.
    columns : every other per-particle column, (n,) each, under the source's own name: numbers, or ``str`` objects; with
        the words that they were read from, see `columns.Columns`.
    contrast : what images are multiplied by so that protein is white.
    source : the file that was read.
    b_factor : (n,) Å², damps the CTF by exp(−B k² / 4). scale : (n,), multiplies it. By default zeros and ones.

    Where a file has no poses or no CTF and its reader was told not to require them, those arrays are NaN.
    """

    stacks: tuple[Path, ...]
    stack: np.ndarray
    index: np.ndarray
    rotation: np.ndarray
    shift: np.ndarray
    defocus: np.ndarray
    phase_shift: np.ndarray
    group: np.ndarray
    half: np.ndarray
    optics: Optics
    columns: Columns = field(default_factory=Columns)
    contrast: float = 1.0
    source: Path = Path()
    b_factor: np.ndarray = field(default_factory=_not_given)
    scale: np.ndarray = field(default_factory=_not_given)

    def __post_init__(self) -> None:
        if not isinstance(self.columns, Columns):
            object.__setattr__(self, "columns", Columns(self.columns))
        _fill_in(self, "b_factor", np.zeros(len(self.stack)))
        _fill_in(self, "scale", np.ones(len(self.stack)))

    def __len__(self) -> int:
        return len(self.stack)

    def views(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """(m, 3, 3): as ``rotation``, with the anisotropic magnification of the images in the first two rows.

        A point x is seen at ``(view @ x)[:2]``, and an image's frequency k is the molecule's ``view[:2].T @ k``.
        """
        views = self.rotation[rows].copy()
        matrix = self.optics.magnification[self.group[rows]]
        views[:, :2] = matrix.swapaxes(1, 2) @ views[:, :2]
        return views

    def without_unused_groups(self) -> Particles:
        """The same particles with only those optics groups that one of them is of."""
        used, group = np.unique(self.group, return_inverse=True)
        return replace(self, optics=self.optics.take(used), group=group.ravel().astype(np.int32))

    def take(self, rows: np.ndarray) -> Particles:
        """The particles of these rows, in their order: ``rows`` is an index array, a boolean mask or a slice."""
        taken = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name in _PER_PARTICLE}
        return replace(self, **taken, columns=self.columns.take(rows))


_PER_PARTICLE = frozenset(
    ("stack", "index", "rotation", "shift", "defocus", "phase_shift", "group", "half", "b_factor", "scale")
)
