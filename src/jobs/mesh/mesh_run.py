"""The ``mesh`` job: what it does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...figures.mesh_figure import draw_mesh
from ...mesh.build import build_mesh
from ...mesh.companion import MapGrid, read_companion
from ...mesh.cryosparc_mesh import from_cryosparc, to_cryosparc
from ...mesh.domains import find_domains
from ...mesh.map_files import interpolate, low_pass, read_map, write_map
from ...mesh.map_place import read_centre
from ...mesh.mask import (
    check_given_mask,
    cut_fraction,
    make_mask,
    mask_resolution,
    place_mask,
    refuse_mask,
    solvent_level,
)
from ...mesh.named_parts import Parts, check_joints_hold, join_parts
from ...mesh.quality import mesh_quality
from ...mesh.segments import Segments, doubts, fill_mask, read_segments
from ...mesh.storage import check_mesh, load_mesh, save_mesh
from ...mesh.tetmesh import TetMesh
from ...mesh.weights import cell_density, make_rigid, read_weights, weigh_by_density
from ...particles.pickles import load_arrays_pickle
from ...particles.resample import resample_box
from ..declare import refuse_without_use
from ..inputs import job_file
from ..job_folder import JobRun
from .body_file import read_bodies
from .mesh_parameters import MESH, MeshParameters, without_use

LARGEST_BOX = 256  # of the mesh's own map, unless asked: voxels are found anew for every box the engine uses
MOST_SOLVENT = 0.2  # of the greatest density above it, in a map whose solvent counts as 0
HALF_MAP = re.compile(r"half[-_]?(map[-_]?)?[12ab](?![a-z0-9])", re.IGNORECASE)  # as RELION and cryoSPARC name them
STEPS = 5


@dataclass(frozen=True)
class Result:
    """What is written: all maps (N, N, N) float32 [z, y, x] at the mesh's box; ``notes`` go into quality.json."""

    mesh: TetMesh
    parts: Parts
    consensus: np.ndarray
    mask: np.ndarray
    notes: dict


def run(parameters: MeshParameters, job: JobRun) -> None:
    """Build or import a mesh and write mesh.npz, mask.mrc, consensus.mrc, parts.mrc, quality.json and mesh.png."""
    refuse_without_use(MESH, parameters, without_use(vars(parameters)))
    parameters = replace(parameters, consensus=job_file(parameters.consensus, "consensus.mrc"))
    consensus, pixel_size = _read_consensus(parameters, job)
    consensus, parameters = _without_solvent(consensus, parameters, job)
    job.progress(1, STEPS)
    if parameters.mesh is None:
        result = build(parameters, consensus, pixel_size, job.log, job.progress)
    else:
        result = _import(parameters.mesh, parameters, consensus, pixel_size, job)
    # cropped or resampled, the consensus has kept its centre
    centre = read_centre(parameters.consensus, parameters.pixel_size)
    result = replace(result, mesh=replace(result.mesh, centre=centre))
    job.progress(4, STEPS)
    _write(parameters, result, job)
    job.progress(STEPS, STEPS)


def _read_consensus(parameters: MeshParameters, job: JobRun) -> tuple[np.ndarray, float]:
    """The consensus, cropped in Fourier space where it is large, and the pixel size that it then has."""
    consensus, pixel_size = read_map(parameters.consensus, parameters.pixel_size, "--pixel-size")
    refuse_mask(consensus, parameters.consensus)
    if parameters.pixel_size is None and abs(pixel_size - 1.0) < 1e-4:
        job.log("The map's header says 1 Å per voxel, as many programs write when they do not know: see --pixel-size.")
    if HALF_MAP.search(parameters.consensus.stem):
        job.log(f"{parameters.consensus.name} is one of two half-maps by its name, noisier than the map of all "
                "particles: give that one if there is one.")  # fmt: skip
    box = consensus.shape[0]
    wanted = min(box, LARGEST_BOX) if parameters.box is None else parameters.box
    if wanted > box or (wanted < box and wanted % 2):
        raise InputError(f"box: {wanted} must be even and no more than the consensus' {box} voxels.")
    if wanted < box:
        consensus, pixel_size = resample_box(consensus, wanted), pixel_size * box / wanted
    job.log(f"Consensus {parameters.consensus.name}: {wanted} voxels of {pixel_size:.4g} Å.")
    return consensus, pixel_size


def _without_solvent(
    consensus: np.ndarray, parameters: MeshParameters, job: JobRun
) -> tuple[np.ndarray, MeshParameters]:
    """A consensus whose solvent is 0, and a threshold that means the same in it."""
    solvent = solvent_level(consensus)
    if abs(solvent) <= MOST_SOLVENT * (float(consensus.max()) - solvent):
        return consensus, parameters
    job.log(f"The map's solvent has a density of {solvent:.4g}, as in maps of whole numbers: it was subtracted.")
    threshold = parameters.mask_threshold
    moved = None if threshold is None else threshold - solvent
    return consensus - np.float32(solvent), replace(parameters, mask_threshold=moved)


