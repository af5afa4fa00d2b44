"""Time from a latent point to the map there, warm: FlexRec's decode with numba and with numpy, and cryoDRGN's.

FlexRec moves a ball that fills 6 % of the box through a mesh of about ten voxels to a cell; the network's size is that
of training's default, its weights are random, which changes nothing in the work. cryoDRGN, where a Python that has
it is named in FLEXREC_CRYODRGN_PYTHON, evaluates an untrained decoder of its default size (3 layers of 256) for 8
latent dimensions on every voxel of the same box, on the same CPU with the same number of threads.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time

import numpy as np
from chimerax.flexrec.mesh import build_mesh
from chimerax.flexrec.models.flow.flow_arrays import FlowArrays
from chimerax.flexrec.models.flow.flow_model import FlowModel
from chimerax.flexrec.models.interface import DecodeOptions

COARSENESS = {64: 13, 128: 26, 256: 40}
LATENT_DIMS, HIDDEN, MODES = 8, 64, 102
REPEATS = 9

CRYODRGN = """
import statistics, sys, time
import torch
from cryodrgn.lattice import Lattice
from cryodrgn.models import HetOnlyVAE
box, threads, repeats = map(int, sys.argv[1:])
torch.set_num_threads(threads)
lattice = Lattice(box + 1, extent=0.5)
model = HetOnlyVAE(lattice, 3, 256, 3, 256, lattice.D**2, 8, enc_mask=None, enc_type="gaussian", enc_dim=None,
                   domain="fourier", feat_sigma=0.5)
model.eval()
times = []
for i in range(repeats + 1):
    start = time.perf_counter()
    with torch.no_grad():
        model.decoder.eval_volume(lattice.coords, lattice.D, lattice.extent, (0.0, 1.0), [0.1 * i] * 8)
    times.append(time.perf_counter() - start)
print(1000 * statistics.median(times[1:]))
"""


def main() -> None:
    """Print a table with one line per box."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, nargs="+", default=[64, 128, 256], choices=sorted(COARSENESS))
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="CPU threads (default: all)")
    parser.add_argument("--cryodrgn-repeats", type=int, default=1, help="cryoDRGN's timed maps per box (default: 1)")
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    python = os.environ.get("FLEXREC_CRYODRGN_PYTHON")
    columns = ("box", "voxels", "cells", "vertices", "affines", "numba", "numba x2", "numpy", "cryoDRGN")
    print(f"milliseconds, median of {REPEATS}, {arguments.threads} threads; vertices and affines are parts of decodes,")
    print("x2 is the oversampled decode of maps that are kept")
    print("".join(f"{name:>10}" for name in columns))
    for box in arguments.boxes:
        row = ours(box, arguments.threads)
        other = cryodrgn(python, box, arguments.threads, arguments.cryodrgn_repeats) if python else None
        shown = "-" if other is None else f"{other:.0f}"
        print("".join(f"{value:10d}" for value in row[:3]) + "".join(f"{v:10.1f}" for v in row[3:]) + f"{shown:>10}")


def set_threads(threads: int) -> None:
    import numba

    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))


def ours(box: int, threads: int) -> tuple:
    """Box, voxels, cells, then milliseconds of the vertices, the affines, and a decode with each backend."""
    model = random_model(box)
    z = np.random.default_rng(1).normal(size=(REPEATS + 1, LATENT_DIMS)).astype(np.float32)
    decoder, moved = model.decoder, model.vertices(z[0])
    times = [
        milliseconds(lambda i: model.vertices(z[i])),
        milliseconds(lambda i: decoder.affines(moved)),
        *(
            milliseconds(lambda i, how=DecodeOptions(name, threads, fine): decoder.map(model.vertices(z[i]), how))  # noqa: B008
            for name, fine in (("numba", 1), ("numba", 2), ("numpy", 1))
        ),
    ]
    return (box, len(decoder.voxels.points), len(decoder.voxels.corners), *times)


def milliseconds(work) -> float:
    """Median over calls after the first, which prepares and compiles."""
    taken = []
    for i in range(REPEATS + 1):
        start = time.perf_counter()
        work(i)
        taken.append(time.perf_counter() - start)
    return 1000 * statistics.median(taken[1:])


def random_model(box: int) -> FlowModel:
    """A ball in a box, and a flow of the usual size that moves it by a few ångströms."""
    random = np.random.default_rng(0)
    along = np.arange(box) - box // 2
    radius = np.sqrt(along[:, None, None] ** 2 + along[:, None] ** 2 + along**2)
    mask = radius < (0.06 * 3 / (4 * np.pi)) ** (1 / 3) * box
    volume = np.where(mask, random.random(mask.shape), 0).astype(np.float32)
    pixel_size = 384 / box
    mesh = build_mesh(mask, pixel_size, COARSENESS[box])
    count = len(mesh.vertices)

    def normal(*shape: int, scale: float) -> np.ndarray:
        return (scale * random.standard_normal(shape)).astype(np.float32)

    widths = (LATENT_DIMS, HIDDEN, HIDDEN, HIDDEN, MODES)
    flow = FlowArrays(
        vertices=mesh.vertices,
        modes=normal(3 * count, MODES, scale=0.3 / MODES**0.5),
        membership=np.ones((count, 1), np.float32),
        pivot=np.zeros((1, 3), np.float32),
        reach=np.ones(1, np.float32),
        parent=np.array([-1]),
        order=np.array([0]),
        linear=normal(MODES, LATENT_DIMS, scale=0.1),
        layers=tuple((normal(b, a, scale=a**-0.5), normal(b, scale=0.1)) for a, b in zip(widths, widths[1:])),
    )
    latents = normal(1, LATENT_DIMS, scale=1.0)
    precision = np.eye(LATENT_DIMS, dtype=np.float32)[None]
    return FlowModel(mesh=mesh, flow=flow, latents=latents, precision=precision, volume=volume, box=box,
                     pixel_size=pixel_size, centre=np.zeros(3), latent_dims=LATENT_DIMS, epoch=1, epochs=1)  # fmt: skip


def cryodrgn(python: str, box: int, threads: int, repeats: int) -> float:
    """Milliseconds of one map of cryoDRGN's decoder, warm."""
    command = [python, "-c", CRYODRGN, str(box), str(threads), str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"cryoDRGN failed:\n{done.stderr}")
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    main()
