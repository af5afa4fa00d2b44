"""The model of the third decoder (`toy_decoder.py`), read without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from chimerax.flexrec.models.interface import Model
from chimerax.flexrec.models.model_files import read_arrays, read_stage
from chimerax.flexrec.models.opening import register_reader
from chimerax.flexrec.particles.resample import resample_box

FORMAT = "test-classes"


def shares(z, classes: int):
    """How much of each class there is at latents ``(…, k)``, of numpy or torch: ``(…, classes)``, summing to 1."""
    first = z[..., :1]
    near = [2.0 ** -((first - 4.0 * c / (classes - 1) + 2.0) ** 2) for c in range(classes)]
    if isinstance(z, np.ndarray):
        return np.concatenate(near, axis=-1) / sum(near)
    import torch

    return torch.cat(near, dim=-1) / sum(near)


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassModel(Model):
    kind = "classes"

    volumes: np.ndarray

    def decode(self, z, how=None):
        return np.tensordot(shares(self.checked(z), len(self.volumes)), self.volumes, 1).astype(np.float32)

    def coarser(self, box):
        volumes = np.stack([resample_box(volume, box) for volume in self.volumes])
        return replace(self, volumes=volumes, volume=volumes.mean(axis=0), box=box,
                       pixel_size=self.pixel_size * self.box / box)  # fmt: skip

    def arrays(self):
        return self.latents, self.volumes


def read_classes(folder, about):
    return ClassModel(volumes=read_arrays(folder / "classes.npz")["volumes"], **read_stage(folder, about))


register_reader(FORMAT, read_classes)
