"""One correction of the pose for all copies of an image of a symmetric molecule, of which one subunit may move.

Copies are seen along R S, S the operators of the symmetry: a turn of the view and a shift in its plane, about a centre
that lies on the axes, are the same for all of them. They are the same image, but each copy's model moves its own
subunit alone, and to it the motions of the others look like an error of the pose. To first order the best correction is
ĉ(z) = ĉ(0) + L z for a copy (`PoseStep.lean`), and ĉ(0) is that for the subunits at rest. With all moved at once,

    argmin over c of |y − f(0) − Σⱼ Jⱼ zⱼ − J c|² + c·Λ c  =  ĉ(0) + Σⱼ Lⱼ zⱼ,

ĉ(0) being what all copies say, on average.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch


@dataclass
class SharedCorrections:
    """What each copy says of its image's pose.

    Attributes
    ----------
    number : ``(n,)`` int64, which image each particle is a copy of, from 0.
    at_rest : ``(n, 5)`` Å, the correction were nothing moved. led : ``(n, 5)`` Å, L z of the copy's own motion.
    """

    number: torch.Tensor
    at_rest: torch.Tensor
    led: torch.Tensor

    @classmethod
    def among(cls, image: np.ndarray, correction: torch.Tensor) -> SharedCorrections:
        """Of copies of each ``image`` ``(n,)``, with corrections ``(n, 5)`` of which nothing is known to be led."""
        number = torch.from_numpy(np.unique(image, return_inverse=True)[1].ravel()).to(correction.device)
        return cls(number, correction.clone(), torch.zeros_like(correction))

    def clone(self) -> SharedCorrections:
        """The same, to try something on."""
        return replace(self, at_rest=self.at_rest.clone(), led=self.led.clone())

    def take(self, rows: torch.Tensor, correction: torch.Tensor, led: torch.Tensor) -> None:
        """Learn the best corrections ``(b, 5)`` of the particles ``rows``, and what their own motions lead of them."""
        self.at_rest[rows], self.led[rows] = correction - led, led

    def together(self) -> torch.Tensor:
        """The correction ``(n, 5)`` of each particle's image, with all of its subunits moved."""
        images = int(self.number.max()) + 1
        sums = torch.zeros(images, 2, self.led.shape[1], device=self.led.device)
        sums.index_add_(0, self.number, torch.stack([self.at_rest, self.led], dim=1))
        copies = torch.bincount(self.number, minlength=images)[:, None]
        return (sums[:, 0] / copies + sums[:, 1])[self.number]


def on_the_axes(centre: torch.Tensor, views: torch.Tensor, number: torch.Tensor) -> torch.Tensor:
    """The point ``(3,)`` nearest to ``centre`` that symmetry does not move; views ``(n, 3, 3)``, number ``(n,)``.

    The mean over the operators of where they take it, as the image with the most copies has them.
    """
    most = torch.bincount(number).argmax()
    copies = views[number == most]
    return (copies[0].T @ copies @ centre).mean(dim=0)
