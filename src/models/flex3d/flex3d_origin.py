"""What is beside the latents of 3D Flex: its particles, and what is to be said of its closed network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..variability.variability_origin import VariabilityOrigin
from .flex3d_files import Series


@dataclass(frozen=True, eq=False)
class Flex3DOrigin(VariabilityOrigin):
    """An `Origin`; ``series`` are what the generator has written."""

    series: tuple[Series, ...] = ()

    @property
    def states(self) -> Mapping[str, np.ndarray]:
        """The frames whose points are known, by the number of their series and their own."""
        return {f"series{number}_{frame}": point for number, each in enumerate(self.series) if each.points is not None
                for frame, point in enumerate(each.points)}  # fmt: skip

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Origin`."""
        fit = ("cryoSPARC keeps the network that moves the map in a file of its own, which is not read: to move map, "
               "mesh and atoms, fit FlexRec's own flow to these latents (flexrec train with start latents, "
               "initialLatents this folder, freezeLatents true).")  # fmt: skip
        lost = [each.folder.name for each in self.series if each.points is None]
        sentences = (*super().notes, fit)
        if not lost:
            return sentences
        return (*sentences, f"No file says at which latents the frames of {', '.join(lost)} are: put the table of the "
                            "custom trajectory into that folder, or open the folder as maps of its own.")  # fmt: skip
