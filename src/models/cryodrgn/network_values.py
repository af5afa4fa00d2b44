"""The network evaluated at all points of a map: on the processor in numpy, on a graphics card in torch."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from .coordinate_network import CoordinateNetwork
from .cryodrgn_config import CryodrgnConfig
from .frequency_points import FrequencyPoints

_NUMBERS = 1 << 18  # of a layer at a time on the processor: they stay in its cache
_CARD_NUMBERS = 1 << 26  # on a graphics card


def network_values(
    config: CryodrgnConfig, network: CoordinateNetwork, points: FrequencyPoints, z: np.ndarray, threads: int | None
) -> np.ndarray:
    """``(n, outputs)`` float32 at the points, for a latent point ``(K,)``; ``threads``: all where None."""
    first = network.first(config, points.axis, z)
    result = np.empty((len(points), network.outputs), np.float32)
    width = max(len(offset) for offset in network.offsets)

    def piece(k: int, rows: slice) -> None:
        result[rows] = network.rest(first.plane(k)(points.x[rows], points.y[rows]))

    pieces = list(points.pieces(max(64, _NUMBERS // width)))
    workers = min(threads or processors(), len(pieces))
    # BLAS' own threads beside ours wait for one another, which takes several times as long
    with _one_thread_of_blas(), ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda one: piece(*one), pieces))
    return result


def _one_thread_of_blas() -> AbstractContextManager:
    """In an environment that was made without threadpoolctl BLAS does as it likes, and maps take longer."""
    controller = _threads_of_libraries()
    return nullcontext() if controller is None else controller.limit(limits=1, user_api="blas")


@lru_cache(maxsize=1)
def _threads_of_libraries() -> Any:
    if find_spec("threadpoolctl") is None:
        return None
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def processors() -> int:
    """Processors that this process may use, and no more than OMP_NUM_THREADS says."""
    try:
        here = len(os.sched_getaffinity(0))  # type: ignore[attr-defined, unused-ignore]
    except AttributeError:
        here = os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(here, int(limit)) if limit.isdigit() and int(limit) else here


@lru_cache(maxsize=1)
def graphics_card() -> str | None:
    """Torch's name of a graphics card that can be used here; None where there is none, or no torch.

    torch, which takes seconds to load, is loaded only where the computer may have a card.
    """
    may = shutil.which("nvidia-smi") is not None or (sys.platform == "darwin" and os.uname().machine == "arm64")
    if not may or find_spec("torch") is None:
        return None
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


def card_values(
    config: CryodrgnConfig, network: CoordinateNetwork, points: FrequencyPoints, z: np.ndarray, device: str
) -> np.ndarray:
    """As `network_values`, ``(n, outputs)`` float32 for a latent point ``(K,)``, computed on a device of torch."""
    import torch

    positions = _positions(config, network, torch, device)
    width = max(max(matrix.shape) for matrix in network.matrices)
    axis = torch.from_numpy(points.axis).to(device)
    numbers = np.stack([points.x, points.y, points.z], axis=1)
    layers = [(torch.from_numpy(matrix).to(device), torch.from_numpy(offset).to(device))
              for matrix, offset in zip(network.matrices, network.offsets)]  # fmt: skip
    latent = torch.from_numpy(network.encoded(z).astype(np.float32)).to(device)
    result = np.empty((len(points), network.outputs), np.float32)
    step = max(1, _CARD_NUMBERS // width)
    with torch.no_grad():
        for start in range(0, len(points), step):
            place = axis[torch.from_numpy(numbers[start : start + step].astype(np.int64)).to(device)]
            encoded = positions(place)
            values = torch.cat([encoded, latent.expand(len(encoded), -1)], dim=1)
            for number, (matrix, offset) in enumerate(layers):
                if number:
                    values = torch.nn.functional.leaky_relu(values, network.slope)
                values = torch.addmm(offset, values, matrix.T)
            result[start : start + step] = values.cpu().numpy()
    return result


def _positions(config: CryodrgnConfig, network: CoordinateNetwork, torch: Any, device: str) -> Callable:
    """From places ``(m, 3)`` to what the first layer takes of them."""
    from .position_encoding import frequencies

    if network.directions is not None:
        directions = torch.from_numpy(network.directions.astype(np.float32) * (config.side // 2)).to(device)

        def random_waves(place: Any) -> Any:
            phase = place @ directions.T
            return torch.cat([torch.sin(phase), torch.cos(phase)], dim=1)

        return random_waves
    if config.encoding == "none":
        return lambda place: place
    along = torch.from_numpy(frequencies(config.encoding, config.side, config.encoding_dims).astype(np.float32))
    along = along.to(device)

    def waves(place: Any) -> Any:
        phase = place[:, :, None] * along
        return torch.cat([torch.sin(phase), torch.cos(phase)], dim=2).flatten(1)

    return waves
