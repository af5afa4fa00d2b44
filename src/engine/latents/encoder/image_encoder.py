"""The encoder as a source of latents: mean and variance of each particle told from its image by one network.

The variational auto-encoder of cryoDRGN (Zhong et al. 2021): a draw goes to the decoder, whose gradient there is that
of the network. Before both are trained together the network learns the latents of the decoder's first guess, so that
what the guess has found is not lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ....errors import InputError
from ...decoders.decoder import Decoder, Output, Pass
from ...optimisers import Adam
from ...training.adam_state import adam_tensors, restore_adam
from ...training.batch_cache import BatchCache
from ...training.batches import Batch
from ...training.pose_corrections import Poses
from ...training.schedule import epochs_for
from ...training.trainer import Trainer
from ..diagonal import nothing_known, precision_of, with_poses
from ..divergence import beta_in, divergence
from ..latent_source import LatentSource
from .encoder_input import EncoderInput
from .encoder_network import seeded_network
from .encoder_parameters import NUMBERS, OWN, EncoderParameters
from .learn_guess import learn_guess, place_all
from .trained_encoder import TrainedEncoder, write_encoder

TIMES_PASSES = 2  # as many as a flow takes whose latents jump to where they are best
SCALED = 1000  # images from which the scale of what the network sees is found


@dataclass(frozen=True)
class _EncodedBatch:
    """The network's output for a batch: mean, log variance, and the draw ``(b, k)``, differentiable."""

    mean: torch.Tensor
    log_variance: torch.Tensor
    drawn: torch.Tensor


