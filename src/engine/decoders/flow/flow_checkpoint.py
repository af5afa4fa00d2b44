"""A trained flow model on disk, and what training needs to go on: JSON, NPZ, MRC and safetensors, no pickle."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from ....errors import InputError
from ....mesh.map_files import write_map
from ...maps.half_maps import HalfMaps
from ...training.stage import Stage
from ...training.trainer import Settings, Trainer
from .flow_network import Flow, Skeleton
from .flow_state import State

FORMAT, VERSION = "flexrec-flow", 1
RESUME = "resume.safetensors"

Output = Callable[[str], AbstractContextManager[Path]]


def save_model(output: Output, trainer: Trainer, state: State, stage: Stage, prepared: str) -> None:
    """Write flow.npz, latents.npz, maps, training.npz and, last, model.json; ``prepared`` is the prep folder's path."""
    flow = {name: value.cpu().numpy() for name, value in state.flow.state_dict().items()}
    with output("flow.npz") as path:
        np.savez(path, **flow, parent=np.array(state.flow.parent), order=np.array(state.flow.order))
    with output("latents.npz") as path:
        np.savez(path, z=state.latents.cpu().numpy(), precision=state.precision.cpu().numpy(), **particle_arrays(state))
    pixel_size = trainer.images.pixel_size * trainer.images.box / stage.box
    for name, density in (("map", stage.density), ("half_map_1", state.maps.first), ("half_map_2", state.maps.second)):
        with output(f"{name}.mrc") as path:
            write_map(path, stage.cloud.scatter(density).cpu().numpy(), pixel_size, trainer.mesh.centre)
    with output("training.npz") as path:
        np.savez(path, information=state.information, noise=state.noise.cpu().numpy(), fsc=state.maps.fsc.cpu().numpy(),
                 **history_arrays(state.history))  # fmt: skip
    write_about(output, FORMAT, trainer, asdict(trainer.settings), state.epoch, stage, prepared)


def particle_arrays(state: State) -> dict[str, np.ndarray]:
    """What latents.npz has beside the latents, where there is any.

    probability : ``(n,)`` of being a particle of the molecule. pose_correction : ``(n, 5)`` Å as in `Poses`.
    pose_centre : ``(3,)`` Å. pose_radius : Å.
    """
    poses = state.poses
    doubt = {} if state.membership.whole else {"probability": state.membership.probability.cpu().numpy()}
    if not poses.active:
        return doubt
    return doubt | {"pose_correction": poses.correction.cpu().numpy(), "pose_centre": poses.centre.cpu().numpy(),
            "pose_radius": np.array(poses.radius)}  # fmt: skip


def write_about(
    output: Output, form: str, trainer: Trainer, settings: dict, epoch: int, stage: Stage, prepared: str
) -> None:
    """Write model.json: what the model is, of which checkpoint, and the ``settings`` that made it."""
    record = {
        "format": form,
        "version": VERSION,
        **settings,
        "box": trainer.images.box,
        "pixel_size": trainer.images.pixel_size,
        "particles": len(trainer.images),
        "epoch": epoch,
        "epochs": trainer.epochs,
        "stage_box": stage.box,
        "prepared": prepared,
    }
    with output("model.json") as path:
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def history_arrays(history: list[dict[str, float]]) -> dict[str, np.ndarray]:
    """One array per quantity, ``(passes,)``."""
    return {name: np.array([line[name] for line in history]) for name in (history[0] if history else ())}


def save_resume(output: Output, state: State) -> None:
    """Write everything that the next pass depends on into one safetensors file, so that it is all of one moment."""
    tensors = {f"flow.{name}": value for name, value in state.flow.state_dict().items()}
    for index, moments in state.optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    tensors |= {"latents": state.latents, "precision": state.precision, "noise": state.noise}
    if state.centre is not None:
        tensors["centre"] = state.centre
    if not state.membership.whole:
        tensors["probability"] = state.membership.probability
    if state.poses.active:
        poses = state.poses
        tensors |= {"pose_correction": poses.correction, "pose_variance": poses.variance, "pose_centre": poses.centre}
    tensors |= {"first": state.maps.first, "second": state.maps.second, "fsc": state.maps.fsc}
    tensors["information"] = torch.from_numpy(np.asarray(state.information, np.float32))
    words = {
        "epoch": state.epoch,
        "energy": state.energy,
        "maps_box": state.maps_box,
        "history": state.history,
        "parent": state.flow.parent,
        "order": state.flow.order,
        "pose_radius": state.poses.radius,
    }
    write_tensors(output, FORMAT, tensors, words)


