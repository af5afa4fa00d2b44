"""cryoDRGN and RECOVAR as the benchmarks run them: each in its own Python, on particles that FlexRec wrote.

What a program makes is read in its own Python and handed over as plain arrays and maps. Times are processor seconds of
the program and all that it starts, so that what else the computer does is not counted.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import mrcfile
import numpy as np
from chimerax.flexrec.errors import InputError
from job_runs import thread_environment

CRYODRGN = "from cryodrgn.command_line import main_commands; main_commands()"
# without a GPU, RECOVAR 1.0.5 forgets that it puts images into a volume with twice as many voxels (its mean then shows
# everything twice as large); its rotations only place frequencies, so a factor there mends it
RECOVAR = """
from recovar.command_line import main_commands
from recovar.core import relion_interp

def finer(run):
    def mended(data, rotations, image_shape, volume_shape, **options):
        return run(data, rotations * (volume_shape[0] // image_shape[0]), image_shape, volume_shape, **options)
    return mended

relion_interp.project, relion_interp.backproject = finer(relion_interp.project), finer(relion_interp.backproject)
main_commands()
"""
# cryoDRGN's latents are the first of two arrays in a pickle of its own
PRINT_LATENTS = """
import pickle, sys, numpy
with open(sys.argv[1], "rb") as file:
    numpy.save(sys.argv[2], pickle.load(file))
"""


@dataclass(frozen=True)
class PeerResult:
    """What a program made of the particles.

    name : with its version; what : how it was run
    latents : (n, k) of all simulated particles in order
    maps : from latents (m, k) to maps (m, D, D, D) [z, y, x] in the frame of the consensus
    minutes : of one processor, from the particles to the latents
    presence : (n, q) how much of each of q parts is there, of a model that says so
    kernel : whether each map takes a pass over the particles
    """

    name: str
    what: str
    latents: np.ndarray
    maps: Callable[[np.ndarray], np.ndarray]
    minutes: float
    presence: np.ndarray | None = None
    kernel: bool = False


@dataclass
class Program:
    """A Python with one of the programs in it, the folder it works in, and the processor seconds it has taken."""

    python: str
    start: str
    folder: Path
    threads: int
    seconds: float = field(default=0.0)

    def run(self, *words: object) -> float:
        """Run one of its commands, or find it done in this folder; the processor seconds it took.

        ``InputError`` with its last words if it fails.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        kept, call = self.folder / "done.json", list(map(str, words))
        done = json.loads(kept.read_text()) if kept.exists() else {}
        key = shlex.join(call)
        if key not in done:
            done[key] = self.call(call)
            kept.write_text(json.dumps(done, indent=1) + "\n")
        self.seconds += done[key]
        return done[key]

    def call(self, words: list[str]) -> float:
        """Run a command to its end."""
        log, before = self.folder / "program.log", child_seconds()
        with open(log, "a") as file:
            call, environment = [self.python, "-c", self.start, *words], one_device(self.threads)
            code = subprocess.run(call, env=environment, stdout=file, stderr=subprocess.STDOUT).returncode
        if code:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise InputError(f"{words[0]} failed ({log}): {' '.join(last)}")
        return child_seconds() - before

    def version(self, package: str) -> str:
        """The version of a package in this Python."""
        ask = f"from importlib.metadata import version; print(version({package!r}))"
        return subprocess.run([self.python, "-c", ask], capture_output=True, text=True).stdout.strip()


def child_seconds() -> float:
    """Processor seconds of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def one_device(threads: int) -> dict[str, str]:
    """The environment of a program: so many threads, no GPU, figures drawn in files."""
    flags = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    return {
        **thread_environment(threads), "NPROC": str(threads), "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "agg",
    }  # fmt: skip


def train_cryodrgn(
    program: Program, star: Path, zdim: int, options: str, budget: float, epochs: int | None
) -> int:  # fmt: skip
    """Train cryoDRGN on the particles of a STAR file, ``epochs`` or as many as fit in ``budget`` seconds; how many."""
    folder = program.folder
    stack, pose, ctf = star.with_suffix(".mrcs"), folder / "pose.pkl", folder / "ctf.pkl"
    program.run("parse_pose_star", star, "-o", pose)
    program.run("parse_ctf_star", star, "-o", ctf)
    train = [
        "train_vae", stack, "-o", folder, "--poses", pose, "--ctf", ctf, "--zdim", zdim, "--no-analysis", "--seed", 0,
        *shlex.split(options),
    ]  # fmt: skip
    first = program.run(*train, "-n", 1)
    wanted = epochs or max(1, round(budget / first))
    if wanted > 1:
        program.run(*train, "-n", wanted, "--load", folder / "weights.1.pkl")
    return wanted


def cryodrgn_latents(program: Program, epoch: int) -> np.ndarray:
    """Latents ``(n, zdim)`` of one of the epochs that cryoDRGN has trained."""
    reader = Program(program.python, PRINT_LATENTS, program.folder, program.threads)
    reader.run(program.folder / f"z.{epoch}.pkl", program.folder / f"z{epoch}.npy")
    return np.load(program.folder / f"z{epoch}.npy")


def cryodrgn(program: Program, star: Path, zdim: int, options: str, budget: float, epochs: int | None) -> PeerResult:
    """Train cryoDRGN as `train_cryodrgn` does: the latents and maps of the last epoch."""
    folder, wanted = program.folder, train_cryodrgn(program, star, zdim, options, budget, epochs)
    minutes, latents = program.seconds / 60, cryodrgn_latents(program, wanted)

    def maps(z: np.ndarray) -> np.ndarray:
        points = saved_points(folder, z)
        weights, out = folder / f"weights.{wanted}.pkl", folder / f"{points.stem}-epoch{wanted}"
        program.run("eval_vol", weights, "-c", folder / "config.yaml", "-o", out, "--zfile", points)
        return read_maps([out / f"vol_{number:03d}.mrc" for number in range(1, len(z) + 1)])

    what = f"zdim {zdim}, {wanted} epochs" + (f", {options}" if options else "")
    return PeerResult(f"cryoDRGN {program.version('cryodrgn')}", what, latents, maps, minutes)


def recovar(program: Program, star: Path, mask: Path, zdims: list[int], options: str) -> list[PeerResult]:
    """Run RECOVAR's pipeline within a mask; one finding for each ``zdim``, its maps the mean + z times the axes."""
    folder = program.folder
    listed = ",".join(map(str, zdims))
    program.run("pipeline", star, "-o", folder, "--mask", mask, "--zdim", listed, "--accept-cpu", *shlex.split(options))
    name, minutes = f"RECOVAR {program.version('recovar')}", program.seconds / 60
    results = []
    for zdim in zdims:
        latents = np.load(folder / "model" / f"zdim_{zdim}" / "latent_coords.npy", allow_pickle=False)
        results.append(PeerResult(name, f"zdim {zdim}, linear maps", latents, linear_maps(folder, zdim), minutes))
    return results


def linear_maps(folder: Path, zdim: int) -> Callable[[np.ndarray], np.ndarray]:
    """RECOVAR's mean and principal components as a function from latents to maps."""
    volumes = folder / "output" / "volumes"
    mean = read_maps([volumes / "mean.mrc"])[0]
    axes = read_maps([volumes / f"eigen_pos{number:04d}.mrc" for number in range(zdim)])
    return lambda z: mean + np.tensordot(z, axes, axes=(1, 0))


def state_maps(program: Program, zdim: int) -> Callable[[np.ndarray], np.ndarray]:
    """RECOVAR's kernel regression as a function from latents to maps."""
    folder = program.folder

    def maps(z: np.ndarray) -> np.ndarray:
        points = saved_points(folder, z)
        out = folder / f"{points.stem}-states"
        one = ["--zdim1"] if zdim == 1 else []
        program.run("compute_state", folder, "-o", out, "--latent-points", points, *one)
        return read_maps([out / f"state{number:03d}.mrc" for number in range(len(z))])

    return maps


def saved_points(folder: Path, z: np.ndarray) -> Path:
    """A text file of latents ``(m, k)`` in a folder; other points have another name."""
    name = hashlib.sha256(np.ascontiguousarray(z, np.float64).tobytes()).hexdigest()[:12]
    points = folder / f"points-{name}.txt"
    np.savetxt(points, z)
    return points


def read_maps(paths: list[Path]) -> np.ndarray:
    """Maps ``(m, D, D, D)`` of MRC files."""
    return np.stack([np.asarray(mrcfile.read(path), np.float32) for path in paths])
