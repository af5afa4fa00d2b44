"""Speed and memory of the simulator: images per second and peak memory for two sizes of molecule and of data set."""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from chimerax.flexrec.simulate.experiment import CHUNK, Experiment, draw_defocus, draw_states, draw_views
from chimerax.flexrec.simulate.hinges import parse_hinges
from chimerax.flexrec.simulate.igg import build_igg
from chimerax.flexrec.simulate.moving_molecule import MovingMolecule
from chimerax.flexrec.simulate.simulated_images import chunk_images, iterate_images


def main() -> None:
    """Print one line per box and number of atoms, then peak memory for few and for many images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--images", type=int, default=500)
    threads, count = (vars(parser.parse_args())[name] for name in ("threads", "images"))
    for box in (64, 128, 256):
        moving = antibody()
        experiment = design(count, box)
        chunk_images(moving, design(CHUNK, box), 0)
        began = time.perf_counter()
        done = sum(len(images) for _, images in iterate_images(moving, experiment, threads))
        rate = done / (time.perf_counter() - began)
        print(f"box {box:3d}  atoms {len(moving.points)}  threads {threads}  {rate:7.0f} images/s", flush=True)
    for images in (count, 10 * count):
        for _ in iterate_images(antibody(), design(images, 64), threads):
            pass
        print(f"peak memory after {images} images of 64 px: {peak_megabytes():.0f} MB", flush=True)


def antibody() -> MovingMolecule:
    """The built-in antibody with two hinges."""
    molecule = build_igg(4.0)
    return MovingMolecule.build(molecule, parse_hinges("fab1: ±15; fab2: ±15", molecule))


def design(count: int, box: int) -> Experiment:
    """A data set of the antibody in a box of 320 Å."""
    molecule = build_igg(4.0)
    angles, state = draw_states(parse_hinges("fab1: ±15; fab2: ±15", molecule), count, 0, 0)
    rotation, shift = draw_views(count, 3.0, 0)
    defocus = draw_defocus(count, (1e4, 2.5e4), 300.0, 0)
    return Experiment(angles, state, rotation, shift, np.asarray(defocus), box, 320 / box, 300.0, 2.7, 0.1, 0.1, 1.0, 0)


def peak_megabytes() -> float:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
