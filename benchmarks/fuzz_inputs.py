"""Damaged input files by the thousand: each is read rightly or refused in one sentence, quickly and in little memory.

Particle files (.star, .cs), stacks (.mrcs) and maps (.mrc) are made of good ones by a seeded change: real files of
RELION, cryoSPARC and cryoDRGN in ``--data``, where that folder is, and small ones that are made here. Each is read as
prep and mesh do, in a process of its own kind, that may take 10 s and 1 GB. BAD is what is neither read rightly nor
refused in one sentence that names the file: another error, a warning of numpy, values that cannot be, a limit, a pickle
that was run. The table counts; BAD files are kept in ``--keep``.

    python benchmarks/fuzz_inputs.py --count 1000 --seed 0
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.particles import ImageStack, InputWarning, Particles, read_particles
from chimerax.flexrec.particles.convert import Converter
from chimerax.flexrec.particles.frame import choose_frame
from fuzz_cs_mutations import CS, MARK
from fuzz_mutations import MRC, STAR
from fuzz_seeds import Seed, real, simulated, write_stubs

SECONDS, BYTES = 10.0, 1 << 30
RIGHT, REFUSED, BAD = "read", "refused", "BAD"
_PER_PARTICLE = ("stack", "index", "rotation", "shift", "defocus", "phase_shift", "group", "half", "b_factor", "scale")

MUTATIONS = {".star": STAR, ".cs": CS, ".mrcs": MRC, ".mrc": MRC}


class NotFinite(Exception):
    """Images that hold something else than numbers."""


def make_case(seeds: list[Seed], seed: int, number: int, folder: Path) -> tuple[Path, str]:
    """Write one damaged file, and what it needs, into a folder; returns what is to be read, and what was done."""
    rng = random.Random(f"{seed}-{number}")
    kind = rng.choices((".star", ".cs", ".mrcs", ".mrc"), (5, 3, 1, 1))[0]
    chosen = rng.choice([one for one in seeds if one.kind == kind])
    data, done = chosen.data, []
    for _ in range(rng.choice((1, 1, 1, 2))):
        mutation = rng.choice(MUTATIONS[kind])
        try:
            data = mutation(data, rng) or b""
        except Exception:  # a second change may not know what the first has left
            continue
        done.append(mutation.__name__)
        if not data:
            break
    for one in chosen.beside:
        shutil.copy(one, folder / one.name)
    path = folder / (
        "map.mrc" if kind == ".mrc" else f"particles{kind}" if chosen.name == "simulated" else Path(chosen.name).name
    )
    path.write_bytes(data)
    subject = folder / chosen.beside[0].name if kind == ".mrcs" else path
    return subject, f"{kind} {chosen.name}: {', '.join(done)}"


# ---------------------------------------------------------------------------- what is made of it


def outcome(path: Path) -> tuple[str, str]:
    """(`RIGHT`, `REFUSED` or `BAD`, why) of a file, read as prep and mesh read it."""
    MARK.unlink(missing_ok=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", InputWarning)
            wrong = _map_wrong(path) if path.suffix == ".mrc" else _particles_wrong(path)
        verdict = (BAD, wrong) if wrong else (RIGHT, "")
    except NotFinite:
        verdict = REFUSED, "prep leaves out images that are not finite, and says which"
    except InputError as error:
        text = str(error)
        sentence = "\n" not in text and len(text) < 1000 and (str(path.parent) in text or path.stem in text)
        verdict = (REFUSED, text) if sentence else (BAD, f"no sentence that names the file: {text[:300]!r}")
    except BaseException:  # noqa: BLE001 - MemoryError and SystemExit too
        verdict = BAD, traceback.format_exc(limit=-3)
    if MARK.exists():
        verdict = BAD, "a pickle was run"
    return verdict


def _particles_wrong(path: Path) -> str:
    """What is wrong with particles that were read without complaint; "" where nothing is."""
    lenient = read_particles(path, require=())  # as exports and what shows images do
    if any(len(getattr(lenient, name)) != len(lenient) for name in _PER_PARTICLE):
        return "arrays of different lengths"
    particles = read_particles(path)
    if wrong := _values_wrong(particles):
        return wrong
    stack = ImageStack(particles)
    stack.check()
    frame = choose_frame(particles, None, None)
    box, fine = particles.optics.box[particles.group], True
    for row in (0, len(particles) - 1):
        images = Converter(particles, frame, 0.4 * frame.crop).raw(np.array([row]))
        if not np.isfinite(images).all():
            raise NotFinite
        fine &= images.shape == (1, box[row], box[row]) and images.dtype == np.float32
    return "" if fine else "images of another shape or type"


def _values_wrong(particles: Particles) -> str:
    count, optics = len(particles), particles.optics
    for name in _PER_PARTICLE:
        values = getattr(particles, name)
        if len(values) != count or not np.isfinite(values).all():
            return f"{name} of {len(values)} for {count} particles, or not finite"
    checks = {
        "rotation": np.abs(particles.rotation @ particles.rotation.swapaxes(1, 2) - np.eye(3)).max() < 1e-5,
        "index": particles.index.min() >= 0,
        "stack": 0 <= particles.stack.min() and particles.stack.max() < len(particles.stacks),
        "group": 0 <= particles.group.min() and particles.group.max() < len(optics),
        "half": np.isin(particles.half, (0, 1, 2)).all(),
        "contrast": particles.contrast in (-1, 1),
    }
    used = np.unique(particles.group)
    for name, low, high in (("voltage", 10, 2000), ("pixel_size", 0.01, 1000), ("amplitude_contrast", 0, 1), ("box",
                                                                                                              0, 1e6),
                            ("spherical_aberration", -200, 200)):  # fmt: skip
        values = getattr(optics, name)[used]
        checks[name] = bool(((values >= low) & (values <= high)).all())
    for name in ("odd", "even", "magnification"):
        checks[name] = bool(np.isfinite(getattr(optics, name)[used]).all())
    for name in particles.columns:
        checks[f"column {name}"] = particles.columns[name].shape == (count,)
    return ", ".join(name for name, fine in checks.items() if not fine)


def _map_wrong(path: Path) -> str:
    """As `_particles_wrong`, of a map."""
    from chimerax.flexrec.mesh.map_files import read_map
    from chimerax.flexrec.mesh.map_place import read_centre

    grid, size = read_map(path)
    centre = read_centre(path)
    if not (grid.ndim == 3 and len(set(grid.shape)) == 1 and np.isfinite(grid).all() and grid.dtype == np.float32):
        return "a map that is no cube, or not finite"
    return "" if 0.1 <= size <= 30 and np.isfinite(centre).all() else f"pixel size {size}, centre {centre}"


# ---------------------------------------------------------------------------- processes


def work(pipe) -> None:
    """Read what is asked for, until nothing is; in ``BYTES`` of memory beyond what Python and its libraries take."""
    import chimerax.flexrec.mesh.map_files  # noqa: F401 - what is imported does not count
    import mrcfile  # noqa: F401
    import scipy.fft  # noqa: F401

    try:
        import resource

        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + BYTES, held + BYTES))
    except (ImportError, OSError):
        pass  # not Linux: without the limit of memory
    pipe.send("ready")
    while (path := pipe.recv()) is not None:
        pipe.send(outcome(path))


class Worker:
    """A process that reads files; a new one where it hangs or dies."""

    def __init__(self) -> None:
        self._process = None

    def outcome(self, path: Path) -> tuple[str, str]:
        """As the function of this name, within the limits."""
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=work, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()
            self._pipe.recv()
        self._pipe.send(path)
        if not self._pipe.poll(SECONDS):
            self.stop()
            return BAD, f"more than {SECONDS:g} s"
        try:
            return self._pipe.recv()
        except EOFError:
            code = self._process.exitcode
            self.stop()
            return BAD, f"the process died ({code})"

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = None


def run(count: int, seed: int, data: Path | None, keep: Path | None) -> list[tuple[str, str, str]]:
    """(what was done, verdict, why) of each of ``count`` damaged files."""
    results, worker = [], Worker()
    with tempfile.TemporaryDirectory() as work_folder:
        folder = Path(work_folder)
        (folder / "good").mkdir()
        made = simulated(folder / "good")
        others = real(data) if data is not None and data.is_dir() else []
        seeds = made + others + made  # half of the simulated, which have all that is read
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InputWarning)
            write_stubs(others, folder)
        try:
            for number in range(count):
                case = folder / "case"
                case.mkdir()
                subject, done = make_case(seeds, seed, number, case)
                verdict, why = worker.outcome(subject)
                results.append((done, verdict, why))
                if verdict == BAD and keep is not None:
                    shutil.copytree(case, keep / f"{seed}-{number}", dirs_exist_ok=True)
                    (keep / f"{seed}-{number}" / "why.txt").write_text(f"{done}\n{why}\n", errors="backslashreplace")
                shutil.rmtree(case)
        finally:
            worker.stop()
    return results


def main() -> int:
    """Print the table; 1 where something is BAD."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--tell", action="store_true", help="print what was said of every file")
    asked = parser.parse_args()
    results = run(asked.count, asked.seed, asked.data, asked.keep)
    kinds = sorted({done.split()[0] for done, _, _ in results})
    print(f"seed {asked.seed}\n| kind | files | {RIGHT} | {REFUSED} | {BAD} |\n| --- | --- | --- | --- | --- |")
    for kind in [*kinds, "all"]:
        counts = Counter(verdict for done, verdict, _ in results if kind in ("all", done.split()[0]))
        print(f"| {kind} | {counts.total()} | {counts[RIGHT]} | {counts[REFUSED]} | {counts[BAD]} |")
    for number, (done, verdict, why) in enumerate(results):
        if verdict == BAD or asked.tell:
            print(f"{verdict} {asked.seed}-{number} {done}\n    {why}".encode(errors="backslashreplace").decode())
    return 1 if any(verdict == BAD for _, verdict, _ in results) else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
