"""The rigidity prior: how far each cell's linear map is from a rotation."""

from __future__ import annotations

import torch

POLAR_STEPS = 6


def deformation_gradients(vertices: torch.Tensor, cells: torch.Tensor, edge_inverse: torch.Tensor) -> torch.Tensor:
    """Linear part F ``(b, c, 3, 3)`` of each cell's map, from moved vertices ``(b, v, 3)``."""
    b = vertices.shape[0]
    corner = vertices[:, cells.reshape(-1)].reshape(b, len(cells), 4, 3)
    return (corner[:, :, 1:] - corner[:, :, :1]).transpose(2, 3) @ edge_inverse


def nearest_rotation(matrices: torch.Tensor) -> torch.Tensor:
    """The rotation nearest to each 3x3 matrix ``(…, 3, 3)``: the polar factor, with the determinant kept positive.

    Newton's iteration R ← (R + R⁻ᵀ) / 2 (Higham 1986), R⁻ᵀ being the cofactor matrix over the determinant. A matrix
    that is inverted, or nearly flat, goes through a singular value decomposition whose last sign is flipped where
    needed.
    """
    rotation = matrices
    # so chosen that no singular value is below 1/30, whence six steps suffice
    size = matrices.square().sum(dim=(-2, -1)).div(3).clamp(min=1) ** 1.5
    poor = torch.linalg.det(matrices) < 0.05 * size
    rotation = torch.where(poor[..., None, None], torch.eye(3, dtype=matrices.dtype, device=matrices.device), rotation)
    tolerance = torch.finfo(matrices.dtype).eps ** 0.5  # a smaller step leaves an error of half its square
    for _ in range(POLAR_STEPS):
        a, b, c = rotation.unbind(-2)
        cofactor = torch.stack([torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)], dim=-2)
        determinant = (a * cofactor[..., 0, :]).sum(-1)
        better = 0.5 * (rotation + cofactor / determinant[..., None, None])
        exact, rotation = bool(((better - rotation).abs() < tolerance).all()), better
        if exact:
            break
    if poor.any():
        u, _, vh = torch.linalg.svd(matrices[poor])
        u = torch.cat([u[..., :2], u[..., 2:] * torch.linalg.det(u @ vh)[..., None, None]], dim=-1)
        rotation = rotation.clone()
        rotation[poor] = u @ vh
    return rotation


def rigidity_energy(
    vertices: torch.Tensor, cells: torch.Tensor, edge_inverse: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Weighted mean over cells of Σ (sₗ − 1)², sₗ being the singular values of each cell's linear map: ``(b,)``.

    With the smallest singular value taken negative where a cell is inverted this is ‖F − R‖², R the nearest rotation
    (as-rigid-as-possible energy: Sorkine & Alexa 2007), so that turning a cell inside out is never free. ``weights``
    ``(c,)`` sum to 1 and are proportional to rigidity times volume, which makes the energy a property of the motion
    and not of the mesh's fineness. Since the distance to the nearest rotation is stationary in R, R needs no
    gradient.
    """
    gradients = deformation_gradients(vertices, cells, edge_inverse)
    with torch.no_grad():
        rotation = nearest_rotation(gradients)
    return ((gradients - rotation) ** 2).sum(dim=(-2, -1)) @ weights
