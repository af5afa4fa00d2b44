"""Double precision, where sums over all particles or near-singular matrices need it."""

from __future__ import annotations

import torch


def in_double(values: torch.Tensor) -> torch.Tensor:
    """``values`` as float64; on the CPU where they are on a device that has none (Apple's)."""
    return (values.cpu() if values.device.type == "mps" else values).double()