def build(
    parameters: MeshParameters, consensus: np.ndarray, pixel_size: float, log: Callable[[str], None],
    progress: Callable[[int, int], None] = lambda step, total: None,
) -> Result:  # fmt: skip
    """A mesh made of a consensus ``(N, N, N)`` ``[z, y, x]`` in the way that ``parameters`` say."""
    mask, cut = _mask(parameters, consensus, pixel_size, log)
    inside = mask > 0
    if parameters.coarseness > len(consensus):
        log(f"The cells are smaller than a voxel of {pixel_size:.3g} Å ({parameters.coarseness} cells across a box of "
            f"{len(consensus)} voxels): most carry nothing; give --coarseness {len(consensus) // 2} or less.")
    progress(2, STEPS)
    smooth = low_pass(consensus, pixel_size, mask_resolution(pixel_size, parameters.mask_lowpass))
    parts = _parts(parameters, smooth, inside, pixel_size, log)
    progress(3, STEPS)
    mesh = build_mesh(inside, pixel_size, parameters.coarseness, parts.part, parts.joints)
    check_joints_hold(mesh, parts)
    density = cell_density(mesh, smooth, pixel_size)
    mesh = weigh_by_density(mesh, density, parameters.rigidity_min, parameters.stiffen_low_density)
    mesh = replace(mesh, labels=parts.labels)
    return Result(_user_weights(parameters, mesh, parts), parts, consensus, mask, {"strong_density_cut": cut})


def _mask(
    parameters: MeshParameters, consensus: np.ndarray, pixel_size: float, log: Callable[[str], None]
) -> tuple[np.ndarray, float]:
    """Soft mask, and the share of strong density's power that it cuts off; ``InputError`` where that is too much."""
    if parameters.mask is None:
        shape = (parameters.mask_lowpass, parameters.mask_threshold, parameters.mask_dilate, parameters.mask_pad)
        mask = make_mask(consensus, pixel_size, *shape)
    else:
        mask = _given_mask(parameters.mask, parameters, consensus, pixel_size)
    cut = _cut(parameters, consensus, mask, pixel_size, log)
    if cut > parameters.mask_cut:
        raise InputError(
            f"The mask cuts off {cut:.0%} of the strong density's power (mask_cut allows {parameters.mask_cut:.0%}); "
            "lower --mask-threshold, give a wider --mask, or raise --mask-cut if it is meant to."
        )
    _warn_at_edge(mask, log)
    inside = mask > 0
    log(f"Mask: {inside.sum()} voxels, {inside.mean():.1%} of the box; strong density cut off: {cut:.2%}.")
    return mask, cut


def _cut(
    parameters: MeshParameters, consensus: np.ndarray, mask: np.ndarray, pixel_size: float, log: Callable[[str], None]
) -> float:
    """The share of strong density's power that a mask cuts off; 0 where a mask that was given is all that is known."""
    try:
        return cut_fraction(consensus, mask, pixel_size, parameters.mask_lowpass)
    except InputError as error:
        if parameters.mask is None and parameters.mask_threshold is None:
            raise
        log(f"What the mask cuts off cannot be told. {error}")
        return 0.0


def _given_mask(path: Path, parameters: MeshParameters, consensus: np.ndarray, pixel_size: float) -> np.ndarray:
    mask, mask_pixel = read_companion(path, _grid(parameters))
    width, wanted = mask.shape[0] * mask_pixel, consensus.shape[0] * pixel_size
    if abs(width - wanted) > 0.01 * wanted:
        raise InputError(
            f"{path}: the mask's box is {width:.1f} Å wide and the consensus' {wanted:.1f} Å; give a mask "
            "made in the consensus' box."
        )
    if mask.shape != consensus.shape:
        mask = place_mask(mask, mask_pixel, consensus.shape[0], pixel_size)
    return check_given_mask(path, mask, pixel_size, parameters.mask_pad)


def _grid(parameters: MeshParameters) -> MapGrid:
    """Of the consensus as its file has it."""
    return MapGrid.of(parameters.consensus, parameters.pixel_size)


def _warn_at_edge(mask: np.ndarray, log: Callable[[str], None]) -> None:
    if any(np.take(mask, (0, -1), axis).any() for axis in range(3)):
        log("The mask touches the box's edge: the molecule may be cut off, and cannot move outward. See mesh.png.")


def _parts(
    parameters: MeshParameters, smooth: np.ndarray, inside: np.ndarray, pixel_size: float, log: Callable[[str], None]
) -> Parts:
    """Parts of the mask: hand-drawn, found in the map, or one."""
    if parameters.bodies is not None:
        return _bodies(parameters, parameters.bodies, inside, pixel_size, log)
    if parameters.segments is None:
        part = np.where(inside, 0, -1).astype(np.int32)
        if parameters.parts != 1:
            part = find_domains(smooth, inside, parameters.parts)
        return join_parts(part, tuple(range(1, int(part.max()) + 2)), parameters.joints)
    if parameters.parts != 0:
        raise InputError("parts: the parts come from --segments; leave --parts out.")
    named = (*parameters.rigid, *(int(word) for word in parameters.joints.replace(">", ",").split(",") if _whole(word)))
    segments = read_segments(parameters.segments, _grid(parameters), named)
    return _filled(segments, parameters.segments, inside, pixel_size, parameters.joints, log)


