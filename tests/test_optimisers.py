"""Adam and L-BFGS are torch's, without the import of its compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from chimerax.flexrec.engine import optimisers

IMPORTS = """
import sys, torch
from chimerax.flexrec.engine.optimisers import LBFGS, Adam
value = torch.nn.Parameter(torch.ones(3))
for optimiser in (Adam([value]), LBFGS([value])):
    def loss():
        optimiser.zero_grad()
        squares = (value**2).sum()
        squares.backward()
        return squares
    optimiser.step(loss)
    optimiser.load_state_dict(optimiser.state_dict())
print("torch._dynamo" in sys.modules)
"""


def test_the_compiler_is_not_imported() -> None:
    """Making one, stepping, and keeping and restoring its state do without."""
    child = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True)
    assert child.stdout.strip() == "False", child.stderr


@pytest.mark.parametrize("name", ["Adam", "LBFGS"])
def test_they_are_torchs(name: str) -> None:
    """The same steps to the last bit, and a state that either reads."""
    ours, theirs = fitted(getattr(optimisers, name)), fitted(getattr(torch.optim, name))
    assert torch.equal(ours[0], theirs[0])
    assert ours[1].state_dict().keys() == theirs[1].state_dict().keys()
    ours[1].load_state_dict(theirs[1].state_dict())


def fitted(kind: type[torch.optim.Optimizer]) -> tuple[torch.Tensor, torch.optim.Optimizer]:
    """A line fitted to points in five steps, and the optimiser after them."""
    line = torch.nn.Linear(2, 1)
    with torch.no_grad():
        line.weight.copy_(torch.tensor([[0.5, -2.0]]))
        line.bias.fill_(1.0)
    optimiser = kind(line.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 5)
    points = torch.arange(12.0).reshape(6, 2) / 12

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        error = (line(points)[:, 0] - points.square().sum(1)).square().sum()
        error.backward()
        return error

    for _ in range(5):
        optimiser.step(loss)
        schedule.step()
    return torch.cat([line.weight.detach().ravel(), line.bias.detach()]), optimiser
