"""Trains as one of several processes; started by torchrun. Arguments: project, output, start (or linear, or poses)."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from chimerax.flexrec.engine.decoders.flow.first_guess import begin
from chimerax.flexrec.engine.decoders.flow.flow_training import run_flow
from chimerax.flexrec.engine.decoders.linear.linear_training import begin_linear, run_linear
from chimerax.flexrec.engine.training.batches import ParticleImages
from chimerax.flexrec.engine.training.schedule import coarse_to_fine
from chimerax.flexrec.engine.training.team import join_team
from chimerax.flexrec.engine.training.trainer import Settings, Trainer
from chimerax.flexrec.mesh.storage import load_mesh
from chimerax.flexrec.particles.prepared import load_prepared


def main(project: Path, output: Path, start: str) -> None:
    torch.set_num_threads(1)
    team = join_team("cpu")
    prepared = load_prepared(project / "002-prep")
    trainer = Trainer(
        ParticleImages(prepared.particles, prepared.filter),
        load_mesh(project / "003-mesh" / "mesh.npz"),
        Settings(latent_dims=2, modes=16, hidden_units=8, refine_poses=start == "poses", find_junk=start == "poses"),
        coarse_to_fine(prepared.box, prepared.pixel_size, 3, 0.95),
        team=team,
        log=lambda text: None,
    )
    if start == "linear":
        state = begin_linear(trainer)
        run_linear(trainer, state, lambda state, stage: None)
        np.savez(output / f"{team.rank}-of-{team.size}.npz", z=state.found.latents, map=state.found.volumes,
                 precision=state.found.precision, gain=[line["gain"] for line in state.history])  # fmt: skip
        team.leave()
        return
    state = begin(trainer, "modes" if start == "poses" else start)
    run_flow(trainer, state, lambda state, stage: None)
    vertices = state.flow(state.latents[:20]).detach().numpy()
    misfit = [line["misfit"] for line in state.history]
    np.savez(output / f"{team.rank}-of-{team.size}.npz", z=state.latents, map=state.maps.first, vertices=vertices,
             misfit=misfit)  # fmt: skip
    team.leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