class ImageEncoder(LatentSource):
    """``given`` ``(n, k)`` are latents to begin with, or None."""

    measures, takes_spare = ("kl",), False
    encoder: TrainedEncoder
    optimiser: Adam

    def __init__(self, settings: EncoderParameters | None = None, given: np.ndarray | None = None) -> None:
        self.settings, self.given = settings or EncoderParameters(), given
        self.rates = self.settings.encoder_rate, self.settings.final_encoder_rate
        self._beta = 0.0

    def passes(self, decoder: Decoder, particles: int, batch_size: int) -> int | None:
        """Twice as many as a flow with latents that jump to where they are best, or as many as the decoder wants if
        those are more.
        """
        return max(TIMES_PASSES * epochs_for(particles, batch_size), decoder.passes(particles, batch_size))

    def begin(self, trainer: Trainer, dims: int) -> None:
        """Have a network that has learned nothing, and latents of ``dims`` dimensions."""
        super().begin(trainer, dims)
        s, images = self.settings, trainer.images
        box = min(s.encoder_box or images.box, images.box) // 2 * 2
        seen = EncoderInput(box, images.pixel_size * images.box / box, s.encoder_view == "aligned")
        network = seeded_network(seen.size, s.encoder_units, s.encoder_layers, dims, trainer.seed).to(trainer.device)
        self.encoder = TrainedEncoder(network, seen, images.box, images.pixel_size)
        self.optimiser = Adam(network.parameters(), lr=self.rates[0])
        self._cache = BatchCache(images, trainer.device)
        self._set_scale(trainer)
        trainer.team.agree([value.data for value in network.parameters()])

    def _set_scale(self, trainer: Trainer) -> None:
        """Divide what the network sees by its root mean square in some of the images."""
        count = len(trainer.images)
        rows = np.unique(np.linspace(0, count - 1, min(count, SCALED)).astype(np.int64))
        fixed = Poses.fixed(count, trainer.device)
        total = sum(float(self.encoder.seen(batch, fixed).square().mean(dim=1).sum())
                    for batch in self._cache.batches(np.array_split(rows, -(-len(rows) // 100)), self.encoder.seen.box))
        scale = torch.tensor([max(total / len(rows), 1e-30) ** 0.5], dtype=torch.float64, device=trainer.device)
        trainer.team.agree([scale])
        self.encoder = replace(self.encoder, seen=replace(self.encoder.seen, scale=float(scale)))

    def begin_pass(self, now: Pass, decoder: Decoder) -> None:
        """With the weight that the prior has in it; before the first, learn the first guess."""
        self._beta = beta_in(self.settings, now)
        if now.epoch == 0 and self.settings.encoder_warmup:
            self._learn_guess(now, decoder)

    def _learn_guess(self, now: Pass, decoder: Decoder) -> None:
        if decoder.straight and self.given is None:
            place_all(now, decoder)
        if self.given is None and nothing_known(now.points.precision):
            return

        def encode(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
            return self.encoder.network(self.sees(now, batch))

        learn_guess(now, encode, self.optimiser, self.settings.encoder_warmup)

    def sees(self, now: Pass, batch: Batch) -> torch.Tensor:
        """What the network sees ``(b, p)`` of a batch's images, whatever box these have here."""
        if self.settings.encoder_shown != OWN:
            return self._twins(now, batch.rows)
        if batch.images.shape[-2] >= self.encoder.seen.box:
            return self.encoder.seen(batch, now.stage.poses)
        whole = next(iter(self._cache.batches([batch.rows.cpu().numpy()], self.encoder.seen.box)))
        return self.encoder.seen(replace(whole, correction=batch.correction), now.stage.poses)

    def _twins(self, now: Pass, rows: torch.Tensor) -> torch.Tensor:
        """What the network sees ``(b, p)`` in place of the images of particles ``rows`` where it is put to a test."""
        trainer, numbers = now.trainer, rows.cpu().numpy()
        if self.settings.encoder_shown == NUMBERS:
            seen = [np.random.default_rng((trainer.seed, 41, row)).standard_normal(self.encoder.seen.size, np.float32)
                    for row in numbers]  # fmt: skip
            return torch.from_numpy(np.stack(seen)).to(trainer.device)
        order = np.random.default_rng((trainer.seed, 42)).permutation(len(trainer.images))
        other = np.empty_like(order)
        other[order] = np.roll(order, 1)  # no particle keeps its own
        batch = next(iter(self._cache.batches([other[numbers]], self.encoder.seen.box)))
        return self.encoder.seen(now.stage.poses.corrected(batch), now.stage.poses)

    def place_again(
        self, now: Pass, decoder: Decoder, batch: Batch, z: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As the network encodes the images that it is given here, whichever they are."""
        if batch.images.shape[-2] < self.encoder.seen.box:
            raise InputError(f"The encoder sees images of {self.encoder.seen.box} pixels, and these have "
                             f"{batch.images.shape[-2]}; train with a higher --resolution to place them.")  # fmt: skip
        mean, log_variance = self.encoder.network(self.encoder.seen(batch, now.stage.poses))
        return mean, precision_of(log_variance)

    def move(self, now: Pass, decoder: Decoder, batch: Batch, white: torch.Tensor) -> tuple[Batch, torch.Tensor]:
        """The network's output for the batch, and a draw of it, which the decoder is to leave its gradient in.

        A decoder that is linear learns from means and variances.
        """
        mean, log_variance = self.encoder.network(self.sees(now, batch))
        self._encoded = _EncodedBatch(mean, log_variance, mean + (0.5 * log_variance).exp() * white.to(mean))
        now.points.z[batch.rows] = mean.detach()
        now.points.precision[batch.rows] = precision_of(log_variance.detach())
        if decoder.straight:
            return batch, mean.detach()
        z = self._encoded.drawn.detach()
        return with_poses(now, decoder, batch, mean.detach(), z), z.requires_grad_()

    def learn(self, now: Pass, decoder: Decoder, batch: Batch, z: torch.Tensor, size: int) -> torch.Tensor:
        """Add the gradient of the network."""
        encoded = self._encoded
        if decoder.straight:  # it has learned without a gradient
            z = encoded.drawn.detach().requires_grad_()
            weight = torch.ones(len(batch), device=z.device) if batch.weight is None else batch.weight
            (weight @ now.stage.misfit(batch, decoder.predict(now.stage, batch, z)) / size).backward()
        share = divergence(encoded.mean, encoded.log_variance).sum() / size
        gradient = torch.zeros_like(encoded.mean) if z.grad is None else z.grad
        ((encoded.drawn * gradient).sum() + self._beta * share).backward()
        return share.detach()[None]

    def finish_pass(self, now: Pass, decoder: Decoder) -> None:
        """After a pass: the latents of all particles, by the network as it is now."""
        trainer, points = now.trainer, now.points
        rows = trainer.team.share(np.arange(len(trainer.images)))
        counter = trainer.counter("encoding", len(rows))
        for batch in now.stage.batches(rows):
            with torch.no_grad():
                mean, log_variance = self.encoder.network(self.sees(now, batch))
            points.z[batch.rows], points.precision[batch.rows] = mean, precision_of(log_variance)
            counter(len(batch))
        points.collect(trainer, rows)

    def write(self, output: Output, trainer: Trainer) -> None:
        """encoder.safetensors, with which `encode` finds the latents of other images."""
        write_encoder(output, self.encoder)

    def state(self) -> dict[str, torch.Tensor]:
        """The network, and what Adam knows of it."""
        weights = {f"network.{name}": value for name, value in self.encoder.network.state_dict().items()}
        scale = torch.tensor(self.encoder.seen.scale, dtype=torch.float64)
        return {**weights, **adam_tensors(self.optimiser), "scale": scale}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Be as `state` was."""
        weights = {name[8:]: value for name, value in tensors.items() if name.startswith("network.")}
        self.encoder.network.load_state_dict(weights)
        self.encoder = replace(self.encoder, seen=replace(self.encoder.seen, scale=float(tensors["scale"])))
        restore_adam(self.optimiser, tensors)
