"""torch's Adam and L-BFGS without its compiler.

PyTorch's optimisers keep themselves out of what torch.compile compiles, and import the compiler to say so when the
first of them is made: 1.3 s of a processor in every process, for nothing where nothing is compiled. Here the same
methods are called as they were before they were wrapped; an optimiser whose methods are not wrapped is left as it is.
"""

from __future__ import annotations

from inspect import unwrap

import torch


class _Uncompiled(torch.optim.Optimizer):
    """The methods of every optimiser that are wrapped."""

    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)


class Adam(_Uncompiled, torch.optim.Adam):
    """Adam (Kingma & Ba, 2015), as `torch.optim.Adam`."""

    step = torch.no_grad()(unwrap(torch.optim.Adam.step))


class LBFGS(_Uncompiled, torch.optim.LBFGS):
    """L-BFGS (Liu & Nocedal, 1989), as `torch.optim.LBFGS`."""
