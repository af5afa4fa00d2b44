"""The flow that carries one state's density to all others, followed from state to state.

Where latents are known but the motion is large, no step from the mean map leads to it: the mean is a smear. So maps of
small neighbourhoods of latent space are made (`latent_anchors.py`), one of them is taken as canonical, and its density
is registered to the others in the order of a minimum spanning tree, each time beginning with the flow that led to the
neighbour. Steps from neighbour to neighbour are small however far the whole way is, and a turn may go all round. A
network through the registered states is where training begins.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from ...optimisers import LBFGS, Adam
from ...projector.fourier_grid import squared_radius
from ...training.stage import Stage
from .flow_network import AMPLITUDE, MOTION, Flow, rotation_from_six
from .latent_anchors import Anchors
from .soft_modes import RIGID_MOTIONS

RESOLUTION = 35.0  # Å: maps are compared through a Gaussian of this reciprocal width
STIFFNESS = 0.1  # share of the map's power that a mean squared strain of one costs
ITERATIONS = 40
FIT_STEPS, FIT_RATE = 800, 1e-2


class _Registration:
    """The density of one anchor, carried by the flow's coefficients and compared with the map of another."""

    def __init__(
        self, stage: Stage, flow: Flow, anchors: Anchors, modes: int, energy_of: Callable[[torch.Tensor], torch.Tensor]
    ) -> None:
        cloud = stage.cloud
        self._cloud, self._flow, self._modes, self._energy_of = cloud, flow, min(modes, flow.modes.shape[1]), energy_of
        cell = torch.repeat_interleave(torch.arange(len(cloud.cells), device=stage.device), cloud.offsets.diff())
        homogeneous = torch.cat([cloud.points, torch.ones_like(cloud.points[:, :1])], dim=1)
        self._share = torch.einsum("nij,nj->ni", cloud.barycentric[cell], homogeneous)
        self._corner = cloud.cells[cell]
        self._filter = _gaussian(cloud.box, cloud.box * cloud.pixel_size / RESOLUTION, stage.device)
        self._unblurred = self._filter / _spline_transform(cloud.box, stage.device)
        self._volumes = anchors.volumes
        self._density = cloud.gather(anchors.volumes[anchors.order[0]])
        self._power = (self._target(anchors.order[0]).abs() ** 2).sum()

    def _target(self, anchor: int) -> torch.Tensor:
        """Filtered Fourier transform of an anchor's map."""
        return torch.fft.rfftn(self._volumes[anchor]) * self._filter

    def follow(self, anchor: int, before: torch.Tensor) -> torch.Tensor:
        """Coefficients ``(outputs,)``, Å, that carry the density to an anchor, beginning ``before``."""
        own, target = self._variables(before).requires_grad_(True), self._target(anchor)
        optimiser = LBFGS([own], max_iter=ITERATIONS, line_search_fn="strong_wolfe", history_size=10)

        def closure() -> torch.Tensor:
            optimiser.zero_grad()
            vertices = self._flow.place(self._coefficients(own, before)[None])
            apart = (self._project(vertices[0]) - target).abs().square().sum() / self._power
            loss = apart + STIFFNESS * self._energy_of(vertices)[0]
            loss.backward()
            return loss

        optimiser.step(closure)
        coefficients = self._coefficients(own.detach(), before)
        return coefficients if torch.isfinite(coefficients).all() else before

    def _variables(self, before: torch.Tensor) -> torch.Tensor:
        """What is optimised: soft modes and slides as they are, turns as none beyond those of ``before``."""
        count = self._flow.modes.shape[1]
        motion = before[count:].reshape(-1, MOTION).clone()
        motion[:, :6] = 0
        return torch.cat([before[: self._modes], motion.reshape(-1)]) / AMPLITUDE

    def _coefficients(self, own: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """All coefficients of the flow; each part is turned on from where ``before`` had turned it.

        Six numbers far from the identity are a poor place to optimise from, their scale being free; a turn on top
        of the last is always a small one.
        """
        flow, count = self._flow, self._flow.modes.shape[1]
        own = AMPLITUDE * own
        motion, last = own[self._modes :].reshape(-1, MOTION), before[count:].reshape(-1, MOTION)
        parts = []
        for row, part in enumerate(flow.moving):
            reach = flow.reach[part]
            turn = rotation_from_six(motion[row, :6] / reach) @ rotation_from_six(last[row, :6] / reach)
            six = torch.cat([turn[:, 0], turn[:, 1]]) - torch.eye(3, device=turn.device)[:2].reshape(-1)
            parts += [six * reach, motion[row, 6:]]
        silent, bent = torch.zeros(count - self._modes, device=own.device), own[: self._modes]
        if flow.held:  # the first six move all of the molecule
            bent = torch.cat([torch.zeros_like(bent[:RIGID_MOTIONS]), bent[RIGID_MOTIONS:]])
        return torch.cat([bent, silent, *parts])

    def _project(self, vertices: torch.Tensor) -> torch.Tensor:
        """Filtered Fourier transform of the carried density, spread by quadratic B-splines, which are divided out.

        Smooth in the vertices: with a kinked kernel the line searches turn on the last bit, and two computers part.
        """
        box = self._cloud.box
        points = (vertices[self._corner] * self._share[..., None]).sum(dim=1) / self._cloud.pixel_size + box // 2
        points = points.clamp(1, box - 2)
        near = points.detach().round()
        weights = _spline(points - near)
        near, total = near.long(), torch.zeros(box**3, device=points.device)
        for dz in range(3):
            for dy in range(3):
                for dx in range(3):
                    index = ((near[:, 2] + dz - 1) * box + near[:, 1] + dy - 1) * box + near[:, 0] + dx - 1
                    share = weights[dx][:, 0] * weights[dy][:, 1] * weights[dz][:, 2]
                    total = total.index_add(0, index, share * self._density)
        return torch.fft.rfftn(total.reshape(box, box, box)) * self._unblurred


def _spline(part: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Weights of the voxel before, the nearest and the one after, ``part`` within half a voxel of the nearest."""
    return 0.5 * (0.5 - part) ** 2, 0.75 - part**2, 0.5 * (0.5 + part) ** 2


def _spline_transform(box: int, device: torch.device) -> torch.Tensor:
    """Fourier transform ``(N, N, N // 2 + 1)`` of that spline in three dimensions: sinc³ along each axis."""
    k, kx = torch.fft.fftfreq(box, device=device), torch.fft.rfftfreq(box, device=device)
    return (torch.sinc(k)[:, None, None] * torch.sinc(k)[None, :, None] * torch.sinc(kx)[None, None, :]) ** 3


def _gaussian(box: int, width: float, device: torch.device) -> torch.Tensor:
    """A Gaussian ``(N, N, N // 2 + 1)`` of standard deviation ``width`` in Fourier radius."""
    return torch.exp(-squared_radius(box, device) / (2 * width**2))


def register_anchors(
    stage: Stage,
    flow: Flow,
    anchors: Anchors,
    modes: int,
    energy_of: Callable[[torch.Tensor], torch.Tensor],
    share: torch.Tensor,
    report: Callable[[int], None] = lambda count: None,
) -> float:
    """Train the flow to carry the canonical anchor's density to all anchors; what is left in Å, root mean square.

    ``modes`` soft modes take part. ``energy_of(vertices (b, v, 3))`` is the rigidity energy ``(b,)``; ``share``
    ``(v,)`` the density at each vertex, summing to 1. ``report(1)`` is called after each anchor.
    """
    registration = _Registration(stage, flow, anchors, modes, energy_of)
    states: dict[int, torch.Tensor] = {}
    rest = torch.zeros(flow.linear.weight.shape[0], device=stage.device)
    for anchor in anchors.order:
        before = states.get(int(anchors.parent[anchor]))
        states[int(anchor)] = rest if before is None else registration.follow(int(anchor), before)
        report(1)
    with torch.no_grad():
        wanted = flow.place(torch.stack([states[anchor] for anchor in sorted(states)]))
    return _fit_network(flow, anchors.points[sorted(states)], wanted, share)


def _fit_network(flow: Flow, points: torch.Tensor, wanted: torch.Tensor, share: torch.Tensor) -> float:
    """Adam on the network until it passes near the registered states; root mean square distance left, Å."""
    optimiser = Adam(flow.parameters(), lr=FIT_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, FIT_STEPS, eta_min=FIT_RATE / 50)
    for _ in range(FIT_STEPS):
        optimiser.zero_grad()
        loss = ((flow(points) - wanted).square().sum(dim=2) @ share).mean()
        loss.backward()
        optimiser.step()
        schedule.step()
    return float(loss.detach()) ** 0.5
