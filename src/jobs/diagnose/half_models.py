"""Two models of independent halves of a training's particles, judged by images that neither has seen."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...mesh.storage import save_mesh
from ...particles.copies import image_numbers
from ..job_folder import JobRun
from ..record import DONE, Status, write_status
from ..reports.report_records import HALVES
from ..train.compare_halves import HALVES as HALF_FOLDERS
from ..train.compare_halves import JUDGED
from ..train.train_halves import check_halves, train_halves
from ..train.train_model import MESH_FILE, train_model
from ..train.train_parts import chosen_parts
from .finished_training import FinishedTraining
from .train_again import begin_part, parameters_again


@dataclass(frozen=True, eq=False)
class HeldOutGains:
    """``gain`` ``(m,)`` nats of the images that were held out, means of both models; ``weight`` ``(m,)``, how far each
    is a particle; ``row`` ``(m,)`` of prep's particles; ``image`` ``(m,)`` equal for copies of one image.
    """

    gain: np.ndarray
    weight: np.ndarray
    row: np.ndarray
    image: np.ndarray

    def mean(self, less: HeldOutGains | None = None) -> tuple[float, float]:
        """Mean gain and its standard error over images; over that of other models of the same images, if given."""
        gain = self.gain if less is None else self.gain - less.gain
        _, number = np.unique(self.image, return_inverse=True)
        weight = np.bincount(number.ravel(), self.weight)
        known = weight > 0
        gains = np.bincount(number.ravel(), self.weight * gain)[known] / weight[known]
        share = weight[known] / weight[known].sum()
        mean = float(share @ gains)
        return mean, float(np.sqrt((share**2) @ (gains - mean) ** 2))


def half_models(training: FinishedTraining, dims: int, device: str, job: JobRun) -> Path | None:
    """The folder with half models of so many latent dimensions: the training's own, or made now; None where stopped."""
    if dims == training.model.latent_dims and (training.folder / HALVES).is_file():
        return training.folder
    folder = job.folder / HALVES.removesuffix(".json") / f"{dims:03d}-train"
    if (folder / HALVES).is_file():
        return folder
    return _train(training, folder, dims, device, job)


def refuse_without_halves(training: FinishedTraining) -> None:
    """``InputError`` where a training's decoder or its latents allow no independent halves."""
    decoder, _ = chosen_parts(vars(training.parameters))
    if "halves" in decoder.without:
        raise InputError(f"model: {training.folder.name} has a {decoder.name} decoder, which trains no half models.")


def held_out_gains(folder: Path, training: FinishedTraining) -> HeldOutGains:
    """The gains that two half models have left."""
    halves = []
    for half in HALF_FOLDERS:
        with np.load(folder / half / JUDGED, allow_pickle=False) as file:
            halves.append({name: file[name] for name in ("row", "gain", "probability")})
    gain = (halves[0]["gain"].sum(axis=1) + halves[1]["gain"].sum(axis=1)) / 2
    row = halves[0]["row"]
    return HeldOutGains(gain, (halves[0]["probability"] + halves[1]["probability"]) / 2, row,
                        image_numbers(training.prepared.particles)[row])  # fmt: skip


def _train(training: FinishedTraining, folder: Path, dims: int, device: str, job: JobRun) -> Path | None:
    from ..train.train_run import choose_device

    seed = training.record["seed"]
    parameters = parameters_again(training, device, latent_dims=dims, halves=True)
    prepared, mesh = training.prepared, training.model.moving_points.mesh
    check_halves(parameters, prepared.particles, job)
    part = begin_part(folder, parameters, seed, job, f"{dims} latent dimension{'s' * (dims > 1)}")
    with part.output(MESH_FILE) as path:
        save_mesh(path, mesh)
    fit = partial(train_model, parameters, device=choose_device(device), team=None)
    train_halves(parameters, part, (prepared, mesh, None), fit)
    if not (folder / HALVES).is_file():
        return None
    write_status(folder, Status(DONE, ended=round(time.time(), 3)))
    return folder
