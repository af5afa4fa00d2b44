"""Trains as one of several processes; Arguments: project, output, start or decoder."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from chimerax.flexrec.engine.decoders.decoder import Decoder
from chimerax.flexrec.engine.decoders.field.field_decoder import FieldDecoder
from chimerax.flexrec.engine.decoders.field.field_parameters import FieldParameters
from chimerax.flexrec.engine.decoders.flow.flow_decoder import FlowDecoder
from chimerax.flexrec.engine.decoders.flow.flow_parameters import FlowParameters
from chimerax.flexrec.engine.decoders.linear.linear_decoder import LinearDecoder
from chimerax.flexrec.engine.latents.table import LatentTable
from chimerax.flexrec.engine.training.batches import ParticleImages
from chimerax.flexrec.engine.training.schedule import coarse_to_fine
from chimerax.flexrec.engine.training.team import join_team
from chimerax.flexrec.engine.training.trainer import Settings, Trainer
from chimerax.flexrec.engine.training.training_loop import Training, run_training
from chimerax.flexrec.mesh.storage import load_mesh
from chimerax.flexrec.particles.prepared import load_prepared


def decoder_of(start: str) -> Decoder:
    if start == "linear":
        return LinearDecoder()
    if start == "field":
        return FieldDecoder(FieldParameters(field_units=32, field_layers=2, field_start="random"))
    poses, junk = ("refine", "weigh") if start == "poses" else ("fixed", "keep")
    start = "modes" if start == "poses" else start
    return FlowDecoder(FlowParameters(modes=16, hidden_units=8, start=start, poses=poses, junk=junk))


def main(project: Path, output: Path, start: str) -> None:
    torch.set_num_threads(1)
    team = join_team("cpu")
    prepared = load_prepared(project / "002-prep")
    trainer = Trainer(
        ParticleImages(prepared.particles, prepared.filter),
        load_mesh(project / "003-mesh" / "mesh.npz"),
        Settings(latent_dims=2),
        coarse_to_fine(prepared.box, prepared.pixel_size, 2, 0.95),
        team=team,
        log=lambda text: None,
    )
    training = Training(decoder_of(start), LatentTable())
    training.begin(trainer)
    run_training(trainer, training, lambda training, stage: None)
    decoder, points = training.decoder, training.points
    if start == "linear":
        z, precision = decoder.known(points, 2)
        np.savez(output / f"{team.rank}-of-{team.size}.npz", z=z, map=decoder.volumes[:3], precision=precision,
                 gain=[line["gain"] for line in training.history])  # fmt: skip
        team.leave()
        return
    if start == "field":
        matrices = {name: value for name, value in decoder.network.plain().items() if name.startswith("matrix")}
        np.savez(output / f"{team.rank}-of-{team.size}.npz", z=points.z, precision=points.precision, **matrices,
                 misfit=[line["misfit"] for line in training.history])  # fmt: skip
        team.leave()
        return
    vertices = decoder.flow(points.z[:20]).detach().numpy()
    misfit = [line["misfit"] for line in training.history]
    np.savez(output / f"{team.rank}-of-{team.size}.npz", z=points.z, map=decoder.maps.first, vertices=vertices,
             misfit=misfit)  # fmt: skip
    team.leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
