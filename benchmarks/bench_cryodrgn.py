"""A map at a new latent point from cryoDRGN's weights: FlexRec's decode and cryoDRGN's own, in the same run.

The network is one of cryoDRGN's (FLEXREC_CRYODRGN_PYTHON names a Python that has it), with random weights, which
changes nothing in the work. Both decode it on the same CPU with the same number of threads, warm; the time to start
cryodrgn eval_vol and to read the weights is not counted. Processor seconds are told beside those of the clock, which
other work on the computer prolongs. A dragged map is what ChimeraX asks for while the hand moves.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.interface import DecodeOptions

DIMS = 8
DRAGGED = 20

CRYODRGN = """
import pickle, sys, time
from pathlib import Path
import numpy as np, torch, yaml
from cryodrgn.models import HetOnlyVAE
folder = Path(sys.argv[1])
box, width, threads, repeats, domain = *map(int, sys.argv[2:6]), sys.argv[6]
torch.set_num_threads(threads)
config = dict(dataset_args=dict(norm=[0.0, 1.0]), lattice_args=dict(D=box + 1, extent=0.5, ignore_DC=True),
              model_args=dict(qlayers=1, qdim=8, players=3, pdim=width, zdim=8, encode_mode="resid", enc_mask=box // 2,
                              pe_type="gaussian", feat_sigma=0.5, pe_dim=None, domain=domain, activation="relu"))
(folder / "config.yaml").write_text(yaml.dump(config))
(folder / "z.pkl").write_bytes(pickle.dumps(np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)))
model, lattice = HetOnlyVAE.load(config)
model.eval()
torch.save({"epoch": 1, "model_state_dict": model.state_dict()}, folder / "weights.pkl")
def decode(z):
    return model.decoder.eval_volume(lattice.coords, lattice.D, lattice.extent, (0.0, 1.0), z)
for number in range(repeats):
    clock, work = time.perf_counter(), time.process_time()
    volume = decode(np.full(8, 0.1 * (number + 1)))
    print(time.perf_counter() - clock, time.process_time() - work)
np.save(folder / "map.npy", volume.numpy())
"""


def main() -> None:
    """Print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--box", type=int, default=128)
    parser.add_argument("--width", type=int, nargs="+", default=[256], help="of the layers: 256, or the older 1024")
    parser.add_argument("--domain", nargs="+", default=["fourier", "hartley"])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    python = os.environ.get("FLEXREC_CRYODRGN_PYTHON")
    if not python:
        raise SystemExit("name a Python that has cryoDRGN in FLEXREC_CRYODRGN_PYTHON")
    print(f"box {arguments.box}, {arguments.threads} threads; seconds by the clock (of processors)")
    print(f"{'network':>14}{'cryoDRGN':>18}{'FlexRec':>18}{'error':>10}{'dragged a second':>20}{'(of processors)':>16}")
    for width in arguments.width:
        for domain in arguments.domain:
            print(line(python, arguments, width, domain), flush=True)


def line(python: str, arguments: argparse.Namespace, width: int, domain: str) -> str:
    """Of one network."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [folder, arguments.box, width, arguments.threads, arguments.repeats, domain]
        limits = {"OMP_NUM_THREADS": str(arguments.threads), "MKL_NUM_THREADS": str(arguments.threads)}
        done = subprocess.run([python, "-c", CRYODRGN, *map(str, words)], capture_output=True, text=True,
                              env=os.environ | limits)  # fmt: skip
        if done.returncode:
            raise SystemExit(f"cryoDRGN failed:\n{done.stderr}")
        theirs = np.median([[float(word) for word in row.split()] for row in done.stdout.splitlines()], axis=0)
        model, true = open_model(folder), np.load(folder / "map.npy")
    how = DecodeOptions(threads=arguments.threads)
    ours = [timed(lambda k=k: model.decode(np.full(DIMS, 0.1 * (k + 1)), how)) for k in range(arguments.repeats)]
    error = np.abs(ours[-1][2] - true).max() / np.abs(true).max()
    quick = DecodeOptions(threads=arguments.threads, quick=True)
    drag = [timed(lambda k=k: model.decode(np.full(DIMS, 0.1 * k), quick))[:2] for k in range(DRAGGED)]
    mine, dragged = np.median([one[:2] for one in ours], axis=0), np.median(drag, axis=0)
    return (f"{width:>5} {domain:>8}{theirs[0]:>9.2f} ({theirs[1]:.2f}){mine[0]:>9.2f} ({mine[1]:.2f}){error:>10.1e}"
            f"{1 / dragged[0]:>20.1f}{arguments.threads / dragged[1]:>16.1f}")  # fmt: skip


def timed(work) -> tuple:
    """Seconds by the clock and of processors, and the result."""
    clock, processor = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - clock, time.process_time() - processor, result


if __name__ == "__main__":
    main()
