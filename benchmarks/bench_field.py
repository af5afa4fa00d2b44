"""A step of training of the field decoder and of cryoDRGN's, at equal sizes, on the same computer.

    FLEXREC_CRYODRGN_PYTHON=/path/to/python python benchmarks/bench_field.py --box 64 --width 256 1024

Both have the same layers, the same batch, the same number of threads and no GPU; images are noise of simulated views,
which changes nothing in the work. Rounds of the one and of the other alternate, and the median round is told, after one
that is not counted: images per second by the clock, which other work on the computer prolongs, and of processors.

decoder : images predicted at latents that are given, misfit, gradients, Adam. encoder : with one of the same sizes too,
cryoDRGN's as its train_vae does it (its CTF, mask and losses included). table : with latents moved by Gauss–Newton.
FlexRec's decoder learns from half of an image's Fourier samples, or as many as ``--samples`` says; ``--exact`` is in
single precision throughout, as on processors without units for bfloat16.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from chimerax.flexrec.engine.decoders.decoder import Pass
from chimerax.flexrec.engine.decoders.field.field_decoder import FieldDecoder
from chimerax.flexrec.engine.decoders.field.field_parameters import FieldParameters
from chimerax.flexrec.engine.latents.encoder.encoder_parameters import EncoderParameters
from chimerax.flexrec.engine.latents.encoder.image_encoder import ImageEncoder
from chimerax.flexrec.engine.latents.latent_source import LatentSource
from chimerax.flexrec.engine.latents.table import LatentTable
from chimerax.flexrec.engine.training.batches import ParticleImages
from chimerax.flexrec.engine.training.schedule import ResolutionLevel
from chimerax.flexrec.engine.training.trainer import Settings, Trainer
from chimerax.flexrec.engine.training.training_loop import Training
from chimerax.flexrec.mesh.storage import load_mesh
from chimerax.flexrec.particles.prepared import load_prepared
from job_runs import read_settings, run_jobs, thread_environment

BAND = 0.95  # of Nyquist, train's default

CRYODRGN = """
import sys, time
import numpy as np, torch
from cryodrgn.models import HetOnlyVAE
from cryodrgn.lattice import Lattice
from cryodrgn.commands.train_vae import train_batch
box, width, dims, batch, steps, threads, domain = *map(int, sys.argv[1:7]), sys.argv[7]
torch.set_num_threads(threads)
torch.manual_seed(0)
lattice = Lattice(box + 1, extent=0.5)
mask = lattice.get_circular_mask(box // 2)
model = HetOnlyVAE(lattice, 3, width, 3, width, in_dim=int(mask.sum()), zdim=dims, encode_mode="resid", enc_mask=mask,
                   enc_type="gaussian", enc_dim=None, domain=domain, activation=torch.nn.ReLU, feat_sigma=0.5)
whole = torch.optim.Adam(model.parameters(), lr=1e-4)
alone = torch.optim.Adam(model.decoder.parameters(), lr=1e-4)
images = torch.randn(batch, box + 1, box + 1)
rotation = torch.linalg.qr(torch.randn(batch, 3, 3))[0]
z = torch.randn(batch, dims)
row = [5.0, 15000.0, 15000.0, 0.0, 300.0, 2.7, 0.1, 0.0]
ctf = torch.tensor([row] * batch)
def decoder():
    alone.zero_grad()
    images_of = model(lattice.coords[mask] / lattice.extent / 2 @ rotation, z).view(batch, -1)
    torch.nn.functional.mse_loss(images_of, images.view(batch, -1)[:, mask]).backward()
    alone.step()
def both():
    train_batch(model, lattice, images, None, rotation, None, whole, 1.0 / dims, ctf_params=ctf)
for step in (decoder, both):
    clock, work = time.perf_counter(), time.process_time()
    for _ in range(steps):
        step()
    print(time.perf_counter() - clock, time.process_time() - work)
"""


def main() -> None:
    """Print a line for each width."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--box", type=int, default=64)
    parser.add_argument("--width", type=int, nargs="+", default=[256, 1024], help="of the layers, three of them")
    parser.add_argument("--domain", default="fourier", choices=("fourier", "hartley"))
    parser.add_argument("--dims", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16, help="cryoDRGN's default")
    parser.add_argument("--steps", type=int, default=3, help="batches in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--samples", type=float, default=FieldParameters().field_samples, help="share of an image's")
    parser.add_argument("--exact", action="store_true", help="FlexRec in single precision")
    arguments = parser.parse_args()
    if not os.environ.get("FLEXREC_CRYODRGN_PYTHON"):
        raise SystemExit("name a Python that has cryoDRGN in FLEXREC_CRYODRGN_PYTHON")
    torch.set_num_threads(arguments.threads)
    print(f"box {arguments.box}, batch {arguments.batch}, {arguments.domain}, {arguments.threads} threads, FlexRec's "
          f"samples {arguments.samples:g}; images/s by the clock (of processors)")  # fmt: skip
    print(f"{'width':>6}{'cryoDRGN decoder':>20}{'encoder':>16}{'FlexRec decoder':>20}{'encoder':>16}{'table':>16}")
    with tempfile.TemporaryDirectory() as name:
        trainer = trainer_of(Path(name), arguments)
        for width in arguments.width:
            print(f"{width:>6}{line(trainer, arguments, width)}", flush=True)


