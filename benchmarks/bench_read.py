"""How fast batches of images are made ready for training: read, transformed, cropped, with CTF.

A stack of noise is written once under --work and read in batches of 64 in random order, by 1, 2, 4 … threads, from disk
(the system's own cache of files is warm after the first pass), from memory (train --in-memory), and from a disk that is
far away: --latency is added to each image. Whoever takes the batches sleeps for --work-ms with each, as a thread that
waits for a GPU does. Numbers are images per second, the better of two passes; *one batch* is the time of the parts of a
batch on one thread. Run it on the machine that trains: results here do not tell about another number of processors.

    python benchmarks/bench_read.py --boxes 64 128 --threads 1 2 4
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from chimerax.flexrec.engine.training.batches import Images, ParticleImages, cropped_transform, split
from chimerax.flexrec.particles import ImageStack, Optics, Particles
from chimerax.flexrec.particles.ctf import ctf_rfft
from chimerax.flexrec.particles.memory_stack import load_stack
from chimerax.flexrec.particles.mrc import stack_header
from chimerax.flexrec.particles.observe import shift_phase

BATCH, PASSES, PIXEL_SIZE = 64, 2, 1.5


class FarDisk:
    """A stack each of whose images comes after a wait, as over a network."""

    def __init__(self, stack: ImageStack, latency: float) -> None:
        self._stack, self._latency = stack, latency

    def read(self, rows: np.ndarray) -> np.ndarray:
        """As ``ImageStack.read``."""
        time.sleep(self._latency * len(rows))
        return self._stack.read(rows)


def main() -> None:
    """Print a table with one line per box and source."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench/read"), help="folder for the stacks")
    parser.add_argument("--boxes", type=int, nargs="+", default=[64, 128], help="pixels (default: 64 128)")
    parser.add_argument("--images", type=int, default=8192, help="in a stack (default: 8192)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4], help="(default: 1 2 4)")
    parser.add_argument("--work-ms", type=float, default=1.0, help="of whoever takes a batch (default: 1)")
    parser.add_argument("--latency", type=float, default=0.2, help="of the far disk, ms for an image (default: 0.2)")
    arguments = parser.parse_args()
    print(f"images/s; {os.cpu_count()} processors, batches of {BATCH}, {arguments.work_ms:g} ms of work with each")
    print(f"{'box':>4} {'from':<10}" + "".join(f"{f'{threads} threads':>12}" for threads in arguments.threads))
    for box in arguments.boxes:
        particles = make_particles(arguments.work, box, arguments.images)
        disk = ImageStack(particles)
        sources = {"disk": disk, "memory": load_stack(particles), "far disk": FarDisk(disk, arguments.latency / 1e3)}
        for name, source in sources.items():
            rates = [rate(particles, source, threads, arguments.work_ms / 1e3) for threads in arguments.threads]
            print(f"{box:4d} {name:<10}" + "".join(f"{value:12.0f}" for value in rates), flush=True)
        print(f"     one batch: {parts(particles)}")


def make_particles(work: Path, box: int, count: int) -> Particles:
    """Particles of noise with shifts and CTFs, their stack written where it is not there yet."""
    rng, path = np.random.default_rng(0), work / f"{box}px-{count}.mrcs"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        with open(path.with_suffix(".part"), "wb") as file:
            file.write(stack_header(count, box, PIXEL_SIZE))
            for rows in split(np.arange(count), 1024):
                file.write(rng.standard_normal((len(rows), box, box), np.float32).tobytes())
        path.with_suffix(".part").replace(path)
    optics = Optics(*np.array([[300.0], [2.7], [0.1], [PIXEL_SIZE]]), np.array([box]), ("noise",))
    defocus = np.stack([*rng.uniform(8e3, 2.5e4, (2, count)), rng.uniform(0, 180, count)], 1)
    eye, none = np.broadcast_to(np.eye(3), (count, 3, 3)), np.zeros(count, np.int32)
    return Particles(
        (path.absolute(),), none, np.arange(count), eye, rng.normal(0, 3, (count, 2)), defocus, np.zeros(count), none,
        none, optics,
    )  # fmt: skip


def rate(particles: Particles, source: Images, threads: int, busy: float) -> float:
    """Images per second that reach whoever takes them."""
    images, best = ParticleImages(particles, stack=source, threads=threads), np.inf
    for number in range(PASSES):
        order = np.random.default_rng(number).permutation(len(particles))
        began = time.perf_counter()
        for _ in images.batches(split(order, BATCH), images.box):
            time.sleep(busy)
        best = min(best, time.perf_counter() - began)
    return len(particles) / best


def parts(particles: Particles) -> str:
    """Milliseconds of each part of a batch, on one thread."""
    rows, box = np.random.default_rng(0).permutation(len(particles))[:BATCH], int(particles.optics.box[0])
    images, some = ImageStack(particles).read(rows), particles.take(rows)
    work = {
        "read": lambda: ImageStack(particles).read(rows),
        "transform": lambda: cropped_transform(images, box),
        "shift": lambda: shift_phase(some.shift, box),
        "CTF": lambda: ctf_rfft(some, box, PIXEL_SIZE),
        "all": lambda: ParticleImages(particles, threads=1).batch(rows, box),
    }
    return ", ".join(f"{name} {1e3 * fastest(do):.2f} ms" for name, do in work.items())


def fastest(do: Callable[[], object]) -> float:
    """Seconds of the quickest of some runs."""
    times = []
    for _ in range(10):
        began = time.perf_counter()
        do()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    main()
