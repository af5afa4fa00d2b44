"""A small folder as RECOVAR 1.0.5's pipeline and its analyze write it, of random maps and particles."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import mrcfile
import numpy as np

COUNT, BOX, PIXEL = 60, 12, 4.0  # particles in the file; voxels; Å
USED = np.setdiff1d(np.arange(3, COUNT), [7, 20])  # rows that have latents; RECOVAR's tables are NaN elsewhere
ZDIMS = (1, 3)


def write_recovar(folder: Path) -> Path:
    """The folder, with latents of zdim 1 and 3 and an analysis of zdim 1; its particles.mrcs have poses and CTF."""
    rng = np.random.default_rng(4)
    volumes = folder / "output" / "volumes"
    volumes.mkdir(parents=True)
    for name in ("mean", *(f"eigen_pos{number:04d}" for number in range(4))):
        write_volume(volumes / f"{name}.mrc", rng.normal(size=(BOX,) * 3))
    for zdim in ZDIMS:
        write_embedding(folder / "model" / f"zdim_{zdim}", zdim, rng)
    halves = [USED[::2].astype(np.int32), USED[1::2].astype(np.int32)]
    dump(folder / "model" / "particles_halfsets.pkl", halves)
    (folder / "model" / "params.pkl").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")  # nobody may open it
    write_particles(folder, rng)
    write_analysis(folder / "analysis_1", rng)
    return folder


def make_old(folder: Path, version: str = "0.2") -> Path:
    """The same folder as a version before 1.0 left it: "0", "0.2", or the last ones without files of each zdim."""
    model, embeddings = folder / "model", {}
    halves = pickle.loads((model / "particles_halfsets.pkl").read_bytes())
    old = {"latent_coords": "zs", "latent_precision": "cov_zs", "contrasts": "contrasts"}
    for zdim in ZDIMS:
        for suffix in ("", "_noreg"):
            for name, short in old.items():
                file = model / f"zdim_{zdim}" / f"{name}{suffix}.npy"
                table = np.load(file).astype(np.float64)
                file.unlink()
                if version == "0":  # in the order of the halves
                    table = table[np.concatenate(halves)].astype(np.float32)
                if version == "last":
                    embeddings.setdefault(f"{name}{suffix}", {})[zdim] = table.astype(np.float32)
                else:
                    embeddings.setdefault(short, {})[f"{zdim}{suffix}" if suffix else zdim] = table
        (model / f"zdim_{zdim}").rmdir()
    dump(model / "embeddings.pkl", embeddings)
    (model / "particles_halfsets.pkl").rename(model / "halfsets.pkl")
    analysis = folder / "analysis_1"
    (analysis / "plots" / "umap").rename(analysis / "umap")
    (analysis / "data" / "kmeans_result.pkl").rename(analysis / "kmeans_result.pkl")
    (analysis / "kmeans" / "centers.txt").rename(analysis / "kmeans_center_coords.txt")
    (analysis / "traj000").rename(analysis / "path0")
    asked = json.loads((folder / "job.json").read_text())["parameters"]
    (folder / "job.json").unlink()
    given = {"mask": "sphere", "tilt_series_ctf": None, **asked}
    words = ", ".join(f"{name}={value!r}" for name, value in given.items())
    log = f"Namespace({words}, zdim=[1, 3])\nsum(mean) < 0! swapping sign of data (uninvert-data = true)\n"
    (folder / "run.log").write_text(log)
    command = ["pipeline.py", asked["particles"], "--correct-contrast", "--poses", asked["poses"]]
    command += ["--ctf", asked["ctf"]]
    (folder / "command.txt").write_text(str(command))
    return folder


def write_volume(path: Path, grid: np.ndarray, pixel: float = PIXEL) -> None:
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(grid.astype(np.float32))
        file.voxel_size = pixel


def write_embedding(folder: Path, zdim: int, rng: np.random.Generator) -> None:
    """Both embeddings of a zdim, NaN where a particle was left out."""
    folder.mkdir(parents=True)
    for suffix in ("", "_noreg"):
        precision = np.eye(zdim) * rng.uniform(1, 2, size=(len(USED), 1, 1))
        latents, contrasts = rng.normal(size=(len(USED), zdim)) * 300, rng.uniform(0.8, 1.2, len(USED))
        tables = {"latent_coords": latents, "latent_precision": precision, "contrasts": contrasts}
        for name, values in tables.items():
            np.save(folder / f"{name}{suffix}.npy", padded(values.astype(np.float32)))


def write_particles(folder: Path, rng: np.random.Generator) -> None:
    """particles.mrcs with cryoDRGN's tables of poses and CTF, and the record that names them."""
    write_volume(folder / "particles.mrcs", rng.normal(size=(COUNT, BOX, BOX)))
    rotation = np.linalg.qr(rng.normal(size=(COUNT, 3, 3)))[0]
    rotation *= np.linalg.det(rotation)[:, None, None]
    dump(folder / "poses.pkl", (rotation, rng.uniform(-0.05, 0.05, (COUNT, 2))))
    ctf = np.tile([BOX, PIXEL, 1e4, 1.1e4, 20, 300, 2.7, 0.1, 0], (COUNT, 1)).astype(np.float32)
    dump(folder / "ctf.pkl", ctf)
    given: dict[str, object] = {name: str(folder / f"{name}.{kind}") for name, kind in
             (("particles", "mrcs"), ("poses", "pkl"), ("ctf", "pkl"))}  # fmt: skip
    given |= {"ind": None, "datadir": None, "tilt_series": False, "uninvert_data": "automatic"}
    record = {"recovar_version": "1.0.5", "command": "pipeline", "parameters": given}
    (folder / "job.json").write_text(json.dumps(record))
    (folder / "run.log").write_text("INFO pipeline: setting (uninvert-data = false)\n")


def write_analysis(folder: Path, rng: np.random.Generator) -> None:
    """k-means, UMAP and one trajectory of zdim 1."""
    for place in ("data", "kmeans", "plots/umap", "traj000"):
        (folder / place).mkdir(parents=True)
    latents = np.load(folder.parent / "model" / "zdim_1" / "latent_coords.npy")[USED]
    centers = np.array([[-200.0], [50.0], [400.0]], np.float32)
    labels = np.argmin(np.abs(latents - centers.T), axis=1).astype(np.int32)
    dump(folder / "data" / "kmeans_result.pkl", {"centers": centers, "labels": padded(labels)})
    np.savetxt(folder / "kmeans" / "centers.txt", centers)
    dump(folder / "plots" / "umap" / "umap_embedding.pkl", padded(rng.normal(size=(len(USED), 2)).astype(np.float32)))
    np.savetxt(folder / "traj000" / "latent_coords.txt", np.linspace(-300, 300, 5)[:, None])


def padded(values: np.ndarray) -> np.ndarray:
    """A row for each in the particles' file up to the last that was used: NaN, or of whole numbers the smallest."""
    blank = np.nan if values.dtype.kind == "f" else np.iinfo(values.dtype).min
    table = np.full((USED.max() + 1, *values.shape[1:]), blank, values.dtype)
    table[USED] = values
    return table


def dump(path: Path, value: object) -> None:
    path.write_bytes(pickle.dumps(value))
