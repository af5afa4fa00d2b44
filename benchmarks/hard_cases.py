"""Data as real ones are, and what is scored of them beside motion: poses, junk, and what motion explains.

The cases of ``motion.py --hard``: each is the same molecule and motion as the clean set, with something made worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from chimerax.flexrec.particles import Particles, read_particles
from reference_maps import PreparedTruth
from scipy.spatial.transform import Rotation

SMALL_ERRORS, LARGE_ERRORS = {"pose_error": "1.4,1.2"}, {"pose_error": "2.8,3"}
# values of simulate; what goes to another job as well stands in ALSO
CASES: dict[str, dict[str, str]] = {
    "clean": {},
    "poses 1.4° 1.2 Å": SMALL_ERRORS,
    "poses 2.8° 3 Å": LARGE_ERRORS,
    "junk 25 %": {"junk": "0.25"},
    "strangers 15 %": {"strangers": "0.15"},
    "all of it, SNR 0.05": SMALL_ERRORS | {"junk": "0.15", "views": "0.8,30", "snr": "0.05"},
    "uneven views": {"views": "0.8,30"},
    "defocus off by 3 %": {"defocus_error": "3"},
    "neighbours 30 %": {"neighbours": "0.3"},
    "noise differs": {"noise": "0.3,0.5"},
    "null, poses 2.8° 3 Å": LARGE_ERRORS | {"hinges": "rigid"},
    "null, junk 25 %": {"junk": "0.25", "hinges": "rigid"},
    "null": {"hinges": "rigid"},
    "C3, expanded": {"symmetry": "C3"},
}
ALSO: dict[str, dict[str, dict[str, str]]] = {"C3, expanded": {"prep": {"symmetry": "C3"}}}


@dataclass(frozen=True)
class Findings:
    """What a training made of poses and images.

    before, after : (2,) r.m.s. errors of the particles' poses about each axis, degrees, and along each, Å
    told : share of all images whose kind, particle or not, is told right
    gain : nats an image that motion explains beyond the rigid map, in the last pass
    spread : (k,) share of the latents' variance that is not uncertainty
    """

    before: np.ndarray
    after: np.ndarray
    told: float
    gain: float
    spread: np.ndarray


def findings(data: PreparedTruth, train: Path) -> Findings:
    """Of a train job's folder."""
    with np.load(train / "latents.npz") as file:
        probability = file["probability"] if "probability" in file.files else np.ones(len(file["z"]))
        z, precision = file["z"][data.own], file["precision"][data.own]
    with np.load(train / "training.npz") as file:
        gain = float(file["rigid_misfit"][-1] - file["misfit"][-1])
    unknown = np.linalg.inv(precision + 1e-6 * np.eye(z.shape[1])).mean(axis=0).diagonal()
    refined = train / "refined.star"
    before = pose_errors(data, data.prepared.particles)
    after = pose_errors(data, read_particles(refined)) if refined.exists() else before
    known = z.var(axis=0)
    return Findings(before, after, float(((probability > 0.5) == data.own).mean()), gain, known / (known + unknown))


def pose_errors(data: PreparedTruth, particles: Particles) -> np.ndarray:
    """R.m.s. errors ``(2,)`` of the poses of those that are particles: degrees about each axis, Å along each.

    A turn and a shift that all have in common move the map and are no error.
    """
    own, row = data.own, data.row[data.own]
    turn = Rotation.from_matrix(data.truth.rotation[row].transpose(0, 2, 1) @ particles.rotation[own])
    turn = (turn.mean().inv() * turn).as_rotvec(degrees=True)
    shift = particles.shift[own] - data.truth.shift[row]
    return np.array([np.sqrt((turn**2).mean()), np.sqrt((shift**2).mean())])
