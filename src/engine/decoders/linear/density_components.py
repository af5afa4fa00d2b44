"""Linear density components: V(z) = mean + Σ zₖ Vₖ with rigid poses, the model of 3D variability analysis.

Probabilistic principal components (Tipping & Bishop 1999) seen through projection and CTF (Punjani & Fleet 2021), by
expectation–maximisation. The E step is closed: an image is linear in z. In the M step every node of Fourier space is a
least-squares problem of its own, k + 1 unknowns, since where nothing moves an image is a set of samples of it.

A component cannot carry density from place to place, but it needs no mesh and no notion of what moves, and finds
where a large motion leads, such as a domain that turns all the way round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ...latents.particle_latents import Step
from ...latents.whitening import informative_axes
from ...precise import in_double
from ...projector.central_slices import Nodes, SliceGrid
from ...projector.fourier_grid import squared_radius
from ...training.batches import Batch, pieces
from ...training.stage import Stage

FREEDOM = 0.1  # prior power of a component in each shell, as a share of the mean map's
NODES = 50_000  # of Fourier space solved at a time
PASSES = 8
SPARE = 2  # components fitted beyond those wanted: it converges faster, and weaker ones do not mix into the strongest
SEED_RADIUS = 4.0  # Fourier radius of the random blobs that it begins with


@dataclass(frozen=True)
class Components:
    """Volumes ``(1 + k, N, N, N)``, mean first, then those of white latents, the best determined first; ``latents``
    ``(n, k)``; ``precision`` ``(n, k, k)``; ``gain`` nats per image: log evidence of the motion over none.
    """

    volumes: torch.Tensor
    latents: torch.Tensor
    precision: torch.Tensor
    gain: float


@dataclass(frozen=True)
class Samples:
    """The Fourier samples of a few images within the band, kept in memory: ``images`` ``(b, p)`` complex, ``transfer``
    ``(b, p)`` CTF and filter, ``rotation`` ``(b, 3, 3)``.
    """

    images: torch.Tensor
    transfer: torch.Tensor
    rotation: torch.Tensor

    def __len__(self) -> int:
        return len(self.images)


def read_samples(
    stage: Stage, grid: SliceGrid, rows: np.ndarray, report: Callable[[int], None] = lambda count: None
) -> list[Samples]:
    """The images ``rows`` ``(m,)`` at a coarse stage, in batches; ``report`` is told how many more are read."""
    kept = []
    for one in stream_samples(stage, grid, pieces(rows, stage.at_once)):
        kept.append(one)
        report(len(one))
    return kept


def stream_samples(stage: Stage, grid: SliceGrid, groups: list[np.ndarray]) -> Iterator[Samples]:
    """The images of each group of rows ``(m,)``, read one group at a time, so that memory does not grow with them."""
    for batch in stage.batches_of(groups):
        yield samples_of(stage, grid, batch)


def samples_of(stage: Stage, grid: SliceGrid, batch: Batch) -> Samples:
    """The samples of a batch's images, their poses corrected."""
    batch = stage.poses.applied_to(batch, stage.box, stage.cloud.pixel_size)
    return Samples(grid.samples(batch.images), batch.transfer[:, grid.used], batch.rotation)


def fit_components(
    stage: Stage,
    samples: list[Samples],
    grid: SliceGrid,
    dims: int,
    seed: int,
    total: Callable[[torch.Tensor], torch.Tensor] = lambda values: values,
    report: Callable[[int], None] = lambda count: None,
    freedom: torch.Tensor | None = None,
) -> Components:
    """The ``dims`` leading components of the images ``samples`` within the stage's mask, and the images' latents.

    ``freedom`` ``(N, N, N)``, 0 to 1, says where components may be; None: everywhere.

    Where several processes have a share of the images each, ``total`` sums over them. ``report`` is told the number of
    images after each batch of each of the ``PASSES`` + 2 passes.
    """
    mean = stage.cloud.scatter(stage.density)
    mask = stage.cloud.scatter(torch.ones_like(stage.density))
    fitted = dims + SPARE
    within = mask if freedom is None else mask * freedom
    volumes = torch.cat([mean[None], _random_blobs(within, fitted, float(mean.norm()), seed)])
    prior = component_prior(grid, mean, mask)
    for _ in range(PASSES):
        step = ComponentStep(grid, fitted, stage.device)
        explain(grid, samples, volumes, step, report)
        step.sum_over(total)
        volumes = confined(step.solve(prior), mask, freedom)
        volumes = whitened(volumes, *step.moments())
    precision = explain(grid, samples, volumes, report=report)[1].sum(dim=0, keepdim=True)
    rotation = informative_axes(total(precision))[:, :dims]
    volumes = torch.cat([volumes[:1], torch.einsum("kj,kzyx->jzyx", rotation, volumes[1:])])
    z, precision, gain = explain(grid, samples, volumes, report=report)
    gains = total(torch.tensor([gain * len(z), len(z)], device=z.device))
    return Components(volumes, z, precision, float(gains[0] / gains[1]))


