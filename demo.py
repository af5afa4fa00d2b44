"""FlexRec from beginning to end, in minutes: ``python demo.py [FOLDER]`` (or ``make demo``).

An antibody whose one arm swings is simulated as noisy particle images; FlexRec then prepares the images, builds a mesh
over their consensus map, learns the motion from the images alone, and writes maps along it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from chimerax.flexrec.cli.program import main as flexrec

STEPS = (
    "simulate --particles 4000 --box 64 --pixel-size 5 --snr 0.1",
    "prep --particles 001-simulate --box 64",
    "mesh --consensus 001-simulate/consensus.mrc",
    "train",
    "generate",
)


def main(folder: str = "demo") -> int:
    """Run the steps in a new project folder; returns the exit status of the first that fails, or 0."""
    project, begun = Path(folder), time.monotonic()
    if project.exists() and any(project.iterdir()):
        print(f"{project.absolute()} is not empty; remove it or name another folder.", file=sys.stderr)
        return 2
    for step in STEPS:
        print(f"\n$ flexrec {step} --project {folder}", flush=True)
        status = flexrec([*step.split(), "--project", folder])
        if status:
            return status
    print(f"\nDone in {(time.monotonic() - begun) / 60:.1f} minutes. Look at:")
    for path in sorted(project.glob("*-generate/**/*.mrc")) + sorted(project.glob("*/*.png")):
        print(f"  {path.absolute()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
