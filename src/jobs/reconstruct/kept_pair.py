"""What the next step of a solution needs, kept in the job's folder between two passes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..job_folder import JobRun

if TYPE_CHECKING:
    from ...engine.maps.conjugate_gradients import Solution
    from ...engine.maps.moving_pair import Pair


IDENTITY = "identity"  # of what is solved, among the other arrays


def keep_pair(job: JobRun, name: str, pair: Pair, more: dict[str, np.ndarray]) -> None:
    """Write a pair of solutions, and ``more`` arrays, as a file of that name."""
    arrays: dict[str, Any] = {"explained": pair.explained, **{f"more.{key}": value for key, value in more.items()}}
    for number, half in enumerate((pair.first, pair.second), 1):
        for key, value in vars(half).items():
            arrays[f"{key}{number}"] = value.cpu().numpy() if hasattr(value, "cpu") else value
    with job.output(name) as path, open(path, "wb") as file:
        np.savez(file, **arrays)


def kept_pair(path: Path, device: str) -> tuple[Pair | None, dict[str, np.ndarray]]:
    """The pair that `keep_pair` wrote, and the other arrays; None where nothing has been kept."""
    from ...engine.maps.moving_pair import Pair

    if not path.is_file():
        return None, {}
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    more = {name[5:]: value for name, value in arrays.items() if name.startswith("more.")}
    return Pair(_solution(arrays, "1", device), _solution(arrays, "2", device), arrays["explained"]), more


def kept_identity(path: Path) -> str | None:
    """Of what a kept pair is, as `IDENTITY` among its other arrays says; None where nothing has been kept."""
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        name = f"more.{IDENTITY}"
        return str(stored[name]) if name in stored.files else ""


def _solution(arrays: dict[str, np.ndarray], number: str, device: str) -> Solution:
    import torch

    from ...engine.maps.conjugate_gradients import Solution

    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(arrays[name + number]).to(device)

    return Solution(
        density=tensor("density"), residual=tensor("residual"), power=tensor("power"), direction=tensor("direction"),
        product=float(arrays["product" + number]), first=float(arrays["first" + number]), kept=tensor("kept"),
        passes=int(arrays["passes" + number]),
    )  # fmt: skip