def confined(volumes: torch.Tensor, mask: torch.Tensor, freedom: torch.Tensor | None) -> torch.Tensor:
    """Mean and components ``(1 + k, N, N, N)`` inside the mask, components only where there is ``freedom``."""
    inside = volumes * mask
    return inside if freedom is None else torch.cat([inside[:1], inside[1:] * freedom])


def _random_blobs(mask: torch.Tensor, count: int, size: float, seed: int) -> torch.Tensor:
    """Smooth random maps ``(count, N, N, N)`` inside the mask, each of norm 0.3 ``size``."""
    box, generator = len(mask), torch.Generator().manual_seed(seed)
    noise = torch.randn(count, box, box, box, generator=generator).to(mask.device)
    low = torch.fft.fftn(noise, dim=(1, 2, 3))
    low = low * torch.exp(-squared_radius(box, mask.device, whole=True) / (2 * SEED_RADIUS**2))
    blobs = torch.fft.ifftn(low, dim=(1, 2, 3)).real * mask
    return 0.3 * size * blobs / blobs.flatten(1).norm(dim=1)[:, None, None, None]


def component_prior(grid: SliceGrid, volume: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """A component's prior power ``(side³,)`` at every node: a share of the mean power of the map's shell, as if the
    mask were all of the box.
    """
    power = grid.spectra(volume[None])[:, 0].abs() ** 2
    count = torch.bincount(grid.shell).clamp(min=1)
    mean = torch.bincount(grid.shell, power) / count
    return FREEDOM * (mean / mask.mean() + 1e-6 * mean.max())[grid.shell]


def explain(
    grid: SliceGrid,
    samples: Iterable[Samples],
    volumes: torch.Tensor,
    step: ComponentStep | None = None,
    report: Callable[[int], None] = lambda count: None,
) -> tuple[torch.Tensor, torch.Tensor, float]:
    """E step: posterior means ``(n, k)``, precisions ``(n, k, k)``, mean gain; ``step`` gathers for the M step."""
    spectra = grid.spectra(volumes)
    means, precisions, gain = [], [], 0.0
    for one in samples:
        nodes = grid.nodes(one.rotation)
        step_of_batch = posterior(grid, spectra, one, nodes)
        gain += step_of_batch.gain
        means.append(step_of_batch.z)
        precisions.append(step_of_batch.precision)
        if step is not None:
            step.add(one, nodes, step_of_batch.z, step_of_batch.precision)
        report(len(one))
    z = torch.cat(means)
    return z, torch.cat(precisions), gain / len(z)


def posterior(grid: SliceGrid, spectra: torch.Tensor, samples: Samples, nodes: Nodes) -> Step:
    """The normal posterior of the latents of some images, in closed form, and the log evidence of them over none.

    With a slice of the mean, C S V₀, and those of the components, W = C S (V₁ … V_k), all whitened, an image is
    x = C S V₀ + W z + noise with z ~ N(0, 1). Then z | x ~ N(M⁻¹ Wᵀ (x − C S V₀), M⁻¹) with M = WᵀW + 1, and the
    evidence gains ½ (Wᵀ r)ᵀ M⁻¹ (Wᵀ r) − ½ log det M over z = 0 (Tipping & Bishop 1999).

    ``spectra`` ``(side³, 1 + k)``: of the mean and of the components. The step has ``z`` ``(b, k)``.
    """
    slices = grid.cut(spectra, nodes) * samples.transfer[..., None]
    slope = _real(slices[..., 1:], grid.weights)  # W
    residual = _real((samples.images - slices[..., 0])[..., None], grid.weights)  # r = x − C S V₀
    gradient = (slope.transpose(1, 2) @ residual)[..., 0]  # Wᵀ r
    precision = slope.transpose(1, 2) @ slope + torch.eye(slope.shape[2], device=slope.device)  # M
    z = torch.linalg.solve(precision, gradient[..., None])[..., 0]
    gain = 0.5 * ((gradient * z).sum(1) - torch.logdet(precision))
    return Step(z, precision, gain=float(gain.sum()))


def _real(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Complex ``(b, p, c)`` as real ``(b, 2 p, c)``, whose dot product is the weighted one."""
    parts = torch.view_as_real(values * weights.sqrt()[None, :, None])
    return parts.transpose(2, 3).flatten(1, 2)


class ComponentStep:
    """What one pass over the images gathers for the M step."""

    def __init__(self, grid: SliceGrid, dims: int, device: torch.device) -> None:
        self._grid, self._size = grid, dims + 1
        self._pairs = torch.triu_indices(self._size, self._size, device=device)
        self._right = torch.zeros(grid.side**3, 2 * self._size, device=device)
        self._normal = torch.zeros(grid.side**3, self._pairs.shape[1], device=device)
        self._second = torch.zeros(self._size, self._size, device=device)
        self._count = torch.zeros(1, device=device)

    def add(self, samples: Samples, nodes: Nodes, z: torch.Tensor, precision: torch.Tensor) -> None:
        """Images with posterior N(z, precision⁻¹): ``z`` ``(b, k)``, ``precision`` ``(b, k, k)``."""
        # with y = (1, z): E[y yᵀ] = E[y] E[y]ᵀ + cov, cov being M⁻¹ for z and 0 for the 1
        one = torch.cat([torch.ones_like(z[:, :1]), z], dim=1)
        second = one[:, :, None] * one[:, None, :]
        second[:, 1:, 1:] += torch.linalg.inv(precision)
        # the right side Σᵢ Cᵢ w xᵢ E[yᵢ]ᵀ and the normal matrix Σᵢ Cᵢ² w E[yᵢ yᵢᵀ] of each node
        weighted = samples.transfer * self._grid.weights
        right = (samples.images * weighted)[..., None] * one[:, None, :]
        self._grid.spread(self._right, nodes, torch.view_as_real(right).flatten(2))
        pairs = second[:, self._pairs[0], self._pairs[1]]
        self._grid.spread(self._normal, nodes, (weighted * samples.transfer)[..., None] * pairs[:, None, :])
        self._second += second.sum(dim=0)
        self._count += len(z)

    def sum_over(self, total: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Add what other processes have gathered; ``total`` sums a tensor over the team."""
        for name in ("_right", "_normal", "_second", "_count"):
            setattr(self, name, total(getattr(self, name)))

    def solve(self, prior: torch.Tensor) -> torch.Tensor:
        """Maps ``(1 + k, N, N, N)``: ridge regression at every node, ``prior`` ``(side³,)`` being a component's power.
        """
        right = self._grid.with_mates(torch.view_as_complex(self._right.reshape(-1, self._size, 2).contiguous()))
        packed = self._grid.with_mates(self._normal)
        spectra = torch.zeros_like(right)
        for nodes in torch.nonzero(self._grid.solved)[:, 0].split(NODES):
            spectra[nodes] = self._solve_nodes(right[nodes], packed[nodes], prior[nodes])
        return self._grid.volumes(spectra)

    def _solve_nodes(self, right: torch.Tensor, packed: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """Ridge regression at some nodes ``(n, 1 + k)``: v = (Σ C² w E[y yᵀ] + R)⁻¹ Σ C w x E[y]; R the priors."""
        normal = torch.zeros(len(right), self._size, self._size, device=right.device)
        normal[:, self._pairs[0], self._pairs[1]] = packed
        normal[:, self._pairs[1], self._pairs[0]] = packed
        # two samples of the half plane for each independent number of the whole: twice the prior's weight
        ridge = (2 / prior)[:, None].repeat(1, self._size)
        ridge[:, 0] *= FREEDOM
        return torch.linalg.solve((normal + torch.diag_embed(ridge)).to(right.dtype), right[..., None])[..., 0]

    def moments(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean ``(k,)`` and covariance ``(k, k)`` of the latents, posterior uncertainty included."""
        # E[z] and E[z zᵀ] − E[z] E[z]ᵀ over all images
        second = self._second / self._count
        return second[0, 1:], second[1:, 1:] - second[0, 1:, None] * second[0, None, 1:]


def whitened(volumes: torch.Tensor, mean: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    """Volumes ``(1 + k, N, N, N)`` of the same model for latents of zero mean and unit covariance.

    z = F z' + mean with F Fᵀ the covariance; ``mean`` ``(k,)``, ``covariance`` ``(k, k)``.
    """
    values, vectors = torch.linalg.eigh(in_double(covariance))
    factor = (vectors * values.clamp(min=1e-12).sqrt()).to(volumes)
    shifted = volumes[:1] + torch.einsum("k,kzyx->zyx", mean, volumes[1:])
    return torch.cat([shifted, torch.einsum("kj,kzyx->jzyx", factor, volumes[1:])])


def numbers_per_node(components: int) -> int:
    """How many numbers a pass gathers at each node of Fourier space."""
    size = components + 1
    return size * (size + 1) // 2 + 2 * size