def trainer_of(folder: Path, arguments: argparse.Namespace) -> Trainer:
    """Of a few simulated particles."""
    values = read_settings([f"simulate.particles={4 * arguments.batch}", f"simulate.box={arguments.box}",
                            f"simulate.pixel_size={320 / arguments.box}", "simulate.snr=1", "simulate.threads=1",
                            "prep.workers=1"])  # fmt: skip
    folders = run_jobs(values, folder / "project", last="mesh")
    prepared = load_prepared(folders["prep"])
    settings = Settings(latent_dims=arguments.dims, batch_size=arguments.batch)
    return Trainer(ParticleImages(prepared.particles, prepared.filter), load_mesh(folders["mesh"] / "mesh.npz"),
                   settings, (ResolutionLevel(prepared.box, 1, BAND),), log=lambda text: None)  # fmt: skip


def line(trainer: Trainer, arguments: argparse.Namespace, width: int) -> str:
    """Images per second of one width: cryoDRGN's and ours."""
    steps = steps_of(trainer, arguments, width)
    rounds = []
    for number in range(arguments.rounds + 1):
        each = [theirs(arguments, width), *(timed(step, arguments.steps) for step in steps)]
        if number:  # the first compiles and warms
            rounds.append([seconds for pair in each for seconds in np.reshape(pair, -1)])
    median = np.median(rounds, axis=0).reshape(-1, 2)
    return "".join(f"{one:>12.1f} ({other:.1f})" for one, other in arguments.steps * arguments.batch / median)


def theirs(arguments: argparse.Namespace, width: int) -> list[list[float]]:
    """Seconds by the clock and of processors of a round of cryoDRGN's decoder, and of its whole step."""
    words = [arguments.box, width, arguments.dims, arguments.batch, arguments.steps, arguments.threads]
    python = os.environ["FLEXREC_CRYODRGN_PYTHON"]
    done = subprocess.run([python, "-c", CRYODRGN, *map(str, words), arguments.domain], capture_output=True, text=True,
                          env=thread_environment(arguments.threads))  # fmt: skip
    if done.returncode:
        raise SystemExit(f"cryoDRGN failed:\n{done.stderr}")
    return [[float(word) for word in row.split()] for row in done.stdout.splitlines()]


def steps_of(trainer: Trainer, arguments: argparse.Namespace, width: int) -> list[Callable[[], None]]:
    """The step of the decoder alone, with an encoder, and with a table."""
    encoder = ImageEncoder(EncoderParameters(encoder_units=width, encoder_warmup=0))
    of_encoder, of_table = (step_of(trainer, arguments, width, source) for source in (encoder, LatentTable()))
    return [lambda: of_table(False), lambda: of_encoder(True), lambda: of_table(True)]


def step_of(
    trainer: Trainer, arguments: argparse.Namespace, width: int, source: LatentSource
) -> Callable[[bool], None]:
    """A function that makes a step, latents moved by ``source`` or, told not to, as they are given."""
    settings = FieldParameters(field_units=width, domain=arguments.domain, field_samples=arguments.samples)
    training = Training(FieldDecoder(settings), source)
    decoder = training.decoder
    training.have_points(trainer)
    decoder.build(trainer, arguments.dims)
    decoder.amplitude, decoder.network.exact = torch.ones(trainer.images.box // 2 + 1), arguments.exact
    noise = torch.full((trainer.images.box // 2 + 1,), float(trainer.images.box**2))
    stage = trainer.stage_of(trainer.levels[0], noise)
    now = Pass(trainer, stage.with_density(torch.ones_like(stage.density)), training.points, 0)
    batches = list(now.stage.batches_of(np.split(np.arange(len(trainer.images)), 4)))
    white = torch.randn(arguments.batch, arguments.dims)
    place, turn = np.arange(arguments.batch), iter(range(1 << 30))
    decoder.begin_pass(now)
    source.begin_pass(now, decoder)

    def step(moved: bool) -> None:
        batch, z = batches[next(turn) % len(batches)], white
        optimisers = training.optimisers if moved else [decoder.optimiser]
        for optimiser in optimisers:
            optimiser.zero_grad()
        if moved:
            batch, z = source.move(now, decoder, batch, white)
        decoder.learn(now, batch, z, place, arguments.batch)
        if moved:
            source.learn(now, decoder, batch, z, arguments.batch)
        for optimiser in optimisers:
            optimiser.step()

    return step


def timed(step: Callable[[], None], count: int) -> tuple[float, float]:
    """Seconds by the clock and of processors of ``count`` steps."""
    clock, processor = time.perf_counter(), time.process_time()
    for _ in range(count):
        step()
    return time.perf_counter() - clock, time.process_time() - processor


if __name__ == "__main__":
    main()
