"""What a ``simulate`` job writes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...atomic import atomic_path
from ...errors import InputError
from ...particles import write_star
from ...particles.mrc import HEADER_BYTES, stack_header
from ...particles.symmetry import operators
from ...simulate.assembly import Assembly
from ...simulate.experiment import CHUNK, Experiment
from ...simulate.molecule import Molecule
from ...simulate.moving_molecule import MovingMolecule
from ...simulate.simulated_images import iterate_images
from ...simulate.truth import dropped_record, hinge_record
from ..job_folder import JobRun
from .simulate_consensus import reconstruct_consensus

_SYNC_EVERY = 20  # chunks between two entries of the journal


def write_truth(
    job: JobRun, assembly: Assembly, moving: MovingMolecule, experiment: Experiment, scale: float, symmetry: str
) -> None:
    """truth.npz (per particle), points.npz (the molecule in the map's frame) and truth.json (the rest)."""
    e, molecule = experiment, assembly.molecule
    particles = {name: getattr(e, name) for name in ("angles", "state", "rotation", "shift", "defocus")}
    particles |= {name: getattr(e, name) for name in ("kind", "absent") if getattr(e, name) is not None}
    if e.neighbour is not None:
        particles["neighbour"] = e.neighbour.there
    level = np.ones(len(e)) if e.background is None else e.background.level
    with job.output("truth.npz") as path:
        np.savez(path, **particles, noise_sigma=level if e.snr else np.zeros(len(e)))
    points = {name: getattr(moving, name) for name in ("points", "weights", "codes", "offsets", "part")}
    with job.output("points.npz") as path:
        np.savez(path, **{name: values for name, values in points.items() if values is not None})
    record = {
        "molecule": molecule.name, "points": len(molecule), "frame": molecule.frame.tolist(),
        "point_width": moving.width, "band": moving.band if np.isfinite(moving.band) else None,
        "hinges": [hinge_record(hinge) for hinge in moving.hinges], "parts": moving.codes.tolist(),
        "box": e.box, "pixel_size": e.pixel_size, "particles": len(e), "states": int(e.state.max()) + 1,
        "snr": e.snr, "noise_ratio": e.noise_ratio, "gain": scale, "seed": e.seed, "voltage": e.voltage,
        "spherical_aberration": e.spherical_aberration, "amplitude_contrast": e.amplitude_contrast,
    }  # fmt: skip
    if assembly.dropped:
        record["dropped"] = dropped_record(assembly.dropped)
    if len(operators(symmetry)) > 1:
        record["symmetry"] = symmetry.strip().upper()
    with job.output("truth.json") as path:
        path.write_text(json.dumps(record, indent=1) + "\n")


def write_maps(job: JobRun, molecule: Molecule, moving: MovingMolecule, experiment: Experiment) -> None:
    """mean.mrc (of the true maps), labels.mrc, moving.mrc and, from a model, molecule.cif."""
    e = experiment
    states = e.angles[np.linspace(0, len(e) - 1, min(len(e), 200)).astype(int)]
    _write_map(job, "mean.mrc", moving.map_at(states, e.box, e.pixel_size), e.pixel_size)
    _write_map(job, "labels.mrc", moving.labels(e.box, e.pixel_size), e.pixel_size)
    if moving.hinges:
        _write_map(job, "moving.mrc", moving.moving_mask(states, e.box, e.pixel_size), e.pixel_size)
    if molecule.is_model:
        with job.output("molecule.cif") as path:
            _write_model(path, molecule, e.box // 2 * e.pixel_size)


def write_consensus(job: JobRun, moving: MovingMolecule, experiment: Experiment, group: np.ndarray) -> None:
    """consensus.mrc, from the written images: what a refinement would give that knows nothing of the motion.

    It has the symmetry of ``group`` ``(s, 3, 3)``, as a refinement imposes it.
    """
    density, resolution = reconstruct_consensus(job, moving, experiment, group)
    _write_map(job, "consensus.mrc", density, experiment.pixel_size)
    job.log(f"consensus.mrc: the images back-projected, to {resolution:.1f} Å")


def _write_map(job: JobRun, name: str, density: np.ndarray, pixel_size: float) -> None:
    import mrcfile

    with job.output(name) as path, mrcfile.new(path, overwrite=True) as file:
        file.set_data(density)
        file.voxel_size = pixel_size


def _write_model(path: Path, molecule: Molecule, offset: float) -> None:
    """The molecule at rest as mmCIF, placed so that it overlays the maps (whose first voxel is at 0)."""
    import gemmi

    model = gemmi.Model(1)
    for name in dict.fromkeys(molecule.chain.tolist()):
        chain, residue = gemmi.Chain(name), None
        for i in np.flatnonzero(molecule.chain == name):
            number, title = int(molecule.residue[i]), str(molecule.residue_name[i])
            if residue is None or (residue.seqid.num, residue.name) != (number, title):
                residue = gemmi.Residue()
                residue.name, residue.seqid = title, gemmi.SeqId(number, " ")
                residue.entity_type = gemmi.EntityType.Polymer
                residue = chain.add_residue(residue)
            atom = gemmi.Atom()
            atom.name, atom.element = str(molecule.atom[i]), gemmi.Element(str(molecule.element[i]))
            atom.pos = gemmi.Position(*(molecule.position[i] + offset))
            residue.add_atom(atom)
        model.add_chain(chain)
    structure = gemmi.Structure()
    structure.add_model(model)
    structure.setup_entities()
    structure.make_mmcif_document().write_file(str(path))


def write_particles(job: JobRun, experiment: Experiment) -> None:
    """particles.star, with the two halves alternating."""
    write_star(job.folder / "particles.star", experiment.refined_particles((job.folder / "particles.mrcs").resolve()))


def write_images(job: JobRun, moving: MovingMolecule, experiment: Experiment, threads: int) -> bool:
    """particles.mrcs, chunk by chunk; continues an interrupted one. False where the job was asked to stop."""
    target, unfinished = job.folder / "particles.mrcs", job.folder / "particles.unfinished"
    if target.exists():
        return True
    digest = _digest(moving, experiment)
    start = _resume_at(job.folder, digest)
    e, size = experiment, experiment.box**2 * 4
    _check_space(job.folder, (len(e) - start * CHUNK) * size)
    with open(unfinished, "r+b" if start else "wb") as file:
        file.write(stack_header(len(e), e.box, e.pixel_size))
        file.seek(HEADER_BYTES + start * CHUNK * size)
        for chunk, images in iterate_images(moving, e, threads, start):
            file.write(np.ascontiguousarray(images, "<f4").data)
            if (chunk + 1) % _SYNC_EVERY == 0 or chunk + 1 == e.chunks:
                _record(job.folder, file, digest, chunk + 1)
            job.progress(chunk + 1, e.chunks)
            if chunk + 1 < e.chunks and job.stop_requested():
                _record(job.folder, file, digest, chunk + 1)
                return False
    os.replace(unfinished, target)
    (job.folder / "unfinished.json").unlink(missing_ok=True)
    return True


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"particles: the images need {needed / 1e9:.1f} GB and {folder} has {free / 1e9:.1f} GB free; ask for "
            "fewer particles or a smaller box, or use another disk."
        )


def _digest(moving: MovingMolecule, experiment: Experiment) -> str:
    """Of everything that the images depend on, so that a journal is never continued with other images."""
    digest = hashlib.sha256()
    values = [*vars(moving).values(), *vars(experiment).values()]
    for drawn in (experiment.neighbour, experiment.background):
        values += vars(drawn).values() if drawn is not None else ()
    for value in values:
        digest.update(value.tobytes() if isinstance(value, np.ndarray) else b"")
    numbers = [value for value in vars(experiment).values() if isinstance(value, int | float | tuple | None)]
    digest.update(repr((numbers, moving.width, moving.band)).encode())
    for hinge in moving.hinges:
        digest.update(hinge.pivot.tobytes() + hinge.axis.tobytes())
    return digest.hexdigest()


def _resume_at(folder: Path, digest: str) -> int:
    """First chunk that is not yet safely on disk."""
    try:
        journal = json.loads((folder / "unfinished.json").read_text())
    except (OSError, ValueError):
        return 0
    whole = (folder / "particles.unfinished").exists() and journal.get("digest") == digest
    return int(journal["chunks"]) if whole else 0


def _record(folder: Path, file: BinaryIO, digest: str, chunks: int) -> None:
    """Note in the journal, after the images are on the disk, how many chunks they are."""
    file.flush()
    os.fsync(file.fileno())
    with atomic_path(folder / "unfinished.json") as path:
        path.write_text(json.dumps({"digest": digest, "chunks": chunks}))


def write_picture(job: JobRun, moving: MovingMolecule, experiment: Experiment) -> None:
    """simulate.png: for four states, a projection, the same with CTF, and the noisy image."""
    from ...figures.simulate_figure import draw

    with job.output("simulate.png") as path:
        draw(path, moving, experiment)