def _filled(
    segments: Segments, path: Path, inside: np.ndarray, pixel_size: float, joints: str, log: Callable[[str], None]
) -> Parts:
    """Labels grown to fill the mask, joined as ``joints`` say; logged is what a person may not have meant."""
    filled = fill_mask(segments, inside, pixel_size, path)
    for line in doubts(segments, inside, pixel_size):
        log(line)
    return join_parts(*filled, joints)


def _bodies(
    parameters: MeshParameters, path: Path, inside: np.ndarray, pixel_size: float, log: Callable[[str], None]
) -> Parts:
    """RELION's bodies, joined as they turn against each other, unless joints are given."""
    for name, given in (("segments", parameters.segments is not None), ("parts", parameters.parts != 0)):
        if given:
            raise InputError(f"{name}: the parts come from --bodies; leave --{name} out.")
    segments, joints = read_bodies(path, _grid(parameters))
    return _filled(segments, path, inside, pixel_size, parameters.joints or joints, log)


def _whole(word: str) -> bool:
    return word.strip().lstrip("-").isdecimal()


def _user_weights(parameters: MeshParameters, mesh: TetMesh, parts: Parts) -> TetMesh:
    """The weights that the user gave, and the rigid parts."""
    if parameters.weights is not None:
        mesh = read_weights(parameters.weights, mesh)
    return make_rigid(mesh, parts.numbers(parameters.rigid)) if parameters.rigid else mesh


def _import(path: Path, parameters: MeshParameters, consensus: np.ndarray, pixel_size: float, job: JobRun) -> Result:
    """A mesh made elsewhere, with the consensus brought to its box."""
    if path.suffix.lower() == ".npz":
        mesh, notes = load_mesh(path), {}
        mask, labels = mesh.mask.astype(np.float32), mesh.part_names
    else:
        mesh, reading, mask, labels = from_cryosparc(load_arrays_pickle(path), consensus)
        notes = {"cryosparc": asdict(reading)}
        job.log(f"cryoSPARC mesh: points in {reading.unit}, {reading.fit:.1%} of the voxels lie in their cells.")
    check_mesh(mesh, path)
    if not mesh.mask.any():
        raise InputError(f"{path}: the mesh carries no voxel; give one that was made for a map.")
    width, own = mesh.box * mesh.pixel_size, consensus.shape[0] * pixel_size
    if (mesh.box, mesh.pixel_size) != (consensus.shape[0], pixel_size):
        job.log(f"The mesh's box is {width:.0f} Å wide, the consensus' {own:.0f} Å: the consensus is resampled.")
        consensus = interpolate(consensus, pixel_size, mesh.box, mesh.pixel_size)
    mesh = replace(mesh, labels=labels)
    parts = Parts(np.where(mesh.mask, mesh.part[mesh.voxel_cell], -1), labels, mesh.joints)
    return Result(_user_weights(parameters, mesh, parts), parts, consensus, mask, notes)


def _write(parameters: MeshParameters, result: Result, job: JobRun) -> None:
    mesh, parts = result.mesh, result.parts
    quality = {**mesh_quality(mesh, parts.labels), **result.notes}
    with job.output("consensus.mrc") as path:
        write_map(path, result.consensus, mesh.pixel_size, mesh.centre)
    with job.output("mask.mrc") as path:
        write_map(path, result.mask, mesh.pixel_size, mesh.centre)
    with job.output("parts.mrc") as path:
        write_map(path, parts.label_map(), mesh.pixel_size, mesh.centre)
    with job.output("mesh.png") as path:
        draw_mesh(path, mesh, result.consensus, result.mask, parts.labels)
    if parameters.cryosparc != "none":
        _write_cryosparc(parameters.cryosparc, result, job)
    with job.output("quality.json") as path:
        path.write_text(json.dumps(quality, indent=1) + "\n", encoding="utf-8")
    with job.output("mesh.npz") as path:
        save_mesh(path, mesh)
    _report(quality, parts, job)


def _write_cryosparc(unit: str, result: Result, job: JobRun) -> None:
    arrays: dict[str, Any] = to_cryosparc(result.mesh, result.mask, result.consensus, unit)
    with job.output("cryosparc_mesh.npz") as path, open(path, "wb") as file:
        np.savez_compressed(file, **arrays)


def _report(quality: dict, parts: Parts, job: JobRun) -> None:
    job.log(
        f"Mesh: {quality['vertices']} vertices, {quality['cells']} cells of {quality['edge_length']['median']:.3g} Å, "
        f"{quality['voxels_per_cell']:.3g} voxels in each, {quality['connected_components']} piece(s)."
    )
    if len(parts.labels) > 1:
        sizes = ", ".join(f"{part['label']} ({part['voxels']} voxels)" for part in quality["parts"])
        job.log(f"Parts: {sizes}; joints: {parts.named_joints() or 'none'}.")
    if quality["connected_components"] > 1:
        job.log("The mesh is in pieces that nothing holds together: widen the mask, or give --joints.")
