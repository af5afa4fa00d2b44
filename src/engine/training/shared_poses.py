"""One correction of the pose for all copies of an image of a symmetric molecule, of which one subunit may move.

Copies are seen along R S, S the operators of the symmetry: a turn of the view and a shift in its plane, about a centre
that lies on the axes, are the same for all of them. Each copy's model moves its own subunit alone, and to it the
motions of the others look like an error of the pose; the mean over the copies of what each says has less of that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch


@dataclass
class SharedCorrections:
    """What each copy says of its image's pose.

    number : ``(n,)`` int64, which image each particle is a copy of, from 0. own : ``(n, 5)`` Å, the best correction for
    the copy by itself.
    """

    number: torch.Tensor
    own: torch.Tensor

    @classmethod
    def among(cls, image: np.ndarray, own: torch.Tensor) -> SharedCorrections:
        """Of copies of each ``image`` ``(n,)``, with corrections ``(n, 5)``."""
        number = torch.from_numpy(np.unique(image, return_inverse=True)[1].ravel()).to(own.device)
        return cls(number, own.clone())

    def clone(self) -> SharedCorrections:
        """The same, to try something on."""
        return replace(self, own=self.own.clone())

    def mean(self) -> torch.Tensor:
        """The correction ``(n, 5)`` of each particle's image."""
        images = int(self.number.max()) + 1
        sums = torch.zeros(images, self.own.shape[1], device=self.own.device).index_add_(0, self.number, self.own)
        return (sums / torch.bincount(self.number, minlength=images)[:, None])[self.number]


def on_the_axes(centre: torch.Tensor, views: torch.Tensor, number: torch.Tensor) -> torch.Tensor:
    """The point ``(3,)`` nearest to ``centre`` that symmetry does not move; views ``(n, 3, 3)``, number ``(n,)``.

    The mean over the operators of where they take it, as the image with the most copies has them.
    """
    most = torch.bincount(number).argmax()
    copies = views[number == most]
    return (copies[0].T @ copies @ centre).mean(dim=0)
