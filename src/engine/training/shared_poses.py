"""One correction of the pose for all copies of an image of a symmetric molecule, of which one subunit may move.

Copies are seen along R S, S the operators of the symmetry: a turn of the view and a shift in its plane, about a centre
that lies on the axes, are the same for all of them. Each copy's model moves its own subunit alone, and to it the
motions of the others look like an error of the pose. To first order the best correction of a copy j is
ĉⱼ = ĉ(0) + Lⱼ zⱼ (`PoseStep.slope`), ĉ(0) being that for the molecule at rest, and were all subunits moved at once, it
would be ĉⱼ + Σ Lᵢ zᵢ over the others i ≠ j. But the others are blurred in the copy's map and pull less than that: by
how much less is regressed, for turns and for shifts, from all particles. What is left is averaged over the copies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

PARTS = (slice(0, 3), slice(3, 5))  # turns, shifts


@dataclass
class SharedCorrections:
    """What each copy says of its image's pose.

    number : ``(n,)`` int64, which image each particle is a copy of, from 0. own : ``(n, 5)`` Å, the best correction for
    the copy by itself. from_motion : ``(n, 5)`` Å, L z, what of it comes of the copy's own motion.
    """

    number: torch.Tensor
    own: torch.Tensor
    from_motion: torch.Tensor

    @classmethod
    def among(cls, image: np.ndarray, own: torch.Tensor) -> SharedCorrections:
        """Of copies of each ``image`` ``(n,)``, with corrections ``(n, 5)`` of which nothing comes of motion yet."""
        number = torch.from_numpy(np.unique(image, return_inverse=True)[1].ravel()).to(own.device)
        return cls(number, own.clone(), torch.zeros_like(own))

    def clone(self) -> SharedCorrections:
        """The same, to try something on."""
        return replace(self, own=self.own.clone(), from_motion=self.from_motion.clone())

    def take(self, rows: torch.Tensor, own: torch.Tensor, from_motion: torch.Tensor) -> None:
        """Learn what the particles ``rows`` say, both ``(b, 5)``."""
        self.own[rows], self.from_motion[rows] = own, from_motion

    def together(self, weight: torch.Tensor) -> torch.Tensor:
        """The correction ``(n, 5)`` of each particle's image; ``weight`` ``(n,)`` says how far particles count."""
        others = self._sums(self.from_motion)[self.number] - self.from_motion
        left = self.own.clone()
        for part in PARTS:
            size = (weight @ others[:, part].square()).sum()
            # argmin over a of Σ w |ĉ − a o|²: between not at all and wholly, a = −1
            share = (weight @ (others[:, part] * self.own[:, part])).sum() / size.clamp(min=1e-12)
            left[:, part] -= share.clamp(-1, 0) * others[:, part]
        copies = torch.bincount(self.number)[:, None]
        return (self._sums(left) / copies)[self.number]

    def _sums(self, values: torch.Tensor) -> torch.Tensor:
        """Sums ``(images, 5)`` over the copies of values ``(n, 5)``."""
        images = int(self.number.max()) + 1
        return torch.zeros(images, values.shape[1], device=values.device).index_add_(0, self.number, values)


def on_the_axes(centre: torch.Tensor, views: torch.Tensor, number: torch.Tensor) -> torch.Tensor:
    """The point ``(3,)`` nearest to ``centre`` that symmetry does not move; views ``(n, 3, 3)``, number ``(n,)``.

    The mean over the operators of where they take it, as the image with the most copies has them.
    """
    most = torch.bincount(number).argmax()
    copies = views[number == most]
    return (copies[0].T @ copies @ centre).mean(dim=0)
