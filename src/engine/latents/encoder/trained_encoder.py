"""An encoder on disk, and the latents that it tells of images, those that it was trained on or others."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ....errors import InputError
from ...decoders.decoder import Output
from ...training.batches import Batch, ParticleImages, pieces
from ...training.pose_corrections import Poses
from .encoder_input import EncoderInput
from .encoder_network import EncoderNetwork

FILE, FORMAT = "encoder.safetensors", "flexrec-encoder"
AT_ONCE = 256  # images


@dataclass(frozen=True)
class TrainedEncoder:
    """A network, what it sees, and the ``box`` and ``pixel_size`` (Å) of the images that it was trained on."""

    network: EncoderNetwork
    seen: EncoderInput
    box: int
    pixel_size: float

    @torch.no_grad()
    def encode_batch(self, batch: Batch, poses: Poses) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and variance ``(b, k)`` of the latents of a batch's images."""
        mean, log_variance = self.network(self.seen(batch, poses))
        return mean, log_variance.exp()


def write_encoder(output: Output, encoder: TrainedEncoder) -> None:
    """Write encoder.safetensors, whole."""
    from safetensors.torch import save_file

    seen, head = encoder.seen, encoder.network.head
    facts = {"box": encoder.box, "pixel_size": encoder.pixel_size, "seen_box": seen.box, "aligned": seen.aligned,
             "scale": seen.scale, "units": head.in_features, "dims": head.out_features // 2,
             "layers": (len(encoder.network.body) - 2) // 2}  # fmt: skip
    weights = {name: value.detach().cpu().contiguous() for name, value in encoder.network.state_dict().items()}
    with output(FILE) as path:
        save_file(weights, path, metadata={"format": FORMAT, "facts": json.dumps(facts)})


def read_encoder(folder: Path, device: str | torch.device = "cpu") -> TrainedEncoder:
    """The encoder in a train job's folder; ``InputError`` where there is none that can be read."""
    from safetensors import SafetensorError, safe_open

    path = folder / FILE
    if not path.is_file():
        raise InputError(f"{folder}: has no encoder; train with --latents encoder, or give the folder of such a job.")
    try:
        with safe_open(path, framework="pt") as file:
            if file.metadata()["format"] != FORMAT:
                raise ValueError("it is of another format")
            facts = json.loads(file.metadata()["facts"])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        box, pixel_size, seen_box = int(facts["box"]), float(facts["pixel_size"]), int(facts["seen_box"])
        seen = EncoderInput(seen_box, pixel_size * box / seen_box, bool(facts["aligned"]), float(facts["scale"]))
        network = EncoderNetwork(seen.size, int(facts["units"]), int(facts["layers"]), int(facts["dims"]))
        network.load_state_dict(weights)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        raise InputError(f"{path}: cannot be read ({error}); train again, or copy the folder again.") from None
    return TrainedEncoder(network.to(device), seen, box, pixel_size)


def check_images(encoder: TrainedEncoder, images: ParticleImages) -> None:
    """``InputError`` where images are not as those that the encoder was trained on."""
    if images.box != encoder.box:
        raise InputError(
            f"The images have a box of {images.box} pixels, and the encoder was trained on {encoder.box}; prepare them "
            f"with --box {encoder.box}, or train an encoder on these."
        )
    if abs(images.pixel_size / encoder.pixel_size - 1) > 0.01:
        raise InputError(
            f"The images have pixels of {images.pixel_size:.3f} Å, and the encoder was trained on "
            f"{encoder.pixel_size:.3f} Å; prepare them from the same field of view, or train an encoder on these."
        )


def encode(
    encoder: TrainedEncoder, images: ParticleImages, rows: np.ndarray | None = None, poses: Poses | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """What an encoder says of images: mean and variance ``(m, k)`` float32 of the latents of particles ``rows`` (all).

    ``poses`` are corrections of the particles' poses, none where not given. The images' CTFs, shifts and, for an
    encoder that sees them aligned, poses are those of their particles. To encode changed images, give `ParticleImages`
    a stack that reads them. ``InputError`` where the images are of another box.
    """
    check_images(encoder, images)
    device = encoder.network.head.weight.device
    rows = np.arange(len(images)) if rows is None else np.asarray(rows, np.int64)
    poses = poses or Poses.fixed(len(images), device)
    parts = [encoder.encode_batch(poses.corrected(batch.to(device)), poses)
             for batch in _batches(encoder, images, rows)]  # fmt: skip
    dims = encoder.network.head.out_features // 2
    empty = torch.zeros(0, dims, device=device)
    mean, variance = (torch.cat([empty, *part]).cpu().numpy() for part in (zip(*parts) if parts else ((), ())))
    return mean, variance


def _batches(encoder: TrainedEncoder, images: ParticleImages, rows: np.ndarray) -> Iterable[Batch]:
    return images.batches(pieces(rows, AT_ONCE) if len(rows) else [], encoder.seen.box)
