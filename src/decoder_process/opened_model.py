"""A model that was opened to be asked often: what its answers need is made once, when first wanted."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..models.flow.flow_model import Anchors, FlowModel
from ..models.flow.map_decoder import Decoder
from ..models.linear.linear_model import LinearModel
from ..models.opening import open_model
from ..models.support import Support
from ..particles.resample import resample_box

_COARSE = 2  # smaller maps that are kept ready: one to drag, and one in case the size is being tried out


class OpenedModel:
    """``path`` is a train job's folder. The points anchored to ``before``, of the same name, are kept."""

    def __init__(self, path: str, before: OpenedModel | None = None) -> None:
        self.model = open_model(path)
        self.path = str(Path(path))
        self._coarse: dict[int, Decoder | LinearModel] = {}
        self._anchored: dict[str, tuple[np.ndarray, Anchors]] = {}
        if before is not None:
            self._take_over(before)

    def facts(self) -> dict:
        """What a program must know to ask, and to say which checkpoint it shows."""
        model = self.model
        mesh = model.mesh if model.moves else None
        return {
            "path": self.path,
            "kind": model.kind,
            "latent_dims": model.latent_dims,
            "box": model.box,
            "pixel_size": model.pixel_size,
            "centre": model.centre.tolist(),
            "epoch": model.epoch,
            "epochs": model.epochs,
            "particles": len(model.latents),
            "vertices": len(mesh.vertices) if mesh else 0,
            "cells": len(mesh.cells) if mesh else 0,
            "parts": mesh.parts if mesh else 0,
            "anchors": sorted(self._anchored),
        }

    @property
    def moving(self) -> FlowModel:
        """The model; ``InputError`` unless it moves."""
        if not self.model.moves:
            raise InputError(f"a {self.model.kind} model moves nothing, its density comes and goes; ask it for maps.")
        return self.model

    def decode(self, z: np.ndarray, box: int, backend: str) -> tuple[np.ndarray, float]:
        """The map ``(box, box, box)`` at a latent point ``(K,)``, the model's own or coarser, and its pixel size."""
        if self.model.moves:
            decoder = self._at(box, self.model.decoder)
            return decoder.map(self.model.vertices(z), backend), decoder.pixel_size
        model = self._at(box, self.model)
        return model.decode(z), model.pixel_size

    def _at(self, box: int, own: Decoder | LinearModel) -> Decoder | LinearModel:
        """What decodes at a box size: ``own``, the model's, or something coarser of the same field of view."""
        if box == self.model.box:
            return own
        if box not in self._coarse:
            while len(self._coarse) >= _COARSE:
                del self._coarse[next(iter(self._coarse))]
            self._coarse[box] = self._coarser(box)
        return self._coarse[box]

    def _coarser(self, box: int) -> Decoder | LinearModel:
        model = self.model
        if not model.moves:
            return model.coarser(box)
        volume = resample_box(model.volume, box)  # its values, and so a contour's level, stay
        return model.decoder_for(volume, model.pixel_size * model.box / box)

    @cached_property
    def support(self) -> Support:
        """Where the particles are."""
        return Support.of(self.model.latents)

    def anchor(self, name: str, points: np.ndarray) -> None:
        """Tie points ``(m, 3)`` Å to the mesh, under a name that may have been another's."""
        self._anchored[name] = points, self.moving.anchor(points)

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
        if not (before.model.moves and self.model.moves):
            return
        old, new = before.model.mesh, self.model.mesh
        if np.array_equal(old.vertices, new.vertices) and np.array_equal(old.cells, new.cells):
            self._anchored = before._anchored
            return
        for name, (points, _) in before._anchored.items():
            self.anchor(name, points)