def write_tensors(output: Output, form: str, tensors: dict[str, torch.Tensor], words: dict) -> None:
    """Write resume.safetensors: arrays, and what JSON can hold beside them."""
    from safetensors.torch import save_file

    with output(RESUME) as path:
        save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, path,
                  metadata={"format": form, "state": json.dumps(words)})  # fmt: skip


def read_tensors(
    path: Path, form: str, device: str, needed: tuple[str, ...]
) -> tuple[dict[str, torch.Tensor], dict]:
    """The arrays and words that `write_tensors` wrote; ``InputError`` where they are not of this format."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            if file.metadata()["format"] != form:
                raise ValueError(f"it is no '{form}'")
            words = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name).to(device) for name in file.keys()}  # noqa: SIM118
        missing = [name for name in needed if name not in tensors]
        if missing:
            raise ValueError(f"it lacks {missing[0]}")
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: no checkpoint that training can go on from ({error}); start a new train job."
        ) from None
    return tensors, words


def load_resume(path: Path, trainer: Trainer) -> State:
    """The state that `save_resume` wrote; ``InputError`` where it is not of this training."""
    tensors, words = read_tensors(path, FORMAT, trainer.device, ("latents", "precision", "noise"))
    settings, latents = trainer.settings, tensors["latents"]
    if latents.shape != (len(trainer.images), settings.latent_dims):
        raise InputError(
            f"{path}: a checkpoint of {len(latents)} particles in {latents.shape[1]} latent "
            f"dimensions, not of these {len(trainer.images)} in {settings.latent_dims}; resume it with the "
            "particles it began with."
        )
    flow = _rebuild(tensors, words, settings, trainer)
    optimiser = torch.optim.Adam(flow.parameters(), lr=settings.learning_rate)
    optimiser.load_state_dict({**optimiser.state_dict(), "state": _adam_state(tensors)})
    if "probability" in tensors:
        trainer.membership.learn(tensors["probability"])
        trainer.membership.foreign = int((tensors["probability"] < 0.5).sum())
    if "pose_correction" in tensors:
        poses = trainer.poses
        poses.correction, poses.variance = tensors["pose_correction"], tensors["pose_variance"]
        poses.centre, poses.radius = tensors["pose_centre"], words["pose_radius"]
    return State(
        flow=flow,
        optimiser=optimiser,
        latents=latents,
        precision=tensors["precision"],
        noise=tensors["noise"],
        poses=trainer.poses,
        membership=trainer.membership,
        centre=tensors.get("centre"),
        epoch=words["epoch"],
        energy=words["energy"],
        maps=HalfMaps(tensors["first"], tensors["second"], tensors["fsc"]),
        maps_box=words["maps_box"],
        information=tensors["information"].cpu().numpy(),
        history=words["history"],
    )


def _rebuild(tensors: dict[str, torch.Tensor], words: dict, settings: Settings, trainer: Trainer) -> Flow:
    arrays = {name[5:]: value for name, value in tensors.items() if name.startswith("flow.")}
    if not torch.equal(arrays["vertices"], trainer.rest):
        raise InputError(
            "The checkpoint's mesh is not the mesh of this training; resume it with the mesh it began with."
        )
    skeleton = Skeleton(
        *(arrays[name].cpu().numpy() for name in ("vertices", "modes", "membership")),
        parent=np.array(words["parent"]),
        order=np.array(words["order"]),
        pivot=arrays["pivot"].cpu().numpy(),
        reach=arrays["reach"].cpu().numpy(),
        held=trainer.mesh.free is not None,
    )
    flow = Flow(skeleton, settings.latent_dims, settings.hidden_units, settings.hidden_layers).to(trainer.device)
    flow.load_state_dict(arrays)
    return flow


def _adam_state(tensors: dict[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    """Adam's moments by parameter number."""
    found: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("adam."):
            _, index, moment = name.split(".", 2)
            # the step counter lives on the CPU whatever the device
            found.setdefault(int(index), {})[moment] = value.cpu() if moment == "step" else value
    return found
