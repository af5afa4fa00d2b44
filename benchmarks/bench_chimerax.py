"""How fluent ChimeraX is: updates a second while a path plays, and from a command to the picture at a new point.

A ball of smooth noise, moved by a flow of the usual size through a mesh of about 20,000 edges, with its contour and
arrows, at each box. ChimeraX runs with its window (under Xvfb where there is no screen: then the processor draws, which
takes most of the time) and must have FlexRec installed; it is the one on the PATH or named in FLEXREC_CHIMERAX.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from bench_decode import COARSENESS, LATENT_DIMS, random_model
from bench_serve import written

INSIDE = Path(__file__).with_name("chimerax_frames.py")
CELLS_ACROSS, PARTICLES = 26, 500
COLUMNS = (
    "box", "edges", "arrows", "triangles", "updates/s", "move ms", "longest ms", "no draw/s", "gap ms", "map ms",
    "picture ms",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--python", default="", help="that decodes (default: ChimeraX's own, without numba)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of playing (default: 4)")
    arguments = parser.parse_args()
    print("updates/s: while playing; move: of the main thread in one update, median, and the longest; no draw: updates")
    print("a second with nothing drawn; gap: longest between frames then; map, picture: medians from the command")
    print("".join(f"{name:>11}" for name in COLUMNS))
    with tempfile.TemporaryDirectory() as work:
        for box in arguments.boxes:
            folder = written(smooth_model(box), Path(work) / f"{box:03d}-train")
            row = measured(folder, arguments.python, arguments.seconds, Path(work) / "result.json")
            print("".join(f"{value:11d}" if isinstance(value, int) else f"{value:11.1f}" for value in row), flush=True)


def smooth_model(box: int):
    """The random model with a map that has contours like a molecule's, and with particles."""
    from scipy.ndimage import gaussian_filter

    COARSENESS[box] = CELLS_ACROSS
    model = random_model(box)
    inside = model.volume != 0
    noise = gaussian_filter(np.random.default_rng(3).standard_normal(inside.shape), box / 64)
    volume = np.where(inside, 1 + 0.8 * noise / noise.std(), 0).astype(np.float32)
    latents = np.random.default_rng(4).standard_normal((PARTICLES, LATENT_DIMS)).astype(np.float32)
    precision = np.tile(np.eye(LATENT_DIMS, dtype=np.float32), (PARTICLES, 1, 1))
    return replace(model, volume=volume, latents=latents, precision=precision)


def measured(folder: Path, python: str, seconds: float, result: Path) -> list:
    chimerax = os.environ.get("FLEXREC_CHIMERAX") or shutil.which("ChimeraX")
    if chimerax is None:
        raise SystemExit("There is no ChimeraX; put it on the PATH or name it in FLEXREC_CHIMERAX.")
    screen = [] if os.environ.get("DISPLAY") else ["xvfb-run", "-a", "-s", "-screen 0 1400x1000x24"]
    asked = json.dumps({"folder": str(folder), "python": python, "seconds": seconds, "result": str(result)})
    result.unlink(missing_ok=True)
    environment = {**os.environ, "FLEXREC_BENCH": asked}
    done = subprocess.run(
        [*screen, chimerax, "--script", str(INSIDE)], env=environment, capture_output=True, text=True, timeout=300
    )
    if not result.is_file():
        raise SystemExit(f"ChimeraX measured nothing:\n{done.stderr[-2000:]}")
    found = json.loads(result.read_text())
    if "error" in found:
        raise SystemExit(found["error"])
    return found["row"]


if __name__ == "__main__":
    main()
