"""Good input files to damage: small simulated ones, and real ones of other programs; for fuzz_inputs.py."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.particles import Optics, Particles, read_particles, write_star
from chimerax.flexrec.particles.mrc import stack_header

BOX, COUNT = 16, 12


@dataclass(frozen=True)
class Seed:
    """A good file: ``kind`` is its suffix; ``beside`` are files that it needs, which stay whole."""

    name: str
    kind: str
    data: bytes
    beside: tuple[Path, ...] = ()


def simulated(folder: Path) -> list[Seed]:
    """Small particle files, with their stack, and a map."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(COUNT, BOX, BOX)).astype("<f4")
    stack = folder / "particles.mrcs"
    stack.write_bytes(stack_header(COUNT, BOX, 3.0) + images.tobytes())
    rotation = np.linalg.qr(rng.normal(size=(COUNT, 3, 3)))[0]
    rotation *= np.linalg.det(rotation)[:, None, None]
    two = np.full(2, 2.0)
    optics = Optics(150 * two, 1.35 * two, 0.05 * two, 1.5 * two, np.full(2, BOX), ("one", "the other"))
    columns = {
        "rlnMicrographName": np.array(["a b.mrc", "Müller.mrc"] * (COUNT // 2), object),
        "rlnClassNumber": np.arange(COUNT),
    }
    particles = Particles(
        (stack,), np.zeros(COUNT, np.int32), np.arange(COUNT), rotation, rng.normal(size=(COUNT, 2)),
        np.tile([15000.0, 14000, 30], (COUNT, 1)),
        np.zeros(COUNT), np.arange(COUNT, dtype=np.int32) % 2, np.arange(COUNT, dtype=np.int8) % 2 + 1, optics, columns,
    )  # fmt: skip
    write_star(folder / "particles.star", particles)
    np.save(folder / "particles.npy", cryosparc_table())
    volume = rng.normal(size=(BOX, BOX, BOX)).astype("<f4")
    star = (folder / "particles.star").read_bytes()
    return [
        Seed("simulated", ".star", star, (stack,)),
        Seed("simulated", ".cs", (folder / "particles.npy").read_bytes(), (stack,)),
        Seed("simulated", ".mrcs", stack.read_bytes(), (folder / "particles.star",)),
        Seed("simulated", ".mrc", stack_header(BOX, BOX, 3.0) + volume.tobytes()),
    ]


def cryosparc_table() -> np.ndarray:
    """Particles with all fields that FlexRec reads of a .cs."""
    rng = np.random.default_rng(1)
    table = np.zeros(COUNT, [
        ("uid", "u8"), ("blob/path", "S40"), ("blob/idx", "u4"), ("blob/shape", "u4", 2), ("blob/psize_A", "f4"),
        ("blob/sign", "f4"),
        ("ctf/df1_A", "f4"), ("ctf/df2_A", "f4"), ("ctf/df_angle_rad", "f4"), ("ctf/accel_kv", "f4"), ("ctf/cs_mm",
                                                                                                       "f4"),
        ("ctf/amp_contrast", "f4"), ("ctf/phase_shift_rad", "f4"), ("ctf/exp_group_id", "u4"), ("ctf/bfactor", "f4"),
        ("ctf/scale", "f4"),
        ("ctf/tilt_A", "f4", 2), ("ctf/tetra_A", "f4", 4), ("ctf/anisomag", "f4", 4), ("alignments3D/split", "u4"),
        ("alignments3D/shift", "f4", 2), ("alignments3D/pose", "f4", 3), ("alignments3D/psize_A", "f4"),
        ("alignments3D/alpha", "f4"),
        ("location/micrograph_path", "S30"),
    ])  # fmt: skip
    values = {"blob/path": b"particles.mrcs", "blob/idx": np.arange(COUNT), "blob/shape": BOX, "blob/psize_A": 3,
              "blob/sign": -1,
              "ctf/df1_A": 15000, "ctf/df2_A": 14000, "ctf/accel_kv": 300, "ctf/cs_mm": 2.7, "ctf/amp_contrast": 0.1,
              "ctf/scale": 1,
              "alignments3D/split": np.arange(COUNT) % 2, "alignments3D/pose": rng.normal(size=(COUNT, 3)),
              "alignments3D/psize_A": 3,
              "alignments3D/alpha": 1, "location/micrograph_path": "Müller/1.mrc".encode()}  # fmt: skip
    for name, value in values.items():
        table[name] = value
    return table


def real(data: Path) -> list[Seed]:
    """The files of other programs in a folder as ../shared/data is."""
    stars = {"relion31.star": ("relion31.mrcs",), "relion31.6opticsgroups.star": (), "relion5.star": (),
             "empiar_10076_7.star": (),
             "FinalRefinement-OriginalParticles-PfCRT.star": ()}  # fmt: skip
    seeds = [
        Seed(name, ".star", (data / "relion" / name).read_bytes(), tuple(data / "relion" / one for one in beside))
        for name, beside in stars.items()
    ]
    for name in (
        "cryosparc_J2_particles_exported.cs",
        "empiar_10076_7.cs",
        "4k_dataset.cs",
        "cryosparc_P12_J24_001_particles.cs",
    ):
        file = io.BytesIO()
        np.save(file, np.load(data / "cryosparc" / name)[:40])
        seeds.append(Seed(name, ".cs", file.getvalue()))
    relion = data / "relion"
    seeds.append(Seed("relion31.mrcs", ".mrcs", (relion / "relion31.mrcs").read_bytes(), (relion / "relion31.star",)))
    seeds.append(Seed("hand-vol.mrc", ".mrc", (data / "cryodrgn" / "hand-vol.mrc").read_bytes()))
    return seeds


def write_stubs(seeds: list[Seed], folder: Path) -> None:
    """Stacks of zeros for those that real particle files name and that are not there, in a folder above all cases."""
    for one in seeds:
        path = folder / f"stub{one.kind}"
        path.write_bytes(one.data)
        if one.kind in (".star", ".cs") and not one.beside:
            try:
                particles = read_particles(path, require=())
            except InputError:  # it has no rows
                continue
            for number, stack in enumerate(particles.stacks):
                members = particles.stack == number
                box = int(particles.optics.box[particles.group[members][0]]) or 64
                if not stack.exists():
                    stack.parent.mkdir(parents=True, exist_ok=True)
                    count = int(particles.index[members].max()) + 1
                    stack.write_bytes(stack_header(count, box, 1.0))
                    os.truncate(stack, 1024 + 4 * count * box * box)
        path.unlink()
