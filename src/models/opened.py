"""A model that was opened to be asked often: what its answers need is made once, when first wanted."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..mesh.maps import fourier_crop
from .decoder import Decoder
from .flow_files import open_model
from .flow_model import Anchors
from .support import Support

_COARSE = 2  # smaller maps that are kept ready: one to drag, and one in case the size is being tried out


class OpenedModel:
    """``path`` is a train job's folder. The points anchored to ``before``, of the same name, are kept."""

    def __init__(self, path: str, before: OpenedModel | None = None) -> None:
        self.model = open_model(path)
        self.path = str(Path(path))
        self._coarse: dict[int, Decoder] = {}
        self._anchored: dict[str, tuple[np.ndarray, Anchors]] = {}
        if before is not None:
            self._take_over(before)

    def facts(self) -> dict:
        """What a program must know to ask, and to say which checkpoint it shows."""
        model = self.model
        return {
            "path": self.path,
            "latent_dims": model.latent_dims,
            "box": model.box,
            "pixel_size": model.pixel_size,
            "epoch": model.epoch,
            "epochs": model.epochs,
            "particles": len(model.latents),
            "vertices": len(model.mesh.vertices),
            "cells": len(model.mesh.cells),
            "parts": model.mesh.parts,
            "anchors": sorted(self._anchored),
        }

    def decoder(self, box: int) -> Decoder:
        """For the model's map, or for a coarser one of the same field of view."""
        model = self.model
        if box == model.box:
            return model.decoder
        if box not in self._coarse:
            volume = fourier_crop(model.volume, box)  # its values, and so a contour's level, stay
            while len(self._coarse) >= _COARSE:
                del self._coarse[next(iter(self._coarse))]
            self._coarse[box] = model.decoder_for(volume, model.pixel_size * model.box / box)
        return self._coarse[box]

    @cached_property
    def support(self) -> Support:
        """Where the particles are."""
        return Support.of(self.model.latents)

    def anchor(self, name: str, points: np.ndarray) -> None:
        """Tie points ``(m, 3)`` Å to the mesh, under a name that may have been another's."""
        self._anchored[name] = points, self.model.anchor(points)

    def anchors(self, name: str) -> Anchors:
        """Points that were tied."""
        if name not in self._anchored:
            raise InputError(f"no points are anchored under the name {name!r}; anchor them first.")
        return self._anchored[name][1]

    def release(self, name: str) -> None:
        """Forget points that were tied."""
        self.anchors(name)
        del self._anchored[name]

    def _take_over(self, before: OpenedModel) -> None:
        old, new = before.model.mesh, self.model.mesh
        if np.array_equal(old.vertices, new.vertices) and np.array_equal(old.cells, new.cells):
            self._anchored = before._anchored
            return
        for name, (points, _) in before._anchored.items():
            self.anchor(name, points)
