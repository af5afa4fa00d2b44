"""What training changes of a field, and the images that it predicts.

An image is a central slice of the transform, so it is what the network gives at the places of the image's own
frequencies (`field_transform.py`), and nothing is projected but the map of the rigid molecule, which the network
changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from ...maps.half_maps import HalfMaps
from ...optimisers import Adam
from ...projector.central_slices import PlaneSamples, SliceGrid, slice_places
from ...training.batches import Batch, pieces
from ...training.schedule import ResolutionLevel
from ...training.stage import Stage
from ...training.trainer import Trainer
from ..decoder import Decoder
from .drawn_samples import DrawnSamples
from .field_network import FieldNetwork, encoding_directions
from .field_parameters import FieldParameters
from .field_transform import amplitude_at, complex_parts, field_volume, half_space, shell_amplitude

LAST_RATE = 0.05  # of the first
# numbers of a layer at a time: gradients of a batch add up, so that memory does not grow with batch or box
NUMBERS = {"cpu": 1 << 22, "cuda": 1 << 27, "mps": 1 << 25}
# voxels of maps that slices are cut out of, of twice the field of view; more would take too much memory
PADDED = 1 << 26


class FieldState(Decoder):
    """``network`` and the shells' ``amplitude`` ``(D // 2 + 1,)`` that its numbers are in units of, known up to shell
    ``known_shells``. ``maps`` are those of the rigid molecule. ``mean`` ``(k,)`` is that of the latents.
    """

    settings: FieldParameters
    network: FieldNetwork
    optimiser: Adam
    amplitude: torch.Tensor
    mean: torch.Tensor
    noise: torch.Tensor
    maps: HalfMaps
    _rest: torch.Tensor  # the mesh's vertices

    def __init__(self, settings: FieldParameters | None = None) -> None:
        self.settings, self.information, self.known_shells = settings or FieldParameters(), np.zeros(0), 0
        self.rates = self.settings.first_rate, LAST_RATE * self.settings.first_rate
        self._plane: tuple[torch.Tensor, PlaneSamples] | None = None
        self._rigid: tuple[torch.Tensor, torch.Tensor] | None = None

    @property
    def hartley(self) -> bool:
        """Whether the network gives Hartley numbers."""
        return self.settings.domain == "hartley"

    def build(self, trainer: Trainer, dims: int) -> None:
        """Have a network that has learned nothing."""
        s, box = self.settings, trainer.images.box
        torch.manual_seed(trainer.seed)
        directions = encoding_directions(s, box, trainer.seed)
        network = FieldNetwork(directions, dims, s.field_units, s.field_layers, 1 if self.hartley else 2)
        self.network = network.to(trainer.device)
        self.mean, self._rest = torch.zeros(dims, device=trainer.device), trainer.rest
        learned = [value for value in self.network.parameters() if value.requires_grad]
        self.optimiser = Adam(learned, lr=self.rates[0])

    def take_amplitude(self, stage: Stage, level: ResolutionLevel) -> None:
        """Learn the amplitude of shells that were not known; those that were stay, and with them what is predicted."""
        fresh = torch.from_numpy(shell_amplitude(stage.cloud, self.maps)).to(stage.device)
        top = min(int(level.band * stage.box / 2), len(self.amplitude) - 1)
        self.amplitude[self.known_shells : top + 1] = fresh[self.known_shells : top + 1]
        self.amplitude[top + 1 :] = fresh[top]
        self.known_shells = top + 1

    def predict(self, stage: Stage, batch: Batch, z: torch.Tensor) -> torch.Tensor:
        """Images ``(b, d, d // 2 + 1)`` in Fourier space at latents ``(b, k)``, or ``(1, k)`` for all of them."""
        z = z.expand(len(batch), -1)
        changes = [self.change(stage, batch.picked(some), z[some]) for some in self.pieces(stage, len(batch))]
        return self.rigid(stage, batch) + self._images(stage, torch.cat(changes))

    def predict_with_slopes(self, stage: Stage, batch: Batch, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As `predict`, and the images' derivatives ``(b, k, …)`` by z, which are carried forward through the network.
        """
        values, slopes = [], []
        for some in self.pieces(stage, len(batch), 1 + z.shape[1]):
            place, opposite, scale = self._asked(stage, batch.picked(some))
            value, slope = self.network.with_slopes(self.network.encoded(place), z[some])
            values.append(scale * complex_parts(value, opposite, self.hartley))
            slopes.append(scale[:, None] * complex_parts(slope, opposite[:, None], self.hartley))
        changes = self._images(stage, torch.cat(slopes).flatten(0, 1)).unflatten(0, (len(batch), z.shape[1]))
        return self.rigid(stage, batch) + self._images(stage, torch.cat(values)), changes

    def images_at(self, stage: Stage, z: torch.Tensor) -> Callable[[Batch], Iterator[torch.Tensor]]:
        """See `Predictor`; slices cut out of the change's map at each point, so that no image asks the network."""
        grid = SliceGrid(stage.weights, 2 if len(z) * (2 * stage.box) ** 3 <= PADDED else 1)
        changes = (self.change_map(stage, stage.box // 2, point, grid.padding) for point in z)
        spectra = torch.cat([grid.spectra(change[None]) for change in changes], dim=1)

        def images(batch: Batch) -> Iterator[torch.Tensor]:
            samples = grid.cut(spectra, grid.nodes(batch.rotation)) * batch.transfer[:, grid.used, None]
            for of_point in samples.unbind(dim=-1):
                yield self.rigid(stage, batch) + self._images(stage, torch.view_as_real(of_point.contiguous()))

        return images

    def rigid(self, stage: Stage, batch: Batch) -> torch.Tensor:
        """Images ``(b, d, d // 2 + 1)`` of the rigid molecule; those of the last batch are kept."""
        if self._rigid is None or self._rigid[0] is not batch.images:
            with torch.no_grad():
                self._rigid = batch.images, stage.forward(batch, self._rest)
        return self._rigid[1]

    def change_map(self, stage: Stage, radius: int, z: torch.Tensor, padding: int = 1) -> torch.Tensor:
        """What the map at a latent point ``(k,)`` has beyond the rigid molecule's, see `field_volume`."""
        most = max(1, NUMBERS[stage.device.type] // self.settings.field_units)
        return field_volume(self.network, self.amplitude, radius, stage.box, z, most, padding)

    def plane(self, stage: Stage) -> PlaneSamples:
        """The frequencies of a stage's images that are compared."""
        if self._plane is None or self._plane[0] is not stage.weights:
            self._plane = stage.weights, PlaneSamples(stage.weights)
        return self._plane[1]

    def _asked(
        self, stage: Stage, batch: Batch, drawn: DrawnSamples | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Positions to ask the network for, which are opposite, and what its numbers are times ``(b, p, 1)``."""
        plane = self.plane(stage)
        transfer, at = batch.transfer[:, plane.used], plane if drawn is None else drawn
        asked, opposite = half_space(slice_places(at.kx, at.ky, batch.rotation), self.hartley)
        scale = amplitude_at(self.amplitude, torch.hypot(at.kx, at.ky))
        return asked, opposite, (scale * (transfer if drawn is None else drawn.of(transfer)))[..., None]

    def change(
        self, stage: Stage, batch: Batch, z: torch.Tensor, drawn: DrawnSamples | None = None
    ) -> torch.Tensor:
        """What images have beyond the rigid molecule's: real and imaginary parts ``(b, p, 2)`` of their samples, or of
        those that are ``drawn``.
        """
        asked, opposite, scale = self._asked(stage, batch, drawn)
        return scale * complex_parts(self.network(self.network.encoded(asked), z), opposite, self.hartley)

    def _images(self, stage: Stage, samples: torch.Tensor) -> torch.Tensor:
        """Images ``(b, d, d // 2 + 1)``, their origin at pixel ``d // 2``, of samples ``(b, p, 2)`` at origin 0."""
        plane = self.plane(stage)
        images = torch.zeros(len(samples), *stage.weights.shape, dtype=torch.complex64, device=samples.device)
        images[:, plane.used] = torch.view_as_complex(samples.contiguous())
        images[:, plane.used] = plane.samples(images)  # to pixel N // 2: its own inverse
        return images

    def pieces(self, stage: Stage, count: int, times: int = 1) -> Iterator[torch.Tensor]:
        """Places ``(m,)`` of ``count`` images in their batch, a few at a time: a layer has ``NUMBERS`` values at most,
        each image being evaluated ``times`` times.
        """
        values_per_image = len(self.plane(stage).kx) * self.settings.field_units * times * (2 if self.hartley else 1)
        for some in pieces(np.arange(count), max(1, NUMBERS[stage.device.type] // values_per_image)):
            yield torch.from_numpy(some).to(stage.device)

    def substitute(self, mean: torch.Tensor, factor: torch.Tensor) -> None:
        """Take latents z' with z = z' @ factor + mean in place of z, the field staying the same."""
        self.network.reparametrise(mean, factor)

    def shared(self) -> list[torch.Tensor]:
        """What a team must agree on, to the last bit."""
        return [*super().shared(), self.amplitude, *(value.data for value in self.network.parameters())]
