"""A trained model opened for exploring: its latents, the particles behind them, and what is derived from both."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..models import Model, open_model
from ..models.image_folders import kept_folder
from ..models.model_files import read_arrays
from ..models.reach import Reach
from ..models.support import Support
from ..particles import InputWarning, Particles, read_particles
from ..particles.prepared import RECORD, STAR, particles_identity
from ..reading import Reading
from .metric import Motion
from .nearest import Nearest
from .plot_axes import AxisRange, axis_ranges
from .principal_components import Components, components_of

SOURCE_ROW = "flexrecSourceRow"  # prepared particles' column: their rows in the file that prep was given
_CONTRAST = {"white": 1.0, "dark": -1.0}


@dataclass(frozen=True, eq=False)
class Trained:
    """A train job and what can be asked of it; each answer is worked out when it is first wanted, and kept.

    Attributes
    ----------
    folder : of the train job. model : its newest epoch when it was opened.
    """

    folder: Path
    model: Model

    @property
    def latents(self) -> np.ndarray:
        """``(n, K)`` float32."""
        return self.model.latents

    @property
    def project(self) -> Path:
        """The folder in which what a person makes of it is kept: of the job's project, or that of another program's
        model. A half model lies in its job's folder.
        """
        if self.model.origin is not None:
            return self.folder
        above = self.folder.parent
        return above.parent if (above / "job.json").is_file() else above

    @cached_property
    def finite(self) -> np.ndarray:
        """`Model.finite`, kept: the other particles are left out of all that follows."""
        return self.model.finite

    @cached_property
    def _placed(self) -> Model:
        """The model with the particles that have a place."""
        return self.model if self.finite.all() else self.model.of_particles(self.finite)

    @cached_property
    def components(self) -> Components:
        """Principal components, of the motion where the model moves."""
        return components_of(self._placed)

    @cached_property
    def axes(self) -> tuple[AxisRange, ...]:
        """All components and latent axes, and where the particles are on them."""
        return axis_ranges(self.components, self.latents)

    @property
    def has_axes(self) -> bool:
        """Whether `axes` are known: finding the components takes a second for a map of 256 voxels on a side."""
        return "axes" in self.__dict__

    @cached_property
    def motion(self) -> Motion | None:
        """Ångströms between states; None where the model moves nothing."""
        return None if self.model.moving is None else Motion.of(self._placed)

    @property
    def angstroms(self) -> Motion:
        """As `motion`; ``InputError`` where the model moves nothing."""
        if self.motion is None:
            raise InputError(f"{self.folder.name}: a {self.model.kind} model moves nothing, so there are no ångströms "
                             "of motion; ask in latent units.")  # fmt: skip
        return self.motion

    @cached_property
    def support(self) -> Support:
        """Where there are particles."""
        return Support.of(self._placed.latents)

    @cached_property
    def reach(self) -> Reach:
        """How far from the particles a latent point may be."""
        return Reach.of(self.latents)

    def point(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """Latent points that a person named, ``(…, K)`` float32; ``InputError`` where one is none, or out of reach."""
        return self.reach.within(self.model.checked(z))

    @cached_property
    def search(self) -> Nearest:
        """Neighbours in latent space."""
        known = self.finite[:, None]
        # those without a place are put far outside
        return Nearest(self.latents if known.all() else np.where(known, self.latents, np.float32(1e18)))

    @cached_property
    def prepared(self) -> Path:
        """The prep job's folder; ``InputError`` where it is not there."""
        if self.model.origin is not None:
            raise InputError(f"{self.folder}: was trained by {self.model.origin.program}, so there is no prep job; run "
                             "flexrec prep on its particles.")  # fmt: skip
        record = _read_json(self.folder / "model.json")
        where = record.get("prepared")
        folder = Path(os.path.normpath(self.folder / where)) if isinstance(where, str) else None
        if folder is None or not (folder / STAR).is_file():
            raise InputError(f"{self.folder}: the prepared particles of this training are not at {folder}; copy the "
                             "prep job's folder beside it.")  # fmt: skip
        return folder

    @cached_property
    def particles(self) -> Particles:
        """The prepared particles, or those that another program was given, one for each row of the latents."""
        if self.model.origin is not None:
            return self.source_particles.take(self._given_rows)
        particles = read_again(self.prepared / STAR)
        if len(particles) != len(self.latents):
            raise InputError(f"{self.prepared / STAR}: has {len(particles)} particles, but the model is of "
                             f"{len(self.latents)}; give the prep job that it was trained on.")  # fmt: skip
        return particles

    @cached_property
    def probability(self) -> np.ndarray:
        """``(n,)`` of each particle to be one of the molecule, as training has found it; ones where it has not."""
        path = self.folder / "latents.npz"
        arrays = read_arrays(path) if path.is_file() else {}
        return arrays.get("probability", np.ones(len(self.latents))).astype(np.float32)

    @cached_property
    def identity(self) -> str:
        """`particles_identity` of prep; empty where prep is not there."""
        if self.model.origin is not None:
            return self.model.origin.identity
        try:
            return particles_identity(self.prepared)
        except (OSError, InputError):
            return ""

    @cached_property
    def recorded_source(self) -> Path | None:
        """Where the particle file was that prep was given, there or gone; None where prep has not kept it."""
        if self.model.origin is not None:
            return self.model.origin.source
        where = _read_json(self.prepared / RECORD).get("source")
        return Path(os.path.normpath(self.prepared.resolve() / where)) if isinstance(where, str) else None

    @cached_property
    def image_folder(self) -> Path | None:
        """Where the particle file or its stacks are now, if that was said: see `images.use_folder`."""
        return kept_folder(self.project, self.particles_name)

    @property
    def particles_name(self) -> str:
        """What the particles go by in the project: the folder of prep, or that of another program's model."""
        return self.prepared.name if self.model.origin is None else self.folder.name

    @cached_property
    def source(self) -> Path:
        """The particle file that prep was given; ``InputError`` where it is not there any more."""
        path = self.recorded_source
        places = [] if path is None else [path]
        if path is not None and self.image_folder is not None:
            places.append(self.image_folder / path.name)
        for place in places:
            if place.is_file():
                return place
        raise InputError(f"{self.particles_name}: its particle file is no longer at {path}; put it there again, or say "
                         "in which folder it is now.")  # fmt: skip

    @cached_property
    def source_particles(self) -> Particles:
        """All particles of the source, with their images where prep found them, or where they are said to be now.

        Whether protein is white or dark in them is as prep found it, or the other program was told.
        """
        if self.model.origin is not None:
            return self.model.origin.all_particles(self.image_folder)
        record = _read_json(self.prepared / RECORD)
        particles = read_again(self.source, self.image_folder or record.get("image_root"))
        return replace(particles, contrast=_CONTRAST.get(record.get("contrast", ""), particles.contrast))

    @property
    def dark(self) -> bool:
        """Whether protein is dark in the source's images, as prep found it or the other program was told."""
        if self.model.origin is not None:
            return self.particles.contrast < 0
        return _CONTRAST.get(_read_json(self.prepared / RECORD).get("contrast", ""), 1.0) < 0

    @cached_property
    def _given_rows(self) -> np.ndarray:
        """``(n,)``, the rows of the source that another program's latents are of."""
        assert self.model.origin is not None
        return self.model.origin.rows(len(self.source_particles), self.image_folder)

    def look_again(self) -> None:
        """Forget where the particle file and its images are: they may be elsewhere by now."""
        for name in ("image_folder", "source", "source_particles", "_given_rows"):
            self.__dict__.pop(name, None)

    def source_rows(self, rows: np.ndarray) -> np.ndarray:
        """Rows ``(m,)``, from 0, in the source of these particles."""
        if self.model.origin is not None:
            return self._given_rows[rows]
        columns = self.particles.columns
        return np.asarray(columns[SOURCE_ROW][rows] if SOURCE_ROW in columns else rows, np.int64)


def open_trained(folder: str | os.PathLike[str], reading: Reading = Reading()) -> Trained:  # noqa: B008
    """Open a train job's folder, or a file in it; ``InputError`` where it holds no model yet. See `open_model`."""
    folder = Path(folder).absolute()
    model = open_model(folder, reading)
    return Trained(folder if folder.is_dir() else folder.parent, model)


def opened_again(trained: Trained) -> dict[str, Any]:
    """The fields by which the engine process opens the same model."""
    model = trained.model
    return {"path": str(model.file or trained.folder), "reading": model.reading.fields()}


def source_of_prep(folder: Path) -> Particles:
    """All particles of the file that a prep job was given; ``InputError`` where it is not there."""
    record = _read_json(folder / RECORD)
    where = record.get("source")
    path = Path(os.path.normpath(folder.resolve() / where)) if isinstance(where, str) else folder
    return read_again(path, record.get("image_root"))


def read_again(path: Path, image_root: str | Path | None = None) -> Particles:
    """The particles of a file that prep has read: it has said what is to be said of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        return read_particles(path, image_root, require=())


def _read_json(path: Path) -> dict:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); run its job again.") from error
    if not isinstance(record, dict):
        raise InputError(f"{path}: holds no record; run its job again.")
    return record
