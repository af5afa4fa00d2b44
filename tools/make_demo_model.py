"""Makes the small trained example that ships with FlexRec: ``make demo-model``.

An antibody whose two arms swing, each by itself, is simulated as noisy images, and its motion is learned from them in
a project in WORK, in a quarter of an hour on one core. Of the project, what one needs to explore it is copied into the
package: no checkpoints, and no images, which are made again from the simulation's record when they are looked at.
JSON, NPZ (compressed here), MRC, STAR and mmCIF, as the jobs wrote them.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
from chimerax.flexrec.cli.program import main as flexrec

STEPS = (
    "simulate --particles 5000 --box 64 --pixel-size 4 --snr 0.1 --resolution 6 --hinges 'fab1: ±18; fab2: ±18'",
    "prep --particles 001-simulate --box 64",
    "mesh --consensus 001-simulate/consensus.mrc",
    "train --latent-dims 2",
)
KEPT = {
    "001-simulate": ("molecule.cif", "truth.json"),
    "002-prep": ("prep.json", "particles.star"),
    "003-mesh": ("mesh.npz",),
    "004-train": ("model.json", "mesh.npz", "flow.npz", "latents.npz", "map.mrc", "training.npz"),
}
ABOUT = ("job.json", "status.json", "log.txt")  # of every job
TARGET = Path(__file__).resolve().parent.parent / "src" / "demo" / "project"
MOST = 5_000_000  # bytes


def main(work: str = "bench/demo-model") -> int:
    """Train, and copy; returns the exit status of the first step that fails, or 0."""
    if Path(work).exists() and any(Path(work).iterdir()):
        print(f"{work} is not empty; remove it or name another folder.", file=sys.stderr)
        return 2
    for step in STEPS:
        print(f"\n$ flexrec {step} --project {work}", flush=True)
        status = flexrec([*shlex.split(step), "--project", work])
        if status:
            return status
    copy(Path(work), TARGET)
    size = sum(file.stat().st_size for file in TARGET.rglob("*") if file.is_file())
    print(f"{TARGET}: {size / 1e6:.2f} MB")
    return int(size > MOST)


def copy(work: Path, target: Path) -> None:
    """Put what is kept of a project in the place of what was there."""
    shutil.rmtree(target, ignore_errors=True)
    for job, files in KEPT.items():
        (target / job).mkdir(parents=True)
        for name in (*ABOUT, *files):
            if name.endswith(".npz"):
                with np.load(work / job / name, allow_pickle=False) as arrays:
                    np.savez_compressed(target / job / name, **arrays)
            else:
                shutil.copyfile(work / job / name, target / job / name)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
