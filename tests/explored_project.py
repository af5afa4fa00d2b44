"""A project with a prep and a train job, made from real parts without running them: what the tests of explore read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from chimerax.flexrec.particles import read_particles, write_star
from chimerax.flexrec.particles.prepared import RECORD, STAR
from trained_models import make_sliding

SOURCE_COUNT, COUNT = 400, 300
_COLUMNS = ("rlnImageName", "rlnOpticsGroup", "rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst",
            "rlnOriginYAngst", "rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnMicrographName", "rlnClassNumber",
            "rlnRandomSubset")  # fmt: skip


def write_source(path: Path) -> None:
    """A STAR file as RELION writes it, with a table and a column that FlexRec does not use."""
    lines = ["", "# version 30001", "", "data_optics", "", "loop_"]
    optics = {"rlnOpticsGroupName": "opticsGroup1", "rlnOpticsGroup": 1, "rlnMtfFileName": "mtf.star",
              "rlnVoltage": 300, "rlnSphericalAberration": 2.7, "rlnAmplitudeContrast": 0.1,
              "rlnImagePixelSize": 3.0, "rlnImageSize": 32, "rlnImageDimensionality": 2}  # fmt: skip
    lines += [f"_{tag} #{i}" for i, tag in enumerate(optics, 1)] + [" ".join(map(str, optics.values())), " ", ""]
    lines += ["# version 30001", "", "data_particles", "", "loop_"]
    lines += [f"_{tag} #{i}" for i, tag in enumerate(_COLUMNS, 1)]
    rng = np.random.default_rng(0)
    for i in range(SOURCE_COUNT):
        angles = " ".join(f"{value:10.6f}" for value in rng.uniform(0, 180, 3))
        lines.append(f"{i + 1:06d}@stack.mrcs 1 {angles} 0.50 -1.250000 {10000 + 10 * i:.2f} {10100 + 10 * i:.2f} 12.0 "
                     f"MotionCorr/mic{i // 50}.mrc {1 + i % 3} {1 + i % 2} ")  # fmt: skip
    path.write_text("\n".join([*lines, " ", ""]))


def source_rows() -> np.ndarray:
    """Rows of the source that were prepared."""
    return np.sort(np.random.default_rng(1).choice(SOURCE_COUNT, COUNT, replace=False))


def make_project(project: Path, sizes: tuple[float, ...] = (3.0, 0.5), latents: np.ndarray | None = None) -> Path:
    """``project`` with particles.star, 001-prep and 003-train; returns the train job's folder."""
    prep = project / "001-prep"
    prep.mkdir(parents=True)
    write_source(project / "particles.star")
    (project / "stack.mrcs").write_bytes(b"")
    rows = source_rows()
    particles = read_particles(project / "particles.star").take(rows)
    particles.columns["flexrecSourceRow"] = rows
    write_star(prep / STAR, particles)
    (prep / RECORD).write_text(json.dumps({"source": "../particles.star", "count": COUNT}))
    if latents is None:
        latents = np.random.default_rng(2).normal(size=(COUNT, len(sizes)))
    train = make_sliding(project / "003-train", sizes, latents, prepared="../001-prep")
    for folder, verb in ((prep, "prep"), (train, "train")):
        (folder / "job.json").write_text(json.dumps({"verb": verb, "parameters": {}, "inputs": {}, "seed": 0}))
        (folder / "status.json").write_text(json.dumps({"status": "done"}))
    return train
