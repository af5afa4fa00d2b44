"""Several processes that train one model, each on its share of the images.

Every process holds the whole model and all latents; images are what is shared out. What a process finds is summed over
all, so that the numbers are those of one process to rounding, whatever the number of processes. Each is told its place
by the environment, as by torchrun.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Team:
    """This process's ``rank`` among ``size``; one alone, which needs no others, by default."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the files, and its values are taken where all must agree."""
        return self.rank == 0

    def share(self, rows: np.ndarray) -> np.ndarray:
        """This process's part of ``rows`` ``(m,)``, every ``size``-th, so that all have as much work."""
        return rows[self.rank :: self.size]

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over the processes of ``values``, of any shape, in place; the same bits in all."""
        if self.size > 1:
            torch.distributed.all_reduce(values)
        return values

    def least(self, value: int) -> int:
        """The smallest of the processes' values."""
        if self.size == 1:
            return value
        held = torch.tensor([value], device="cuda" if torch.distributed.get_backend() == "nccl" else "cpu")
        torch.distributed.all_reduce(held, torch.distributed.ReduceOp.MIN)
        return int(held)

    def collect(self, table: torch.Tensor, rows: np.ndarray) -> None:
        """Fill in ``table`` ``(n, …)`` with what the others know, this process having set ``rows``.

        No two processes may have set the same row; rows that none has set are kept.
        """
        if self.size == 1:
            return
        known = torch.zeros(len(table), device=table.device)
        known[rows] = 1
        fresh = torch.zeros_like(table)
        fresh[rows] = table[rows]
        self.total(known)
        self.total(fresh)
        table[known > 0] = fresh[known > 0]

    def agree(self, values: list[torch.Tensor]) -> None:
        """Overwrite ``values``, tensors of any shape, by the leader's."""
        if self.size > 1:
            for value in values:
                torch.distributed.broadcast(value, src=0)

    def wait(self) -> None:
        """Until all have come here."""
        self.least(0)

    def leave(self) -> None:
        """End the connection with the others."""
        if self.size > 1:
            torch.distributed.destroy_process_group()


def join_team(device: str) -> Team:
    """The team that the environment names, as torchrun does, connected; a team of one where it names none."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Team()
    torch.distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return Team(torch.distributed.get_rank(), size)
