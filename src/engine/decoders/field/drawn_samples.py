"""Which Fourier samples of its images the network learns from in a step: some, drawn by how much they say.

A step's gradient is a sum over samples, and an unbiased estimate of it takes sample i with probability πᵢ and counts it
1 / πᵢ times. Noise of the estimate is least for its size where πᵢ goes with the size of a sample's term: √weight times
the amplitude that the network's number has there, noise being white where it is weighed. So low frequencies are always
taken, and most of the many samples at high ones are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ...precise import in_double
from ...projector.central_slices import PlaneSamples
from .field_transform import amplitude_at

LEAST = 0.2  # probability, so that no sample counts more than five times


@dataclass(frozen=True)
class DrawnSamples:
    """Samples ``index`` ``(b, m)`` of the plane's, of each image its own, at (``kx``, ``ky``), with ``weights``."""

    index: torch.Tensor
    kx: torch.Tensor
    ky: torch.Tensor
    weights: torch.Tensor

    def of(self, values: torch.Tensor) -> torch.Tensor:
        """Those of ``values`` ``(b, p)``, of all samples."""
        return values.gather(1, self.index)


class SampleDraw:
    """Draws the samples of images for a pass: ``share`` of them, at frequencies in random order of its own."""

    def __init__(self, plane: PlaneSamples, amplitude: torch.Tensor, share: float, seed: tuple[int, ...]) -> None:
        """``amplitude`` ``(s,)`` of the network's numbers by shell; ``seed`` of the pass."""
        self._plane, self._seed = plane, seed
        says = plane.weights.sqrt() * amplitude_at(amplitude, torch.hypot(plane.kx, plane.ky))
        chance = probabilities(says.cpu().double().numpy(), share)
        order = np.random.default_rng((*seed, 0)).permutation(len(chance))
        exact = in_double(plane.kx)
        self._order = torch.from_numpy(order).to(exact.device)
        self._up_to = torch.from_numpy(np.cumsum(chance[order])).to(exact)
        self._chance = torch.from_numpy(chance).to(plane.weights)
        self._count = int(self._up_to[-1])

    def samples(self, rows: torch.Tensor) -> DrawnSamples:
        """Those of the particles ``rows`` ``(b,)``: systematic sampling, from a start that each has by itself."""
        begin = torch.tensor([np.random.default_rng((*self._seed, 1, row)).random() for row in rows.tolist()])
        step = self._up_to[-1] / self._count
        at = (torch.arange(self._count)[None] + begin.double()[:, None]).to(self._up_to) * step
        place = torch.searchsorted(self._up_to, at).clamp(max=len(self._order) - 1)
        index = self._order[place].to(self._plane.kx.device)
        return DrawnSamples(
            index, self._plane.kx[index], self._plane.ky[index],
            self._plane.weights[index] * step.to(self._chance) / self._chance[index],
        )  # fmt: skip


def probabilities(says: np.ndarray, share: float) -> np.ndarray:
    """Probabilities ``(p,)`` from `LEAST`, or ``share`` if that is less, to 1, in proportion to ``says`` between.

    Their mean is ``share``.
    """
    says = np.maximum(says / (says.max() or 1.0), 1e-12)
    least, low, high = min(LEAST, share), 0.0, 1 / says.min()
    for _ in range(100):
        factor = (low + high) / 2
        chance = np.clip(factor * says, least, 1)
        low, high = (factor, high) if chance.mean() < share else (low, factor)
    return chance
