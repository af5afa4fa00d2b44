"""What aberrations and anisotropic magnification cost a map that knows of them, and one that does not.

A rigid antibody is simulated once without and once with each, from the same seed; prep and reconstruct run on the
particle file as it was written (``modelled``), and on one from which the aberrations were taken out (``ignored``). The
table has the area under the FSC with the true map inside the molecule (CryoBench's: a perfect map has just under 0.5),
and the resolution where that FSC falls below 0.5.

    python benchmarks/bench_aberrations.py --particles 3000 --box 128 --pixel-size 2
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.particles import read_particles, write_star
from chimerax.flexrec.simulate import load_truth
from job_runs import run_job
from score import area, fsc_curve, resolution

KINDS = {
    "none": {},
    "beam tilt 3 mrad": {"beam_tilt": "2.4,-1.8"},
    "trefoil": {"odd_zernike": "0,0,120,0,0,-160"},
    "tetrafoil": {"even_zernike": "0,0,0,0,480,0,0,0,-640"},
    "magnification 1 %": {"anisotropy": "1,30"},
    "all": {"beam_tilt": "2.4,-1.8", "odd_zernike": "0,0,120,0,0,-160", "even_zernike": "0,0,0,0,480,0,0,0,-640",
            "anisotropy": "1,30"},
}  # fmt: skip


def main() -> None:
    """Print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench/aberrations"), help="folder for everything")
    parser.add_argument("--particles", default="3000")
    parser.add_argument("--box", default="128")
    parser.add_argument("--pixel-size", default="2")
    parser.add_argument("--snr", default="0.2")
    parser.add_argument("--molecule", help="as of flexrec simulate; parts of an antibody's size in other boxes")
    arguments = parser.parse_args()
    print(f"{'':<22}{'modelled: area':>16}{'FSC 0.5':>10}{'ignored: area':>16}{'FSC 0.5':>10}")
    for kind, asked in KINDS.items():
        size = {"particles": arguments.particles, "box": arguments.box, "pixel_size": arguments.pixel_size,
                "snr": arguments.snr, "hinges": "rigid", "resolution": "3"}  # fmt: skip
        molecule = {"molecule": arguments.molecule} if arguments.molecule else {}
        project = arguments.work.resolve() / kind.replace(" ", "-").replace("%", "percent")
        simulated = run_job("simulate", size | molecule | asked, project)
        texts = []
        for how, strip in (("modelled", False), ("ignored", True)):
            score, angstroms = reconstructed(simulated, project / how, strip)
            texts.append(f"{score:>16.4f}{angstroms:>8.2f} Å")
        print(f"{kind:<22}" + "".join(texts), flush=True)


def reconstructed(simulated: Path, project: Path, strip: bool) -> tuple[float, float]:
    """Area under the FSC with the truth, and its resolution in Å, of the map that the particles give."""
    project.mkdir(exist_ok=True)
    particles = read_particles(simulated / "particles.star")
    if strip:
        plain = replace(particles.optics, odd=None, even=None, magnification=None)
        particles = replace(particles, optics=plain)
    star = project / "particles.star"
    write_star(star, particles)
    box = int(particles.optics.box[0])
    prep = run_job("prep", {"particles": str(star), "box": str(box)}, project)
    volume, pixel_size = read_map(run_job("reconstruct", {"particles": str(prep)}, project) / "map.mrc")
    truth = load_truth(simulated)
    state = truth.angles[0]
    true_map = truth.map_at(state, len(volume), pixel_size)
    mask = truth.moving.mask(state[None], len(volume), pixel_size)
    curve = fsc_curve(true_map, volume, mask)
    return area(curve), resolution(curve, pixel_size)


if __name__ == "__main__":
    main()
