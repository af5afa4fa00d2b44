"""Time from a request to the engine process to its answer, warm, as ChimeraX sees it; and what killing it does.

The models are those of bench_decode.py, written to a folder and opened by a process of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_decode import LATENT_DIMS, random_model
from chimerax.flexrec.decoder_process import Engine, EngineError
from chimerax.flexrec.mesh import save_mesh
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.models.flow.flow_model import FlowModel

ATOMS = 100_000
COARSE = 64
REPEATS = 15
DRAG = 5.0  # seconds


def main() -> None:
    """Print a line per box and backend, then the drags, then the kills."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--python", help="that runs the engine process (default: this one)")
    parser.add_argument("--kills", type=int, default=100, help="times that the process is killed (default: 100)")
    arguments = parser.parse_args()
    print(f"milliseconds, median of {REPEATS}; first: starting, opening and the first map; displace: {ATOMS} points")
    print(
        "".join(f"{name:>10}" for name in ("box", "backend", "first", "map", f"map {COARSE}", "vertices", "displace"))
    )
    with tempfile.TemporaryDirectory() as work:
        folders = {box: written(random_model(box), Path(work) / f"{box:03d}-train") for box in arguments.boxes}
        for box, folder in folders.items():
            for backend in ("numba", "numpy"):
                with Engine(arguments.python, backend) as engine:
                    row = round_trips(engine, folder, box)
                    print(f"{box:10d}{backend:>10}" + "".join(f"{value:10.1f}" for value in row))
        for box, folder in folders.items():
            with Engine(arguments.python) as engine:
                for ask in ("decode", "displace"):
                    drag(engine, folder, ask, box)
        kills(Engine(arguments.python), folders[min(folders)], arguments.kills)


def written(model: FlowModel, folder: Path) -> Path:
    """The model as a train job leaves it."""
    folder.mkdir()
    save_mesh(folder / "mesh.npz", model.mesh)
    flow = model.flow
    layers = {f"network.{2 * i}.{name}": a for i, pair in enumerate(flow.layers) for name, a in zip(_PARTS, pair)}
    own = {name: getattr(flow, name) for name in ("vertices", "modes", "membership", "pivot", "reach")}
    np.savez(
        folder / "flow.npz", **own, **layers, parent=flow.parent, order=flow.order, **{"linear.weight": flow.linear}
    )
    np.savez(folder / "latents.npz", z=model.latents, precision=model.precision)
    write_map(folder / "map.mrc", model.volume, model.pixel_size)
    about = {"format": "flexrec-flow", "version": 1, "latent_dims": LATENT_DIMS, "box": model.box, "epoch": 1}
    about |= {"stage_box": model.box, "pixel_size": model.pixel_size, "epochs": 1}
    (folder / "model.json").write_text(json.dumps(about))
    return folder


_PARTS = ("weight", "bias")


def round_trips(engine: Engine, folder: Path, box: int) -> list[float]:
    """Milliseconds of the first map from nothing, then of each request."""
    points = np.random.default_rng(2).uniform(-60, 60, (ATOMS, 3))
    zs = np.random.default_rng(1).normal(size=(REPEATS + 1, LATENT_DIMS))
    start = time.perf_counter()
    engine.call("open", {"model": "m", "path": folder})
    engine.call("decode", {"model": "m", "z": zs[0]})
    first = 1000 * (time.perf_counter() - start)
    engine.call("anchor", {"model": "m", "anchor": "atoms"}, points)
    asked = [("decode", {}), ("decode", {"box": COARSE}), ("vertices", {}), ("displace", {"anchor": "atoms"})]
    return [first, *(milliseconds(engine, ask, {"model": "m", **more}, zs) for ask, more in asked)]


def milliseconds(engine: Engine, ask: str, fields: dict, zs: np.ndarray) -> float:
    """Median from asking to having the array, after the first."""
    taken = []
    for z in zs:
        start = time.perf_counter()
        engine.call(ask, {**fields, "z": z})
        taken.append(time.perf_counter() - start)
    return 1000 * statistics.median(taken[1:])


def drag(engine: Engine, folder: Path, ask: str, box: int) -> None:
    """Ask 200 times a second, as a hand would, and print how many answers came and how old they were."""
    engine.call("open", {"model": "m", "path": folder})
    points = np.random.default_rng(2).uniform(-60, 60, (ATOMS, 3))
    engine.call("anchor", {"model": "m", "anchor": "atoms"}, points)
    fields = {"model": "m", "anchor": "atoms"}
    engine.call(ask, {**fields, "z": np.zeros(LATENT_DIMS)})
    ages: list[float] = []
    asked, start = 0, time.perf_counter()
    while (now := time.perf_counter()) < start + DRAG:
        z = np.full(LATENT_DIMS, np.sin(now - start))
        came = lambda _, since=now: ages.append(1000 * (time.perf_counter() - since))  # noqa: E731
        engine.ask(ask, {**fields, "z": z}, channel="drag", done=came)
        asked += 1
        time.sleep(0.005)
        engine.deliver()
    during, left = len(ages), time.perf_counter()
    while engine.waiting:
        engine.deliver()
        time.sleep(0.001)
    left = 1000 * (time.perf_counter() - left)
    print(
        f"dragging {ask} at {box}: {asked / DRAG:.0f} asked and {during / DRAG:.0f} answered a second, "
        f"{statistics.median(ages):.0f} ms old (oldest {max(ages):.0f}); still {left:.0f} ms to go at its end"
    )


def kills(engine: Engine, folder: Path, count: int) -> None:
    """Kill the process at random moments while it works; print whether the next request always worked."""
    chance = random.Random(3)
    reported = worked = 0
    slowest = 0.0
    engine.call("open", {"model": "m", "path": folder})
    wanted = engine.call("decode", {"model": "m", "z": [0.5] * LATENT_DIMS}).array
    for _ in range(count):
        errors: list[Exception] = []
        for _ in range(20):
            engine.ask("decode", {"model": "m", "z": [0.1] * LATENT_DIMS}, failed=errors.append)
        time.sleep(chance.uniform(0, 0.3))
        engine.deliver()
        os.kill(engine.hello["pid"], signal.SIGKILL)
        while engine.waiting:
            engine.deliver()
        reported += bool(errors) and all(isinstance(error, EngineError) and "killed" in str(error) for error in errors)
        start = time.perf_counter()
        worked += np.array_equal(engine.call("decode", {"model": "m", "z": [0.5] * LATENT_DIMS}).array, wanted)
        slowest = max(slowest, time.perf_counter() - start)
    engine.close()
    print(
        f"killed {count} times: {reported} times told, {worked} times the next map was right, "
        f"after {slowest:.1f} s at most"
    )


if __name__ == "__main__":
    main()
