"""A linear model written as a job of cryoSPARC's 3D Variability leaves it.

File names and fields are those that public programs read from such jobs (CryoBench, RECOVAR, Wiggle): NAME_map.mrc,
NAME_component_K.mrc and NAME_particles.cs with components_mode_K/component and /value.
"""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.models.linear.linear_model import LinearModel

NAME = "cryosparc_P3_J11"


def write_variability(folder: Path, model: LinearModel, passthrough: bool = True) -> Path:
    """The job's folder; images and CTF are in the passthrough table, in another order, or in none."""
    folder.mkdir(parents=True)
    write_map(folder / f"{NAME}_map.mrc", model.volume, model.pixel_size)
    for number, component in enumerate(model.components):
        write_map(folder / f"{NAME}_component_{number}.mrc", component, model.pixel_size)
    uid = np.random.default_rng(1).permutation(10 * len(model.latents)).astype("<u8")[: len(model.latents)]
    save(folder / f"{NAME}_particles.cs", coordinates(uid, model.latents))
    if passthrough:
        save(folder / f"{NAME}_passthrough_particles.cs", images(folder, uid, model)[::-1])
    return folder


def coordinates(uid: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """The table that the job itself puts out."""
    count, dims = latents.shape
    fields = [("uid", "<u8"), ("alignments3D/pose", "<f4", (3,)), ("alignments3D/shift", "<f4", (2,)),
              ("alignments3D/psize_A", "<f4")]  # fmt: skip
    for mode in range(dims):
        fields += [(f"components_mode_{mode}/component", "<u4"), (f"components_mode_{mode}/value", "<f4")]
    table = np.zeros(count, fields)
    table["uid"], table["alignments3D/psize_A"] = uid, 1.0
    table["alignments3D/pose"] = np.random.default_rng(2).normal(size=(count, 3))
    for mode in range(dims):
        table[f"components_mode_{mode}/component"] = mode
        table[f"components_mode_{mode}/value"] = latents[:, mode]
    return table


def images(folder: Path, uid: np.ndarray, model: LinearModel) -> np.ndarray:
    """What the job passes through, with a stack of images, whose number of a particle is its row."""
    count, box = len(uid), model.box
    with mrcfile.new(folder / "images.mrc") as file:
        file.set_data(np.random.default_rng(3).normal(size=(count, box, box)).astype(np.float32))
    fields = [("uid", "<u8"), ("blob/path", "S20"), ("blob/idx", "<u4"), ("blob/shape", "<u4", (2,)),
              ("blob/psize_A", "<f4"), ("blob/sign", "<f4"), *((f"ctf/{name}", "<f4") for name in CTF)]  # fmt: skip
    table = np.zeros(count, fields)
    table["uid"], table["blob/path"], table["blob/idx"] = uid, b"images.mrc", np.arange(count)
    table["blob/shape"], table["blob/psize_A"], table["blob/sign"] = box, model.pixel_size, -1
    for name, value in CTF.items():
        table[f"ctf/{name}"] = value
    return table


CTF = {"df1_A": 1e4, "df2_A": 1.1e4, "df_angle_rad": 0.3, "accel_kv": 300, "cs_mm": 2.7, "amp_contrast": 0.1}


def save(path: Path, table: np.ndarray) -> None:
    with open(path, "wb") as file:
        np.save(file, table)


def table_of(job, kind="particles"):
    """A table of the job, as it was written."""
    return np.load(job / f"{NAME}_{kind}.cs")
