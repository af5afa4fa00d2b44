"""cryoDRGN's decoder: a network from a position in Fourier space and a latent point to the transform there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from .cryodrgn_config import CryodrgnConfig
from .position_encoding import FirstLayer, encoded_size, phased_layer, tabled_layer

_LAYER = re.compile(r"main\.(\d+)(\.linear)?\.(weight|bias)")
_TOPS = ("decoder.decoder.", "decoder.", "mlp.", "")


@dataclass(frozen=True, eq=False)
class CoordinateNetwork:
    """Layers with an activation between them; the residual connection of a layer is in its matrix.

    Attributes
    ----------
    matrices : float32 ``(out, in)`` each, the first on an encoded position and the latent point. offsets : ``(out,)``.
    slope : of the activation where negative. directions : ``(f, 3)`` of a gaussian encoding, else None.
    latent_frequencies : ``(w,)`` of an encoding of the latent point, else None.
    """

    matrices: tuple[np.ndarray, ...]
    offsets: tuple[np.ndarray, ...]
    slope: float
    directions: np.ndarray | None
    latent_frequencies: np.ndarray | None = None

    @property
    def cost(self) -> int:
        """Multiplications for each point."""
        return sum(matrix.size for matrix in self.matrices)

    @property
    def outputs(self) -> int:
        """1 of Hartley, 2 of Fourier: real and imaginary part."""
        return len(self.offsets[-1])

    def first(self, config: CryodrgnConfig, axis: np.ndarray, z: np.ndarray) -> FirstLayer:
        """The first layer on a lattice with coordinates ``axis`` ``(N,)``, at a latent point ``(K,)``."""
        matrix, size = self.matrices[0], encoded_size(config.encoding, config.encoding_dims)
        constant = self.offsets[0] + matrix[:, size:] @ self.encoded(z)
        if self.directions is not None:
            return phased_layer(matrix[:, :size], constant, axis, self.directions, config.side)
        return tabled_layer(matrix[:, :size], constant, axis, config.encoding, config.side, config.encoding_dims)

    def encoded(self, z: np.ndarray) -> np.ndarray:
        """A latent point ``(K,)`` as the network is given it."""
        if self.latent_frequencies is None:
            return z
        phase = z[:, None] * self.latent_frequencies
        return np.concatenate([np.sin(phase), np.cos(phase)], axis=1).ravel()

    def rest(self, sums: np.ndarray) -> np.ndarray:
        """``(m, outputs)`` of the first layer's sums ``(m, h)``, which are overwritten."""
        for matrix, offset in zip(self.matrices[1:], self.offsets[1:]):
            self._activate(sums)
            sums = sums @ matrix.T
            sums += offset
        return sums

    def _activate(self, sums: np.ndarray) -> None:
        if self.slope:
            np.maximum(sums, self.slope * sums, out=sums)
        else:
            np.maximum(sums, 0, out=sums)


def network_of(config: CryodrgnConfig, weights: dict[str, np.ndarray], file: Path) -> CoordinateNetwork:
    """The decoder of a checkpoint from its ``weights`` by name; ``InputError`` where they do not fit the config."""
    weights = {name.removeprefix("module."): array for name, array in weights.items()}
    top = next((top for top in _TOPS if f"{top}main.0.weight" in weights or f"{top}main.0.linear.weight" in weights),
               None)  # fmt: skip
    if top is None:
        raise InputError(f"{file}: has no weights of a decoder of cryoDRGN's; where they are of a program that came "
                         "from it, such as OPUS-DSD, open a folder of its maps, else copy this one again.")  # fmt: skip
    matrices, offsets = _layers(weights, top, file)
    directions = next((weights[name] for name in ("decoder.rand_freqs", "rand_freqs") if name in weights), None)
    latent = weights.get("geom_freqs_conf")
    network = CoordinateNetwork(matrices, offsets, config.slope, directions, latent)
    _check(config, network, file)
    return network


def _layers(
    weights: dict[str, np.ndarray], top: str, file: Path
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Matrices and offsets in order."""
    parts: dict[int, dict[str, np.ndarray]] = {}
    skipped = set()
    for name, array in weights.items():
        match = _LAYER.fullmatch(name.removeprefix(top)) if name.startswith(top) else None
        if match:
            parts.setdefault(int(match[1]), {})[match[3]] = array
            if match[2]:
                skipped.add(int(match[1]))
    matrices: list[np.ndarray] = []
    offsets: list[np.ndarray] = []
    for number in sorted(parts):
        if set(parts[number]) != {"weight", "bias"}:
            raise InputError(f"{file}: layer {number} of the decoder is not whole; copy the folder again.")
        matrix, offset = (np.asarray(parts[number][name], np.float32) for name in ("weight", "bias"))
        inputs = len(offsets[-1]) if offsets else None
        fits = matrix.ndim == 2 and offset.shape == matrix.shape[:1] and inputs in (None, matrix.shape[1])
        if not fits or (number in skipped and matrix.shape[0] != matrix.shape[1]):
            raise InputError(f"{file}: layer {number} of the decoder does not fit the others; copy the folder again.")
        if not (np.isfinite(matrix).all() and np.isfinite(offset).all()):
            raise InputError(f"{file}: holds weights that are not numbers, so there is no map; open another epoch.")
        matrices.append(matrix + np.eye(len(matrix), dtype=np.float32) if number in skipped else matrix)
        offsets.append(offset)
    return tuple(matrices), tuple(offsets)


def _check(config: CryodrgnConfig, network: CoordinateNetwork, file: Path) -> None:
    """``InputError`` where config and weights disagree."""
    gaussian = config.encoding == "gaussian"
    dims = config.zdim * (1 if network.latent_frequencies is None else 2 * len(network.latent_frequencies))
    inputs = encoded_size(config.encoding, config.encoding_dims) + dims
    shape = None if network.directions is None else network.directions.shape
    wrong = (
        network.matrices[0].shape[1] != inputs
        or (shape is not None) != gaussian
        or (gaussian and shape != (3 * config.encoding_dims, 3))
        or network.outputs != (1 if config.domain == "hartley" else 2)
        or (config.encoding == "linear_lowf" and config.encoding_dims != config.side // 2)
        or len(network.matrices) < 2
    )
    if wrong:
        raise InputError(f"{file}: its decoder takes {network.matrices[0].shape[1]} numbers where {config.file.name} "
                         f"speaks of {inputs}, {config.encoding} and {config.domain}; the two are of different "
                         "trainings, copy the folder again.")  # fmt: skip
