"""A finished training as it was at its end, of any decoder and latent source: to predict images, and to place them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ...mesh.storage import load_mesh
from ..inputs import job_file
from ..job_folder import JobRun
from ..throttle import Throttled
from ..train.train_model import MESH_FILE, trainer_of
from ..train.train_moving import with_what_moves
from ..train.train_parts import chosen_parts
from .finished_training import CHECKPOINT, FinishedTraining

if TYPE_CHECKING:
    import torch

    from ...engine.decoders.decoder import Pass
    from ...engine.training.batches import Batch
    from ...engine.training.stage import Stage
    from ...engine.training.trainer import Trainer
    from ...engine.training.training_loop import Training

AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class RestoredTraining:
    """``stage`` is the last, with the final map."""

    trainer: Trainer
    training: Training
    stage: Stage

    @property
    def now(self) -> Pass:
        """The last pass, as the decoder's methods take it."""
        from ...engine.decoders.decoder import Pass

        return Pass(self.trainer, self.stage, self.training.points, self.trainer.epochs - 1)

    def batches(self, rows: np.ndarray, job: JobRun, stage: str) -> Iterator[Batch]:
        """Batches of particles; they end early where the job was asked to stop. ``stage`` names the work."""
        progress, done = Throttled(job), 0
        for batch in self.stage.batches(rows):
            yield batch
            done += len(batch)
            progress(done, len(rows), stage=stage)
            if done < len(rows) and job.stop_requested():
                return

    def predicted(self, rows: np.ndarray, job: JobRun, stage: str) -> Iterator[tuple[Batch, torch.Tensor]]:
        """`batches` with the images ``(b, d, d // 2 + 1)`` that the model makes of their particles."""
        import torch

        for batch in self.batches(rows, job, stage):
            with torch.no_grad():
                yield batch, self.training.decoder.predict(self.stage, batch, self.training.points.z[batch.rows])


def restore(finished: FinishedTraining, device: str) -> RestoredTraining:
    """Read a training's newest checkpoint; ``InputError`` where it is gone or of something else."""
    from ...engine.training.checkpoint import load_resume

    path = finished.folder / CHECKPOINT
    if not path.is_file():
        raise InputError(f"{finished.folder.name} has no {CHECKPOINT} any more, from which its images are predicted; "
                         "train again.")  # fmt: skip
    training, trainer = new_training(finished, device)
    load_resume(path, trainer, training)
    return RestoredTraining(trainer, training, training.decoder.enter(trainer, trainer.levels[-1], training.points))


def new_training(finished: FinishedTraining, device: str) -> tuple[Training, Trainer]:
    """Decoder and source as a finished training had them before it began, and its trainer."""
    from ...engine.training.batches import ParticleImages
    from ...engine.training.training_loop import Training

    parameters, prepared = finished.parameters, finished.prepared
    decoder_part, source_part = chosen_parts(vars(parameters))
    training = Training(decoder_part.make(parameters), source_part.make(parameters, None))
    if training.decoder.keeps_mesh:
        mesh = load_mesh(finished.folder / MESH_FILE)
    else:
        mesh = load_mesh(job_file(parameters.mesh, MESH_FILE))
        mesh = with_what_moves(mesh, parameters.moving, prepared)
    images = ParticleImages(prepared.particles, prepared.filter)
    trainer = trainer_of(parameters, images, mesh, training.decoder, seed=finished.record["seed"], device=device,
                         log=_silent, epochs=finished.about["epochs"])  # fmt: skip
    trainer.at_once = min(trainer.at_once, AT_ONCE)
    return training, trainer


def _silent(*values: Any) -> None:
    """What is said by a training that is not going on."""
