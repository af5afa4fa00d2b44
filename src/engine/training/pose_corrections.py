"""Small corrections of the particles' poses, unknown beside the latents, with a prior whose width is learned.

A refinement of a flexible molecule places each image as well as a rigid map can; what it got wrong is no motion, and a
flow that may move the whole body would take it for one. The correction of a particle turns what is seen about the axes
of its view and shifts it in the plane: five numbers, in Å. They are normally distributed about zero, turns and shifts
each with a variance that is found from all particles; where poses were right, it shrinks to nothing, and the
corrections with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..decoders.flow.soft_modes import RIGID_MOTIONS
from ..precise import least_squares
from .batches import Batch
from .shared_poses import SharedCorrections
from .team import Team

TURNS, SHIFTS = slice(0, 3), slice(3, 5)
SIZE = 5


@dataclass
class Poses:
    """The corrections of all particles.

    Attributes
    ----------
    correction : ``(n, 5)`` Å: turns about the view's x, y and z axes times ``radius``, shifts along x and y.
    variance : ``(2,)`` Å² of turns and of shifts; zeros where poses are taken as they are.
    centre : ``(3,)`` Å, the point about which the molecule is turned. radius : Å, its radius of gyration.
    shared : what copies of an image say of its one pose, where they are of a symmetric molecule; else None.
    """

    correction: torch.Tensor
    variance: torch.Tensor
    centre: torch.Tensor
    radius: float
    shared: SharedCorrections | None = None

    @classmethod
    def fixed(cls, count: int, device: str | torch.device) -> Poses:
        """Poses as they are."""
        return cls(torch.zeros(count, SIZE, device=device), torch.zeros(2, device=device),
                   torch.zeros(3, device=device), 1.0)  # fmt: skip

    @property
    def active(self) -> bool:
        """Whether poses are corrected."""
        return bool(self.variance.max() > 0)

    @property
    def prior(self) -> torch.Tensor:
        """Precision ``(5,)`` of the prior, 1/Å²."""
        least = 1e-6  # one of the two may shrink to nothing before the other
        return 1 / torch.cat([self.variance[:1].expand(3), self.variance[1:].expand(2)]).clamp(min=least)

    def error_text(self) -> str:
        """How large the errors are, in words."""
        turn, shift = self.variance.sqrt().tolist()
        return f"{math.degrees(turn / self.radius):.2f}° about each axis and {shift:.2f} Å along each"

    def disable(self) -> None:
        """Take poses as they are from now on."""
        self.variance, self.correction = torch.zeros_like(self.variance), torch.zeros_like(self.correction)
        self.shared = None

    def clone(self) -> Poses:
        """The same, to try something on."""
        shared = None if self.shared is None else self.shared.clone()
        return replace(self, correction=self.correction.clone(), variance=self.variance.clone(), shared=shared)

    def corrected(self, batch: Batch) -> Batch:
        """The batch with its particles' corrections."""
        return replace(batch, correction=self.correction[batch.rows]) if self.active else batch

    def view(self, rotation: torch.Tensor, correction: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Corrected views ``(b, 3, 3)``, and ``(b, 2)`` Å that is added to where they put a point.

        A point x of a particle seen along R goes to exp(turn) R (x − centre) + R centre + shift.
        """
        # R' = exp([t]ₓ) R, t the turns over the radius
        turned = rotation_from_vector(correction[:, TURNS] / self.radius) @ rotation
        # R'(x − c) + R c + s = R' x + (R − R') c + s: what is added to R' x
        kept = ((rotation - turned) @ self.centre)[:, :2]
        return turned, kept + correction[:, SHIFTS]

    def applied_to(self, batch: Batch, box: int, pixel_size: float) -> Batch:
        """The batch as if its corrected poses had been its poses: other views, and images shifted back."""
        if batch.correction is None:
            return batch
        rotation, offset = self.view(batch.rotation, batch.correction)
        images = batch.images * shift_factor(-offset / pixel_size, box)
        return replace(batch, images=images, rotation=rotation, correction=None)


def rotation_from_vector(vector: torch.Tensor) -> torch.Tensor:
    """Rotations ``(…, 3, 3)`` by vectors ``(…, 3)`` in radians (Rodrigues)."""
    return torch.linalg.matrix_exp(cross_matrix(vector))


def cross_matrix(vector: torch.Tensor) -> torch.Tensor:
    """Matrices ``(…, 3, 3)`` that take x to ``vector`` × x."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    rows = [torch.stack(row, -1) for row in ((zero, -z, y), (z, zero, -x), (-y, x, zero))]
    return torch.stack(rows, -2)


def shift_factor(shift: torch.Tensor, box: int) -> torch.Tensor:
    """Factors ``(b, d, d // 2 + 1)`` that move images by ``shift`` ``(b, 2)`` pixels, (x, y)."""
    kx, ky = (f(box, device=shift.device) for f in (torch.fft.rfftfreq, torch.fft.fftfreq))
    # F[I(x − s)](k) = exp(−2πi k·s) F[I](k)
    phase = shift[:, 0, None, None] * kx + shift[:, 1, None, None] * ky[:, None]
    return torch.polar(torch.ones_like(phase), -2 * torch.pi * phase)


def shift_slopes(images: torch.Tensor, pixel_size: float) -> torch.Tensor:
    """Change ``(b, 2, d, d // 2 + 1)`` of images by a shift along x and y, per Å."""
    box = images.shape[-2]
    kx, ky = (f(box, pixel_size, device=images.device) for f in (torch.fft.rfftfreq, torch.fft.fftfreq))
    # ∂/∂s exp(−2πi k·s) F(k) = −2πi k F(k) at s = 0
    grid = torch.stack(torch.broadcast_tensors(kx[None, :], ky[:, None]))
    return -2j * torch.pi * grid * images[:, None]


class RigidBasis:
    """How rigid motions of the molecule, such as a flow's first modes, appear as corrections of a view.

    The first six of ``modes`` ``(3 v, m)`` Å move vertices ``(v, 3)`` rigidly.
    """

    def __init__(self, vertices: torch.Tensor, modes: torch.Tensor, poses: Poses) -> None:
        away = vertices - poses.centre
        one, zero = torch.ones_like(away[:, 0]), torch.zeros_like(away[:, 0])
        x, y, z = away.unbind(-1)
        # displacement = slide + spin × away
        design = torch.stack([
            torch.stack([one, zero, zero, zero, z, -y], -1),
            torch.stack([zero, one, zero, -z, zero, x], -1),
            torch.stack([zero, zero, one, y, -x, zero], -1),
        ], dim=1).reshape(-1, 6).double()  # fmt: skip
        # argmin |design (slide, spin) − modes|², column by column: exact, for the modes are rigid motions
        solution = least_squares(design, modes[:, :RIGID_MOTIONS].double()).to(modes)
        self.slide, self.spin = solution[:3], poses.radius * solution[3:]

    def corrections(self, rotation: torch.Tensor) -> torch.Tensor:
        """Matrices ``(b, 5, 6)`` from coefficients of the modes to corrections of particles seen along ``rotation``."""
        # a turn w of the molecule is R w seen along R, and a slide moves the image by its first two coordinates
        return torch.cat([rotation @ self.spin, rotation[:, :2] @ self.slide], dim=1)

    @property
    def inverse(self) -> torch.Tensor:
        """``(6, 6)`` from turns (3) and slides (3) along the molecule's axes, Å, to coefficients of the modes."""
        return torch.linalg.inv(torch.cat([self.spin, self.slide]))

    def covariance(self, variance: torch.Tensor) -> torch.Tensor:
        """Covariance ``(6, 6)`` of the modes' coefficients where turns and slides have these variances ``(2,)``."""
        # B⁻¹ diag(variances) B⁻ᵀ, B = (spin, slide) taking coefficients to turns and slides
        variances = torch.cat([variance[:1].expand(3), variance[1:].expand(3)]).to(self.inverse)
        return self.inverse @ torch.diag(variances) @ self.inverse.T

    def variance(self, covariance: torch.Tensor) -> torch.Tensor:
        """The reverse of `covariance`: variances ``(2,)`` of turns and of slides, Å²."""
        both = torch.cat([self.spin, self.slide]).to(covariance)  # diag(B C Bᵀ), the mean of three each
        variances = (both @ covariance @ both.T).diagonal()
        return torch.stack([variances[:3].mean(), variances[3:].mean()])


def whole_body(modes: torch.Tensor, displacement: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How far displacements ``(b, v, 3)`` move the whole body: ``(b, 6)`` of the first six ``modes`` ``(3 v, m)``.

    And what is left of them, ``(b, 3 v)``, every vertex counting alike.
    """
    rigid, moved = modes[:, :RIGID_MOTIONS].to(displacement), displacement.flatten(1)
    whole = least_squares(rigid, moved.T).T  # argmin over a of |moved − M a|², M the rigid modes
    return whole, moved - whole @ rigid.T


def learn_variance(poses: Poses, weight: torch.Tensor, spread: torch.Tensor, seen: float, team: Team) -> float:
    """Learn the prior's variance; returns how large errors of poses are for what one image tells of them.

    ``weight`` ``(n,)`` says how far particles count. ``spread`` ``(5,)`` Å² is the sum of what corrections leave
    unknown over this process's particles, ``seen`` of them. What an image alone would say is x with variance σ²;
    under a prior of variance v its correction is c = x v / (v + σ²), and v σ² / (v + σ²) is left unknown. The mean of
    x² − σ² over all images is what they say of v. Expectation–maximisation ends at the same value, but creeps where it
    is small.
    """
    total = team.total(torch.cat([spread, spread.new_tensor([seen])]))
    left, prior = total[:-1] / total[-1].clamp(min=1), 1 / poses.prior  # v σ² / (v + σ²) on average, and v
    shrunk = prior / (prior - left).clamp(min=1e-3 * prior)  # x / c = (v + σ²) / v = v / (v − v σ² / (v + σ²))
    noise = left * shrunk  # σ²
    # v' = ⟨x²⟩ − σ², images weighted by how far they count
    variances = weight @ poses.correction.square() / weight.sum() * shrunk**2 - noise
    poses.variance = torch.stack([variances[TURNS].mean(), variances[SHIFTS].mean()]).clamp(min=0)
    return float((1 / poses.prior / noise).mean())


def mass_centre(vertices: torch.Tensor, mass: np.ndarray) -> tuple[torch.Tensor, float]:
    """Centre of mass ``(3,)`` Å and radius of gyration of vertices ``(v, 3)`` with ``mass`` ``(v,)``."""
    share = torch.from_numpy(mass / mass.sum()).to(vertices)
    centre = share @ vertices  # Σ m x, and below it √(Σ m |x − centre|²)
    return centre, float((share @ (vertices - centre).square().sum(dim=1)).sqrt())
