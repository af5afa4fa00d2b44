"""A trained model on disk, and what training needs to go on: JSON, NPZ, MRC and safetensors, no pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ..decoders.decoder import Output
from ..maps.half_maps import HalfMaps
from .shared_poses import SharedCorrections
from .stage import Stage
from .trainer import Trainer
from .training_loop import Training

VERSION = 1
RESUME = "resume.safetensors"
# what latents.npz has of particles that the model has not seen: no place, and the prior's precision
_UNKNOWN = {"z": np.nan, "precision": 1.0, "probability": np.nan, "signal_scale": 1.0,
            "pose_correction": 0.0}  # fmt: skip


def save_model(
    output: Output, trainer: Trainer, training: Training, stage: Stage, prepared: str, subset: Subset | None = None
) -> None:
    """Write the decoder's files, latents.npz, training.npz and, last, model.json; ``prepared`` is prep's folder.

    ``subset`` says which of prep's particles the trainer has, if not all.
    """
    decoder = training.decoder
    decoder.write(output, trainer, stage)
    training.source.write(output, trainer)
    z, precision = decoder.known(training.points, trainer.settings.latent_dims)
    # Any: by its types, a name of ours could be an option of savez
    latents: dict[str, Any] = {"z": z.cpu().numpy(), "precision": precision.cpu().numpy(), **particle_arrays(trainer)}
    if subset is not None:
        latents |= {name: subset.expand(values, _UNKNOWN[name]) for name, values in latents.items() if name in _UNKNOWN}
    passes: dict[str, Any] = {"information": decoder.information, "noise": decoder.noise.cpu().numpy(),
                              "fsc": decoder.maps.fsc.cpu().numpy(), **history_arrays(training.history)}  # fmt: skip
    for name, arrays in (("latents.npz", latents), ("training.npz", passes)):
        with output(name) as path:
            np.savez(path, **arrays)
    record = {
        "format": decoder.format,
        "version": VERSION,
        **asdict(trainer.settings),
        **asdict(decoder.settings),
        **asdict(training.source.settings),
        "box": trainer.images.box,
        "pixel_size": trainer.images.pixel_size,
        "particles": len(z),
        "epoch": training.epoch,
        "epochs": trainer.epochs,
        "stage_box": stage.box,
        "prepared": prepared,
    }
    with output("model.json") as path:
        path.write_text(json.dumps(record, indent=1, default=str) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Subset:
    """Of prep's ``count`` particles, those at ``rows`` ``(m,)``."""

    rows: np.ndarray
    count: int

    def expand(self, values: np.ndarray, others: float) -> np.ndarray:
        """``values`` ``(m, …)`` as ``(count, …)``, the other particles having ``others`` (an identity, of matrices)."""
        default = others * np.eye(values.shape[-1]) if values.ndim == 3 else others
        whole = np.empty((self.count, *values.shape[1:]), values.dtype)
        whole[:] = default
        whole[self.rows] = values
        return whole


def particle_arrays(trainer: Trainer) -> dict[str, np.ndarray]:
    """What latents.npz has beside the latents, where there is any.

    probability : ``(n,)`` of being a particle of the molecule. signal_scale : ``(n,)`` of each image's signal.
    pose_correction : ``(n, 5)`` Å as in `Poses`.
    pose_centre : ``(3,)`` Å. pose_radius : Å.
    """
    poses, membership, signal = trainer.poses, trainer.membership, trainer.signal
    judged = {} if membership.whole else {"probability": membership.probability.cpu().numpy()}
    if not signal.even:
        judged["signal_scale"] = signal.scale.cpu().numpy()
    if not poses.active:
        return judged
    return judged | {"pose_correction": poses.correction.cpu().numpy(), "pose_centre": poses.centre.cpu().numpy(),
            "pose_radius": np.array(poses.radius)}  # fmt: skip


def history_arrays(history: list[dict[str, float]]) -> dict[str, np.ndarray]:
    """One array per quantity, ``(passes,)``."""
    return {name: np.array([line[name] for line in history]) for name in (history[0] if history else ())}


