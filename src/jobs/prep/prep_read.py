"""What ``prep`` reads: particles and their consensus map, and whether their values can be."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...mesh.map_files import read_map
from ...mesh.map_place import read_centre
from ...mesh.mask import refuse_mask
from ...particles import InputWarning, Particles, read_particles
from ...particles.frame import Frame
from ...particles.mrc import read_header
from ...particles.prepared import STAR
from ...particles.relion_optimiser import is_optimiser, read_optimiser
from ...particles.resample import resample_map
from ..inputs import job_file
from .prep_notes import Notes
from .prep_parameters import CTF_STATES, PrepParameters

_OF_OTHERS = ("run_optimiser.star", "*_optimiser.star", "*_data.star", "*_exported.cs", "*_particles.cs")
_OTHER_SIZE = 0.1  # of a pixel size: no calibration, but a binning or a unit


@dataclass(frozen=True)
class Consensus:
    """A consensus map (N, N, N), its pixel size in Å, where its voxel N//2 lies, (3,) Å xyz, and the same map in
    the prepared frame.
    """

    density: np.ndarray
    pixel_size: float
    centre: np.ndarray
    framed: np.ndarray


def read_input(parameters: PrepParameters, seed: int, notes: Notes) -> tuple[Particles, np.ndarray]:
    """The particles asked for and their rows in the source file."""
    root = parameters.image_root
    if root is not None and not root.is_dir():
        raise InputError(f"image_root: {root} is a file; give the folder that the names of the stacks start from.")
    path = _particle_file(parameters.particles) if parameters.particles.is_dir() else parameters.particles
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InputWarning)
        particles = read_particles(path, parameters.image_root)
    for warning in caught:
        if issubclass(warning.category, InputWarning):
            notes.warn(str(warning.message))
    particles = with_given_state(particles, parameters)
    rows = input_rows(len(particles), parameters.subset, seed)
    return particles.take(rows), rows


def _particle_file(folder: Path) -> Path:
    """Of a FlexRec job's folder; ``InputError`` names what another program's has."""
    others = [file for pattern in _OF_OTHERS for file in sorted(folder.glob(pattern), reverse=True)]
    if not (folder / STAR).exists() and others:
        raise InputError(f"{folder}: has no {STAR}; give a file in it, such as {others[0].name}.")
    return job_file(folder, STAR)


def check_headers(particles: Particles, notes: Notes) -> None:
    """Say where a stack's header has quite another pixel size than the particle file, as after downsampling."""
    optics = particles.optics
    for group in np.unique(particles.group):
        stack = particles.stacks[particles.stack[np.argmax(particles.group == group)]]
        header, stated = read_header(stack).pixel_size, float(optics.pixel_size[group])
        if header > 0 and header != 1 and abs(header / stated - 1) > _OTHER_SIZE:  # 1 is what is written for unknown
            notes.warn(f"{stack.name} says {header:.4g} Å a pixel in its header, and {particles.source.name} "
                       f"{stated:.4g} Å (optics group {optics.name[group]}), which is taken: if the images were "
                       "downsampled, mend whichever is wrong.")  # fmt: skip
            return


def with_refinement(parameters: PrepParameters, say: Callable[[str], None]) -> PrepParameters:
    """Where RELION's optimiser.star is given, the particles that it names, its map where no consensus is given, and
    what it says was done to the images where that is not given.
    """
    path = parameters.particles
    if not is_optimiser(path):
        return parameters
    files = read_optimiser(path)
    say(f"{path.name} names the particles {files.data}.")
    consensus = parameters.consensus
    if consensus is None and files.consensus is not None:
        consensus = files.consensus
        say(f"The consensus is its map {consensus}.")
    state = parameters.ctf_state
    if state == "auto" and files.ctf_state is not None:
        state = CTF_STATES[files.ctf_state]
        say(f"The refinement took the images as {state}, and so they are taken.")
    return replace(parameters, particles=files.data, consensus=consensus, ctf_state=state)


def input_rows(count: int, subset: int | None, seed: int) -> np.ndarray:
    """Which of ``count`` particles of a file are taken, sorted."""
    if subset is None or subset >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, subset, replace=False))


def with_given_state(particles: Particles, parameters: PrepParameters) -> Particles:
    """The particles with what the parameters say instead of the file."""
    optics = particles.optics
    if parameters.ctf_state != "auto":
        state = CTF_STATES.index(parameters.ctf_state)
        optics = replace(optics, ctf_state=np.full(len(optics), state, np.int8))
    return replace(particles, optics=optics)


def read_consensus(
    path: Path | None, given: float | None, particles: Particles, frame: Frame
) -> Consensus | None:
    """The consensus map, or the consensus.mrc of a job's folder; ``given`` is its pixel size in place of its header's.

    ``InputError`` where its pixel size or extent cannot be that of these particles.
    """
    if path is None:
        if given is not None:
            raise InputError("pixel_size: is that of the consensus map, and there is none; give --consensus, or leave "
                             "it out. The particles' own is in their file.")  # fmt: skip
        return None
    path = job_file(path, "consensus.mrc")
    density, pixel_size = read_map(path, given, "--pixel-size")
    refuse_mask(density, path)
    boxes, sizes = particles.optics.box, particles.optics.pixel_size
    same_box = boxes == density.shape[0]
    if same_box.any() and np.min(np.abs(sizes[same_box] / pixel_size - 1)) > 0.005:
        raise InputError(f"{path}: has the particles' box ({density.shape[0]}) but pixels of {pixel_size:.4g} Å, and "
                         f"the particles {sizes[same_box][0]:.4g} Å; if the map's is wrong, give --pixel-size, if the "
                         "particles', mend their file.")  # fmt: skip
    extent = density.shape[0] * pixel_size
    if not 0.5 < extent / frame.crop < 3:
        raise InputError(f"{path}: is {extent:.0f} Å wide and the prepared images {frame.crop:.0f} Å; if its "
                         f"pixel size ({pixel_size:.4g} Å) is wrong, give --pixel-size.")  # fmt: skip
    framed = resample_map(density, pixel_size, frame.box, frame.pixel_size)
    return Consensus(density, pixel_size, read_centre(path, given), framed)
