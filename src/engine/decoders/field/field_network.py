"""The network of the field decoder: from an encoded frequency and a latent point to the transform of the map there.

cryoDRGN's (Zhong et al. 2021): the position as sines and cosines of its products with some directions, then layers of
equal width, each added to what it was given, with max(0, ·) between. Here the first layer is in two parts, since the
latent point is the same at all positions of an image.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.nn.functional import linear, relu

from .field_parameters import FieldParameters


def encoding_directions(settings: FieldParameters, box: int, seed: int) -> torch.Tensor:
    """Directions ``(f, 3)``: a position, in units of 1 / field of view, is encoded by its products with them.

    As many as cryoDRGN has, half of the box along each axis: normally distributed ones, or those along the axes in a
    geometric series from Nyquist's to the box's own length.
    """
    half = box // 2
    if settings.encoding == "gaussian":
        generator = torch.Generator().manual_seed(seed)
        return settings.feature_sigma * torch.randn(3 * half, 3, generator=generator) * half / box
    series = half * (1 / half) ** (torch.arange(half) / max(half - 1, 1)) / box
    return torch.cat([series[:, None] * axis for axis in torch.eye(3)])


class FieldNetwork(torch.nn.Module):
    """``outputs`` numbers at each position. Directions ``(f, 3)`` stay as they are.

    ``exact`` : compute in single precision throughout; else matrices are multiplied in bfloat16 where the device has
    units for it, sums being single. ``layer`` : each layer's sums pass through the module of its name, unchanged.
    Layers are multiplied as matrices and not called, so whoever wants to see what they put out hooks these.
    """

    directions: torch.Tensor

    def __init__(self, directions: torch.Tensor, latent_dims: int, units: int, layers: int, outputs: int) -> None:
        super().__init__()
        self.register_buffer("directions", directions)
        self.position = torch.nn.Linear(2 * len(directions), units)
        self.latent = torch.nn.Linear(latent_dims, units, bias=False)
        self.hidden = torch.nn.ModuleList(torch.nn.Linear(units, units) for _ in range(layers))
        self.last = torch.nn.Linear(units, outputs)
        names = ("first", *(f"hidden_{number + 1}" for number in range(layers)), "last")
        self.layer = torch.nn.ModuleDict({name: torch.nn.Identity() for name in names})
        self.exact = False

    @property
    def kind(self) -> torch.dtype:
        """What matrices are multiplied in."""
        return torch.float32 if self.exact else fast_type(self.directions.device)

    def encoded(self, place: torch.Tensor) -> torch.Tensor:
        """Positions ``(…, 3)`` in units of 1 / field of view as the first layer takes them, ``(…, 2 f)``."""
        phase = place @ self.directions.T
        return torch.cat([torch.sin(phase), torch.cos(phase)], dim=-1).to(self.kind)

    def forward(self, encoded: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """Values ``(b, p, outputs)`` float32 at positions ``(b, p, 2 f)``, of each latent point ``(b, k)``."""
        first, *hidden, last = self.layer.values()
        sums = first(self._first(encoded, z))
        for seen, (matrix, offset) in zip(hidden, self._layers(), strict=True):
            sums = seen(linear(relu(sums), matrix, offset))
        return last(linear(relu(sums), self.last.weight.to(sums.dtype), self.last.bias.to(sums.dtype)).float())

    @contextmanager
    def exactly(self) -> Iterator[None]:
        """Single precision throughout, for maps that are kept."""
        self.exact = True
        try:
            yield
        finally:
            self.exact = False

    @torch.no_grad()
    def with_slopes(self, encoded: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As `forward`, and the derivatives ``(b, k, p, outputs)`` by the latent point, exactly."""
        sums = self._first(encoded, z)
        # forward mode: ∂/∂zₖ of the first layer's sums is the same at all positions
        slopes = [weight * _step_function(sums) for weight in self.latent.weight.T.to(sums.dtype)]
        for matrix, offset in self._layers():
            sums = linear(relu(sums), matrix, offset)
            slopes = [linear(slope, matrix).mul_(_step_function(sums)) for slope in slopes]
        last, offset = self.last.weight.to(sums.dtype), self.last.bias.to(sums.dtype)
        changes = torch.stack([linear(slope, last).float() for slope in slopes], dim=1)
        return linear(relu(sums), last, offset).float(), changes

    def reparametrise(self, mean: torch.Tensor, factor: torch.Tensor) -> None:
        """Rewrite it for latents z' with z = z' @ factor + mean; ``mean`` ``(k,)``, ``factor`` ``(k, k)``."""
        with torch.no_grad():
            self.position.bias.add_(self.latent.weight @ mean)
            self.latent.weight.copy_(self.latent.weight @ factor.T)

    def plain(self) -> dict[str, np.ndarray]:
        """The layers as matrices ``matrix_0`` ``(units, 2 f + k)`` … and ``offset_0`` …, skips within them."""
        with torch.no_grad():
            first = torch.cat([self.position.weight, self.latent.weight], dim=1)
            hidden = self._layers(torch.float32)
            matrices = [first, *(matrix for matrix, _ in hidden), self.last.weight]
            offsets = [self.position.bias, *(offset for _, offset in hidden), self.last.bias]
            layers = {f"matrix_{number}": matrix for number, matrix in enumerate(matrices)}
            layers |= {f"offset_{number}": offset for number, offset in enumerate(offsets)}
            return {name: value.cpu().numpy() for name, value in {"directions": self.directions, **layers}.items()}

    def _first(self, encoded: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """The first layer's sums ``(b, p, units)``."""
        constant = linear(z, self.latent.weight, self.position.bias)[:, None]
        return linear(encoded, self.position.weight.to(encoded.dtype)) + constant.to(encoded.dtype)

    def _layers(self, kind: torch.dtype | None = None) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Matrix and offset of each hidden layer; what skips a layer is in its matrix, which costs no pass of its own.
        """
        eye, kind = torch.eye(len(self.position.bias), device=self.directions.device), kind or self.kind
        layers = [layer for layer in self.hidden if isinstance(layer, torch.nn.Linear)]  # all: a list has no types
        return [((layer.weight + eye).to(kind), layer.bias.to(kind)) for layer in layers]


def _step_function(sums: torch.Tensor) -> torch.Tensor:
    """The derivative of max(0, ·), in the type of ``sums``, which is far quicker to multiply with than bool."""
    return (sums > 0).to(sums.dtype)


def fast_type(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies matrices of it several times as fast as of float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    capabilities: Any = getattr(torch.cpu, "get_capabilities", dict)() if device.type == "cpu" else {}
    return torch.bfloat16 if capabilities.get("amx_bf16", False) else torch.float32