def save_resume(output: Output, trainer: Trainer, training: Training) -> None:
    """Write everything that the next pass depends on into one safetensors file, so that it is all of one moment."""
    from safetensors.torch import save_file

    decoder, poses = training.decoder, trainer.poses
    own, own_words = decoder.state()
    maps = {"first": decoder.maps.first, "second": decoder.maps.second, "fsc": decoder.maps.fsc}
    information = torch.from_numpy(np.asarray(decoder.information, np.float32))
    tensors = {**own, **training.points.arrays(), "noise": decoder.noise, "information": information, **maps}
    tensors |= {f"source.{name}": value for name, value in training.source.state().items()}
    if not trainer.membership.whole:
        tensors["probability"] = trainer.membership.probability
    if not trainer.signal.even:
        tensors["signal_scale"] = trainer.signal.scale
    if poses.active:
        tensors |= {"pose_correction": poses.correction, "pose_variance": poses.variance, "pose_centre": poses.centre}
    if poses.shared is not None:
        tensors |= {"pose_own": poses.shared.own, "pose_led": poses.shared.from_motion}
    words = {"epoch": training.epoch, "maps_box": decoder.maps_box, "history": training.history,
             "particles": len(trainer.images), "pose_radius": poses.radius,
             "signal_spread": trainer.signal.spread, **own_words}  # fmt: skip
    with output(RESUME) as path:
        save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, path,
                  metadata={"format": decoder.format, "state": json.dumps(words)})  # fmt: skip


def load_resume(path: Path, trainer: Trainer, training: Training) -> None:
    """Be as `save_resume` wrote; ``InputError`` where that is not of this training."""
    decoder, wanted = training.decoder, (len(trainer.images), trainer.settings.latent_dims)
    tensors, words = _read_tensors(path, decoder.format, trainer.device)
    training.have_points(trainer)
    count, dims = decoder.shape_of(tensors, words)
    if (count, dims) != wanted:
        raise InputError(
            f"{path}: a checkpoint of {count} particles in {dims} latent dimensions, not of these {wanted[0]} in "
            f"{wanted[1]}; resume it with the particles it began with."
        )
    points = training.points
    # a decoder that finds latents in one step depends on none, and wrote none in the first versions
    points.z, points.precision = tensors.get("latents", points.z), tensors.get("precision", points.precision)
    points.centre = tensors.get("centre")
    decoder.noise, decoder.maps_box = tensors["noise"], words["maps_box"]
    decoder.maps = HalfMaps(tensors["first"], tensors["second"], tensors["fsc"])
    decoder.information = tensors["information"].cpu().numpy() if "information" in tensors else np.zeros(0)
    decoder.restore(tensors, words, trainer)
    training.source.restore({name[7:]: value for name, value in tensors.items() if name.startswith("source.")})
    _restore_particles(tensors, words, trainer)
    training.epoch, training.history = words["epoch"], words["history"]


def _restore_particles(tensors: dict[str, torch.Tensor], words: dict, trainer: Trainer) -> None:
    """What was known of poses, of which images are particles, and of how strong their signals are."""
    if "signal_scale" in tensors:
        trainer.signal.take(tensors["signal_scale"], words["signal_spread"])
    if "probability" in tensors:
        trainer.membership.learn(tensors["probability"])
        trainer.membership.foreign = int((tensors["probability"] < 0.5).sum())
    if "pose_correction" in tensors:
        poses = trainer.poses
        poses.correction, poses.variance = tensors["pose_correction"], tensors["pose_variance"]
        poses.centre, poses.radius = tensors["pose_centre"], words["pose_radius"]
    if "pose_own" in tensors:
        shared = SharedCorrections.among(trainer.image, tensors["pose_own"])
        poses.shared = replace(shared, from_motion=tensors["pose_led"])


def _read_tensors(path: Path, form: str, device: str) -> tuple[dict[str, torch.Tensor], dict]:
    """The arrays and words of a checkpoint; ``InputError`` where they are not of this format."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            if file.metadata()["format"] != form:
                raise ValueError(f"it is no '{form}'")
            words = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name).to(device) for name in file.keys()}  # noqa: SIM118
        missing = [name for name in ("noise", "first", "second", "fsc") if name not in tensors]
        if missing:
            raise ValueError(f"it lacks {missing[0]}")
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: no checkpoint that training can go on from ({error}); start a new train job."
        ) from None
    return tensors, words
