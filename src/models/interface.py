"""What every trained model can be asked, whatever decodes its maps and whichever program trained it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np

from ..errors import InputError
from ..mesh.tetmesh import TetMesh
from ..reading import Reading
from .latent_points import checked_latents
from .origin import GivenColumn, Origin


@dataclass(frozen=True)
class DecodeOptions:
    """How a map is decoded: ``backend`` numba, numpy or auto; ``threads``, all where None.

    ``oversampling`` 2 takes about three times as long and is right up to Nyquist: for maps that are kept. ``quick`` is
    for maps while the hand drags: of lower resolution, on the same grid, where a full one takes long. A model to
    which these mean nothing does without.
    """

    backend: str = "auto"
    threads: int | None = None
    oversampling: int = 1
    quick: bool = False


@dataclass(frozen=True, eq=False)
class Anchors:
    """Points tied to the mesh: each is the mean of four vertices, weighted by its barycentric coordinates.

    Attributes
    ----------
    corners : ``(m, 4)`` vertices. weights : ``(m, 4)`` float32, rows summing to 1.
    """

    corners: np.ndarray
    weights: np.ndarray

    def follow(self, vertices: np.ndarray) -> np.ndarray:
        """The points ``(…, m, 3)`` for moved vertices ``(…, v, 3)``, Å."""
        return np.einsum("mk,...mkd->...md", self.weights, vertices[..., self.corners, :])


class MovingPoints(Protocol):
    """Where every point of the molecule is, of a model that carries density along."""

    @property
    def mesh(self) -> TetMesh:
        """At rest."""
        ...

    @property
    def mass(self) -> np.ndarray:
        """Share ``(v,)`` of the map's positive density that each vertex carries, summing to 1."""
        ...

    @property
    def density_points(self) -> tuple[np.ndarray, np.ndarray]:
        """Points ``(n, 3)``, Å xyz from the centre of voxel N//2, at which the map has its density ``(n,)``."""
        ...

    def vertices(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """Moved vertices ``(…, v, 3)``, Å, of the mesh at latent points ``(…, K)``."""
        ...

    def carried(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """As `vertices`; where parts come and go ``(…, v, 4)``, with the share of density that is there."""
        ...

    @property
    def may_be_absent(self) -> np.ndarray:
        """Share ``(v,)`` of the density about each vertex that comes and goes, as far as the model has that."""
        ...

    def what_is_there(self, z: np.ndarray | Sequence[float]) -> tuple[int, ...]:
        """What of the molecule there is at a latent point, wherever it is: an empty tuple where that never changes."""
        ...

    def at_rest(self, there: tuple[int, ...]) -> np.ndarray:
        """The map ``(N, N, N)`` of `what_is_there`, before it is carried."""
        ...

    def anchor(self, points: np.ndarray) -> Anchors:
        """Tie points ``(m, 3)`` Å to the mesh once, to let them follow it often: atoms, a contour, voxels."""
        ...

    def displace(self, z: np.ndarray | Sequence[float], points: np.ndarray) -> np.ndarray:
        """Where points ``(m, 3)``, Å xyz from the centre of voxel N//2, are at a latent point: ``(m, 3)`` Å."""
        ...

    def with_map(self, volume: np.ndarray, pixel_size: float, keep_outside: bool = False) -> Model:
        """The same motion of another map ``(N, N, N)`` in the same place, such as a sharper one of a larger box.

        ``keep_outside``: add what lies outside the mesh's mask, unmoved; otherwise it is left out.
        """
        ...


class GivenMaps(Protocol):
    """Maps that another program has written, and where in latent space they lie."""

    @property
    def points(self) -> np.ndarray:
        """``(m, K)`` latent points."""
        ...

    def map(self, row: int) -> np.ndarray:
        """One of them ``(N, N, N)`` float32 ``[z, y, x]``."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A trained model: where the particles lie, and the map at any latent point. Each kind is a subclass.

    Attributes
    ----------
    kind : a word for it.
    latents : ``(n, K)`` float32, one point per particle.
    precision : ``(n, K, K)`` float32, of its posterior; None where the program that trained it gives none.
    volume : ``(N, N, N)`` float32 ``[z, y, x]``, the map that the others are made from.
    latent_dims : K. box : voxels on a side of the maps. pixel_size : Å per voxel.
    centre : ``(3,)`` float64 Å xyz, where voxel N//2 of the maps lies in the space of the consensus trained on.
    epoch : epochs of training behind the checkpoint that was read; epochs : that it shall have; None where unknown.
    file : what opens this very checkpoint, where its folder keeps several; else None.
    origin : what the other program that trained it has left beside it; None where it is FlexRec's own.
    reading : how its folder had to be read, where somebody said so.
    """

    kind: ClassVar[str]

    latents: np.ndarray
    precision: np.ndarray | None = None
    volume: np.ndarray
    latent_dims: int
    box: int
    pixel_size: float
    centre: np.ndarray
    epoch: int | None = None
    epochs: int | None = None
    file: Path | None = None
    origin: Origin | None = None
    reading: Reading = field(default_factory=Reading)

    def decode(self, z: np.ndarray | Sequence[float], how: DecodeOptions = DecodeOptions()) -> np.ndarray:  # noqa: B008
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point ``(K,)``."""
        raise NotImplementedError

    def coarser(self, box: int) -> Model:
        """The same model on an even, smaller box over the same field of view."""
        raise NotImplementedError

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays that make it the model that it is."""
        raise NotImplementedError

    @property
    def moving(self) -> MovingPoints | None:
        """Where points go, if it can say so: None where density comes and goes but nothing moves."""
        return None

    @property
    def given_maps(self) -> GivenMaps | None:
        """The maps that it was given, if it is made of such; None where it makes them."""
        return None

    @property
    def fading(self) -> tuple[int, ...]:
        """Parts of the molecule, from 0, that come and go as parts; none where it knows of none."""
        return ()

    def presence(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """How much ``(…, p)`` of each part is there, 0…1, at latent points ``(…, K)``, where some fade."""
        raise InputError(f"a {self.kind} model knows no parts that come and go; train with --decoder occupancy.")

    @property
    def moving_points(self) -> MovingPoints:
        """As `moving`; ``InputError`` where nothing moves."""
        if self.moving is None:
            raise InputError(f"a {self.kind} model moves nothing, its density comes and goes; ask it for maps.")
        return self.moving

    @property
    def finite(self) -> np.ndarray:
        """Whether each particle ``(n,)`` has a latent point; those of a half model that it has not seen have none."""
        return np.isfinite(self.latents).all(axis=1)

    @property
    def columns(self) -> Mapping[str, GivenColumn]:
        """What it knows of each particle beside its latents, by name."""
        return {} if self.origin is None else self.origin.columns

    @property
    def states(self) -> Mapping[str, np.ndarray]:
        """Latent points ``(K,)`` that it has names for."""
        return {} if self.origin is None else self.origin.states

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for who opens it."""
        return () if self.origin is None else self.origin.notes

    @property
    def progress(self) -> str:
        """How far training was, as a clause: after epoch 3 of 5."""
        return "as it was trained" if self.epoch is None else f"after epoch {self.epoch} of {self.epochs}"

    @property
    def checkpoint(self) -> int:
        """A number that is another for another checkpoint of the same training."""
        return -1 if self.epoch is None else self.epoch

    def read_as(self, reading: Reading) -> Self:
        """The same model, that remembers how it had to be read; ``InputError`` where it cannot be read so."""
        if reading.between is not None:
            raise InputError(f"a {self.kind} model makes its maps itself, at any point; leave out between.")
        return replace(self, reading=reading)

    def checked(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """``z`` as ``(…, K)`` float32; ``InputError`` where its length is not K or a number is not finite."""
        return checked_latents(z, self.latent_dims)

    def of_particles(self, chosen: np.ndarray) -> Self:
        """The same model with some particles, ``(n,)`` bool or rows."""
        precision = None if self.precision is None else self.precision[chosen]
        return replace(self, latents=self.latents[chosen], precision=precision)
