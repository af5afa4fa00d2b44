"""A model that was opened to be asked often: what its answers need is made once, when first wanted."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..models.interface import Anchors, DecodeOptions, Model
from ..models.opening import open_model
from ..models.support import Support
from ..reading import Reading

_COARSE = 2  # smaller maps that are kept ready: one to drag, and one in case the size is being tried out


class OpenedModel:
    """``path`` is a train job's folder, ``how`` its maps are decoded, ``reading`` how it is read. The points anchored
    to ``before``, of the same name, are kept.
    """

    def __init__(self, path: str, how: DecodeOptions, before: OpenedModel | None = None,
                 reading: Reading = Reading()) -> None:  # noqa: B008
        self.model, self.how = open_model(path, reading), how
        self.path = str(Path(path))
        self._coarse: dict[int, Model] = {}
        self._anchored: dict[str, tuple[np.ndarray, Anchors]] = {}
        if before is not None:
            self._take_over(before)

    def facts(self) -> dict:
        """What a program must know to ask, and to say which checkpoint it shows."""
        model = self.model
        mesh = None if model.moving is None else model.moving.mesh
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

    def at(self, box: int) -> Model:
        """The model at a box size, its own or a smaller one of the same field of view."""
        if box == self.model.box:
            return self.model
        if box not in self._coarse:
            while len(self._coarse) >= _COARSE:
                del self._coarse[next(iter(self._coarse))]
            self._coarse[box] = self.model.coarser(box)
        return self._coarse[box]

    @cached_property
    def support(self) -> Support:
        """Where the particles are."""
        return Support.of(self.model.latents)

    def anchor(self, name: str, points: np.ndarray) -> None:
        """Tie points ``(m, 3)`` Å to the mesh, under a name that may have been another's."""
        self._anchored[name] = points, self.model.moving_points.anchor(points)

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
        if before.model.moving is None or self.model.moving is None:
            return
        old, new = before.model.moving.mesh, self.model.moving.mesh
        if np.array_equal(old.vertices, new.vertices) and np.array_equal(old.cells, new.cells):
            self._anchored = before._anchored
            return
        for name, (points, _) in before._anchored.items():
            self.anchor(name, points)
