"""Batches that stay where the work is done: on the card, or in memory, as far as there is room.

A pass, a sweep and each step of a map's solution want the same images at the same box size. Reading, transforming and
cropping them again costs a processor more than the smaller boxes cost the card.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from .batches import Batch, ParticleImages

MEMORY_BYTES = 1 << 28  # of the computer's memory that batches may take, whatever the number of particles
CARD_SHARE = 0.3  # of a card's free memory


class BatchCache:
    """Batches of a particle set on one device; those of the box size asked for last are kept, as many as fit.

    Kept are the particles whose rows come first, so that what is kept and what is read anew does not depend on the
    order in which they are asked for. Batches hold the same bits either way.
    """

    def __init__(self, images: ParticleImages, device: str | torch.device = "cpu", budget: int | None = None) -> None:
        """``budget`` is in bytes; if omitted, what the device has to spare when a box size is first asked for."""
        self.source, self._device, self._budget = images, torch.device(device), budget
        self._box = 0
        self._stores: list[torch.Tensor] = []  # images, transfer and rotation of what is kept

    def batches(self, groups: Iterable[np.ndarray], box: int) -> Iterator[Batch]:
        """One batch per array of rows ``(b,)`` int, in their order, on the device; no row may be in two of them."""
        if box != self._box:
            self._begin(box)
        groups = [np.asarray(rows, np.int64) for rows in groups]
        new = [~self._kept[rows] for rows in groups]
        made = self.source.batches([rows[mine] for rows, mine in zip(groups, new) if mine.any()], box)
        for rows, mine in zip(groups, new):
            fresh = next(made).to(self._device) if mine.any() else None
            yield fresh if fresh is not None and mine.all() else self._gather(rows, mine, fresh)
            if fresh is not None and box == self._box:
                self._keep(rows[mine], fresh)

    def _begin(self, box: int) -> None:
        """Forget what is kept, and make room for another box size."""
        self._box, count = box, len(self.source)
        self._stores = []  # first, so that there is room
        budget = _free_bytes(self._device) if self._budget is None else self._budget
        capacity = min(count, budget // (12 * box * (box // 2 + 1)))
        shape = (capacity, box, box // 2 + 1)
        self._stores = [
            torch.empty(shape, dtype=torch.complex64, device=self._device),
            torch.empty(shape, device=self._device),
            torch.empty(capacity, 3, 3, device=self._device),
        ]
        self._kept = np.zeros(count, bool)

    def _gather(self, rows: np.ndarray, new: np.ndarray, fresh: Batch | None) -> Batch:
        """The batch of ``rows``: those that are ``new`` ``(b,)`` bool out of ``fresh``, the others from the stores."""
        place = torch.from_numpy(np.where(new, 0, rows)).to(self._device)
        parts = [store[place] for store in self._stores]
        if fresh is not None:
            where = torch.from_numpy(np.flatnonzero(new)).to(self._device)
            for part, values in zip(parts, (fresh.images, fresh.transfer, fresh.rotation)):
                part[where] = values
        return Batch(torch.from_numpy(rows).to(self._device), *parts)

    def _keep(self, rows: np.ndarray, fresh: Batch) -> None:
        """Keep of a new batch what there is room for."""
        fits = np.flatnonzero(rows < len(self._stores[0]))
        place, taken = (torch.from_numpy(each).to(self._device) for each in (rows[fits], fits))
        for store, values in zip(self._stores, (fresh.images, fresh.transfer, fresh.rotation)):
            store[place] = values[taken]
        self._kept[rows[fits]] = True


def _free_bytes(device: torch.device) -> int:
    """Bytes that batches may take on a device."""
    if device.type == "cuda":
        return int(CARD_SHARE * torch.cuda.mem_get_info(device)[0])
    return MEMORY_BYTES
