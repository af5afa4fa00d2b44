"""Central slices of maps in Fourier space, for the rigid molecule: cut out of volumes, and spread into them.

The projector of moving maps (`mesh_projector.py`) is exact and knows the mesh; where nothing moves, interpolating a
volume's Fourier transform costs less and makes the least-squares problem diagonal. That is accurate enough for a first
guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

CORNERS = tuple((dx, dy, dz) for dz in (0, 1) for dy in (0, 1) for dx in (0, 1))
MARGIN = 2  # nodes beyond the highest frequency, for interpolation


@dataclass(frozen=True)
class Nodes:
    """Where the samples of some slices lie: ``index`` ``(8, b, p)`` int64 grid nodes, ``share`` ``(8, b, p)`` weights.
    """

    index: torch.Tensor
    share: torch.Tensor


def slice_places(kx: torch.Tensor, ky: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    """Positions ``(b, p, 3)`` in a map's transform of samples at (``kx``, ``ky``), ``(p,)`` or ``(b, p)``, of images.

    Rows 0 and 1 of ``rotation`` ``(b, 3, 3)`` span the slice.
    """
    return kx[..., None] * rotation[:, None, 0] + ky[..., None] * rotation[:, None, 1]


class PlaneSamples:
    """The samples ``(p,)`` of an image's half plane that are used: those with positive weight, at (``kx``, ``ky``)."""

    def __init__(self, weights: torch.Tensor) -> None:
        """``weights`` ``(N, N // 2 + 1)`` of the half plane over the noise, zero where a sample is not used."""
        self.box, device = weights.shape[0], weights.device
        self.used = weights > 0
        self.weights = weights[self.used]
        ky = (torch.fft.fftfreq(self.box, device=device) * self.box).round()[:, None].expand_as(weights)
        kx = torch.arange(weights.shape[1], device=device, dtype=weights.dtype)[None].expand_as(weights)
        self.kx, self.ky = kx[self.used], ky[self.used]

    def samples(self, images: torch.Tensor) -> torch.Tensor:
        """The used samples ``(b, p)`` of Fourier images whose origin is pixel ``N // 2``, moved to origin 0."""
        return images[:, self.used] * (1 - 2 * ((self.kx + self.ky).long() % 2))

    def places(self, rotation: torch.Tensor) -> torch.Tensor:
        """Where the samples of images of these orientations ``(b, 3, 3)`` lie in a map's transform, ``(b, p, 3)``."""
        return slice_places(self.kx, self.ky, rotation)


class SliceGrid(PlaneSamples):
    """A cube of Fourier nodes about frequency zero and the samples of an image's half plane that fall into it.

    A spectrum is ``(side³, c)``, one column per map, index ``(kz, ky, kx)`` with frequency zero in the middle and the
    phase of a map whose origin is voxel ``N // 2``. Samples of an image are ``(b, p)``: those with positive weight.
    """

    def __init__(self, weights: torch.Tensor, padding: int = 1) -> None:
        """``weights`` as of `PlaneSamples`; maps have so many times the images' field of view, and nodes are closer."""
        super().__init__(weights)
        device, self.padding, self.box = weights.device, padding, padding * self.box
        self.middle = self.box // 2 + MARGIN
        self.side = 2 * self.middle + 1
        axis = torch.arange(self.side, device=device) - self.middle
        squared = axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2
        self.shell = squared.reshape(-1).float().sqrt().round().long()
        #: nodes that slices within the band determine
        self.solved = self.shell <= int(padding * torch.sqrt(self.kx**2 + self.ky**2).max())
        envelope = torch.sinc((torch.arange(self.box, device=device) - self.box // 2) / self.box) ** 2
        self._envelope = envelope[:, None, None] * envelope[None, :, None] * envelope[None, None, :]

    def nodes(self, rotation: torch.Tensor) -> Nodes:
        """Where slices of these orientations ``(b, 3, 3)`` lie."""
        place = self.padding * self.places(rotation)
        low = place.floor()
        part, low = place - low, low.long() + self.middle
        index, share = [], []
        for dx, dy, dz in CORNERS:
            index.append(((low[..., 2] + dz) * self.side + low[..., 1] + dy) * self.side + low[..., 0] + dx)
            weight = [part[..., axis] if one else 1 - part[..., axis] for axis, one in enumerate((dx, dy, dz))]
            share.append(weight[0] * weight[1] * weight[2])
        return Nodes(torch.stack(index), torch.stack(share))

    def cut(self, spectra: torch.Tensor, nodes: Nodes) -> torch.Tensor:
        """Samples ``(b, p, c)`` of the central slices of spectra ``(side³, c)``."""
        return sum(
            spectra[index] * share[..., None] for index, share in zip(nodes.index, nodes.share, strict=True)
        )

    def spread(self, total: torch.Tensor, nodes: Nodes, values: torch.Tensor) -> None:
        """The adjoint of `cut` for real values ``(b, p, c)``, added to ``total`` ``(side³, c)``."""
        for index, share in zip(nodes.index, nodes.share, strict=True):
            total.index_add_(0, index.reshape(-1), (values * share[..., None]).flatten(0, 1))

    def with_mates(self, total: torch.Tensor) -> torch.Tensor:
        """``total`` ``(side³, c)`` plus what the half of each plane that rfft2 does not store would have added.

        Friedel: the value at −k is the conjugate of that at k.
        """
        mates = total.flip(0)
        return total + (mates.conj() if total.is_complex() else mates)

    def spectra(self, volumes: torch.Tensor) -> torch.Tensor:
        """Spectra ``(side³, c)`` to `cut` slices of maps ``(c, N, N, N)`` from.

        Linear interpolation between nodes multiplies a map by sinc² along each axis: divided out beforehand.
        """
        axes, start = (1, 2, 3), self.middle - self.box // 2
        centred = torch.fft.ifftshift(volumes / self._envelope, dim=axes)
        inside = torch.fft.fftshift(torch.fft.fftn(centred, dim=axes), dim=axes)
        full = torch.zeros(len(volumes), *(self.side,) * 3, dtype=inside.dtype, device=inside.device)
        window = (slice(None), *(slice(start, start + self.box),) * 3)
        full[window] = inside
        return full.reshape(len(volumes), -1).T.contiguous()

    def volumes(self, spectra: torch.Tensor) -> torch.Tensor:
        """Maps ``(c, N, N, N)`` of spectra ``(side³, c)`` whose nodes are means of the samples near them.

        Such a mean multiplies a map by sinc² as interpolation does: divided out too, so this is not `spectra` undone.
        """
        axes, start = (1, 2, 3), self.middle - self.box // 2
        cube = spectra.T.reshape(-1, *(self.side,) * 3)
        window = (slice(None), *(slice(start, start + self.box),) * 3)
        inside = torch.fft.ifftshift(cube[window], dim=axes)
        return torch.fft.fftshift(torch.fft.ifftn(inside, dim=axes).real, dim=axes) / self._envelope
