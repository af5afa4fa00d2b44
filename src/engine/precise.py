"""Double precision, where sums over all particles or near-singular matrices need it."""

from __future__ import annotations

import torch


def in_double(values: torch.Tensor) -> torch.Tensor:
    """``values`` as float64; on the CPU where they are on a device that has none (Apple's)."""
    return (values.cpu() if values.device.type == "mps" else values).double()


def least_squares(design: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The ``(m, p)`` for which ``design`` ``(n, m)``, of full rank, times it is nearest to ``wanted`` ``(n, p)``.

    By QR: the pivoting that torch takes by default on a CPU begins from what happens to be in memory, so that two runs
    differ in the last bits.
    """
    return torch.linalg.lstsq(design, wanted, driver="gels").solution
