"""The transform of the field's map: the network's numbers at any frequencies, as real and imaginary parts.

The network gives what the map has beyond that of the rigid molecule, in units of the rigid map's own amplitude in each
shell, so that its numbers are of one size at all frequencies, and what bfloat16 rounds is a part of the change alone.
"""

from __future__ import annotations

import numpy as np
import torch

from ...maps.fsc import shell_power
from ...maps.half_maps import HalfMaps
from ...projector.mesh_projector import VoxelCloud
from .field_network import FieldNetwork

LEAST_SHARE = 0.1  # of the rigid map's power that counts as its own where its halves do not agree


def shell_amplitude(cloud: VoxelCloud, maps: HalfMaps) -> np.ndarray:
    """Root mean square amplitude ``(N // 2 + 1,)`` by shell of what the half-maps of the rigid molecule agree on."""
    power = shell_power(cloud.scatter((maps.first + maps.second) / 2).cpu().numpy())
    amplitude = np.sqrt(power * np.clip(maps.fsc.cpu().numpy(), LEAST_SHARE, 1))
    amplitude[0] = amplitude[1]
    return amplitude.astype(np.float32)


def amplitude_at(amplitude: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Amplitudes by shell ``(s,)``, linearly between shells, at radii of any shape."""
    radius = radius.clamp(max=len(amplitude) - 1)
    low = radius.floor().long().clamp(max=len(amplitude) - 2)
    part = radius - low
    return amplitude[low] * (1 - part) + amplitude[low + 1] * part


def half_space(place: torch.Tensor, hartley: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions to ask the network for, those ``(b, p, 3)`` being wanted, and which of them ``(b, p, 1)`` are opposite.

    A real map's Fourier transform at the opposite frequency is the conjugate, so that a network of Fourier numbers is
    asked for one half of space alone, z < 0 and half of the plane between, as cryoDRGN's is. One of Hartley numbers is
    asked for both: ``(b, 2 p, 3)``.
    """
    if hartley:
        return torch.cat([place, -place], dim=1), torch.zeros_like(place[..., :1], dtype=torch.bool)
    x, y, z = place.split(1, dim=-1)
    opposite = (z > 0) | (z == 0) & ((y > 0) | (y == 0) & (x > 0))
    return torch.where(opposite, -place, place), opposite


def complex_parts(values: torch.Tensor, opposite: torch.Tensor, hartley: bool) -> torch.Tensor:
    """Real and imaginary parts ``(…, p, 2)`` of the network's values at the positions that `half_space` gave."""
    if hartley:
        # H = Re F − Im F here and Re F + Im F at the opposite frequency
        here, there = values[..., 0].chunk(2, dim=-1)
        return torch.stack([(here + there) / 2, (there - here) / 2], dim=-1)
    turned = torch.cat([torch.ones_like(opposite), ~opposite], dim=-1)
    return torch.where(turned, values, -values)


def field_volume(network: FieldNetwork, amplitude: torch.Tensor, radius: int, box: int, z: torch.Tensor, most: int,
                 padding: int = 1) -> torch.Tensor:  # fmt: skip
    """The change ``(N, N, N)`` of the rigid map at a latent point ``(k,)``: mass per voxel, [z, y, x].

    Of frequencies up to ``radius``; ``most`` positions are asked for at a time. With ``padding``, the map has so many
    times the field of view, in as many more voxels, and the network is asked for what lies between its frequencies.
    """
    hartley, device, wide = network.last.out_features == 1, amplitude.device, padding * box
    k = torch.fft.fftfreq(wide, device=device) * box
    kx = torch.fft.rfftfreq(wide, device=device) * box
    squared = k[:, None, None] ** 2 + k[None, :, None] ** 2 + kx**2
    inside = (squared <= radius**2) & (squared < (box / 2) ** 2) & (squared > 0)
    at = inside.nonzero()
    spectrum = torch.zeros(wide, wide, wide // 2 + 1, dtype=torch.complex64, device=device)
    with torch.no_grad(), network.exactly():
        for some in at.split(most):
            place = torch.stack([kx[some[:, 2]], k[some[:, 1]], k[some[:, 0]]], dim=1)[None]
            asked, opposite = half_space(place, hartley)
            parts = complex_parts(network(network.encoded(asked), z[None]), opposite, hartley)
            scale = amplitude_at(amplitude, place.norm(dim=-1))
            spectrum[some[:, 0], some[:, 1], some[:, 2]] = torch.view_as_complex(parts[0].contiguous()) * scale[0]
    return torch.fft.fftshift(torch.fft.irfftn(spectrum, s=(wide,) * 3))
