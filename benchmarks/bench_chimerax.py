"""How fluent ChimeraX is: pictures a second while the hand drags in the panel and while a path plays, and how long it
takes from a command, or from letting go, to the picture of the true map.

A ball of smooth noise, moved by a flow of the usual size through a mesh of about 20,000 edges, with its contour, arrows
and an atomic model of 50 helices as cartoons, at each box; then a linear model of the same ball. ChimeraX runs with its
window (under Xvfb where there is no screen: then the processor draws, which takes most of the time) and must have
FlexRec installed; it is the one on the PATH or named in FLEXREC_CHIMERAX.
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
from chimerax.flexrec.mesh.map_files import write_map

INSIDE = Path(__file__).with_name("chimerax_frames.py")
CELLS_ACROSS, PARTICLES = 26, 500
COMPONENTS = 3  # of the linear model
HELICES, RESIDUES = 50, 25
HELIX = {"N": (1.55, -28, -0.9), "CA": (2.28, 0, 0), "C": (1.68, 27, 1.1), "O": (2.03, 20, 2.3)}  # Å, degrees, Å


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--python", default="", help="that decodes (default: ChimeraX's own, without numba)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of playing (default: 4)")
    arguments = parser.parse_args()
    print("drawn/s: pictures of a new state; true map: from letting go to its picture; CPU: of one such picture")
    with tempfile.TemporaryDirectory() as work:
        molecule = written_molecule(Path(work) / "molecule.pdb")
        for box in arguments.boxes:
            model = smooth_model(box)
            asked = {
                "folder": str(written(model, Path(work) / f"{box:03d}-train")), "molecule": str(molecule),
                "linear": str(written_linear(model, Path(work) / f"{box:03d}-linear")), "python": arguments.python,
                "seconds": arguments.seconds, "result": str(Path(work) / "result.json"),
            }  # fmt: skip
            print(f"\n{box} px")
            for name, value in measured(asked).items():
                print(f"{name:45s}{value:>12.1f}" if isinstance(value, float) else f"{name:45s}{value:>12}", flush=True)


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


def written_linear(model, folder: Path) -> Path:
    """A linear model of the same map, as a train job leaves it."""
    folder.mkdir()
    write_map(folder / "map.mrc", model.volume, model.pixel_size)
    for k in range(COMPONENTS):
        component = 0.2 * np.roll(model.volume, 2 * k + 1, axis=k % 3)
        write_map(folder / f"component_{k + 1}.mrc", component, model.pixel_size)
    precision = model.precision[:, :COMPONENTS, :COMPONENTS]
    np.savez(folder / "latents.npz", z=model.latents[:, :COMPONENTS], precision=precision)
    about = {"format": "flexrec-linear", "version": 1, "latent_dims": COMPONENTS, "box": model.box, "epoch": 1}
    about |= {"stage_box": model.box, "pixel_size": model.pixel_size, "epochs": 1}
    (folder / "model.json").write_text(json.dumps(about))
    return folder


def written_molecule(file: Path) -> Path:
    """Helices side by side in the middle of the ball, each a chain, as PDB."""
    names = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    lines = []
    for helix in range(HELICES):
        corner = 192 + 12 * (np.array((helix % 7, helix // 7, 0)) - 3)
        for residue in range(RESIDUES):
            for name, (radius, angle, up) in HELIX.items():
                turn = np.radians(100 * residue + angle)
                x, y, z = corner + (radius * np.cos(turn), radius * np.sin(turn), 1.5 * (residue - RESIDUES / 2) + up)
                lines.append(f"ATOM  {len(lines) + 1:5d}  {name:3s} ALA {names[helix]}{residue + 1:4d}    "
                             f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           {name[0]}\n")  # fmt: skip
    file.write_text("".join(lines))
    return file


def measured(asked: dict) -> dict[str, object]:
    """What ChimeraX found, by name."""
    chimerax = os.environ.get("FLEXREC_CHIMERAX") or shutil.which("ChimeraX")
    if chimerax is None:
        raise SystemExit("There is no ChimeraX; put it on the PATH or name it in FLEXREC_CHIMERAX.")
    screen = [] if os.environ.get("DISPLAY") else ["xvfb-run", "-a", "-s", "-screen 0 1600x1200x24"]
    result = Path(asked["result"])
    result.unlink(missing_ok=True)
    environment = {**os.environ, "FLEXREC_BENCH": json.dumps(asked)}
    done = subprocess.run(
        [*screen, chimerax, "--script", str(INSIDE)], env=environment, capture_output=True, text=True, timeout=300
    )
    if not result.is_file():
        raise SystemExit(f"ChimeraX measured nothing:\n{done.stderr[-2000:]}")
    measured = json.loads(result.read_text())
    if "error" in measured:
        raise SystemExit(measured["error"])
    return measured["found"]


if __name__ == "__main__":
    main()
