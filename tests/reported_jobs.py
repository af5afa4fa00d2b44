"""Folders of jobs as reports read them, made of real parts without running the jobs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from trained_models import make_trained


def record(folder: Path, verb: str, inputs: dict | None = None) -> None:
    """What a job that is done says of itself."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "job.json").write_text(json.dumps({"verb": verb, "parameters": {}, "inputs": inputs or {}, "seed": 0}))
    (folder / "status.json").write_text(json.dumps({"status": "done"}))


def make_training(project: Path, **about) -> Path:
    """001-train, three passes of a random flow of two parts."""
    folder = make_trained(project / "001-train", **{"epoch": 3, "epochs": 3, "rigidity": 1.0, **about})[0]
    record(folder, "train")
    passes = {"epoch": np.arange(1, 4), "misfit": np.array([9.0, 8, 7]), "rigid_misfit": np.array([10.0, 20, 30]),
              "energy": np.full(3, 0.03), "fsc": np.r_[np.ones(9), np.zeros(8)], "information": np.array([5.0, 1])}
    np.savez(folder / "training.npz", **passes)
    return folder


def add_halves(folder: Path, **changed) -> None:
    """halves.json of a supported motion."""
    halves = {"version": 1, "held_out_gain": 31.0, "held_out_gain_error": 2.0, "gain_resolution": 8.0, "motion": 4.0,
              "difference": 0.6, "parts": [{"part": 0, "motion": 1.0, "difference": 0.4},
                                           {"part": 1, "motion": 6.0, "difference": 0.7}]}  # fmt: skip
    (folder / "halves.json").write_text(json.dumps(halves | changed))
