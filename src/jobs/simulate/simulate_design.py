"""What a ``simulate`` job's parameters come to: the molecule, what moves in it, and every particle."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import InputError
from ...particles.aberrations import with_beam_tilt
from ...particles.ctf import wavelength
from ...particles.symmetry import operators
from ...simulate.assembly import Assembly, assemble
from ...simulate.dropped_parts import parse_dropped
from ...simulate.experiment import (
    Experiment,
    draw_absent,
    draw_background,
    draw_defocus,
    draw_kinds,
    draw_neighbours,
    draw_scales,
    draw_states,
    draw_views,
)
from ...simulate.hinges import parse_hinges
from ...simulate.igg import build_igg
from ...simulate.model_atoms import is_model_file
from ...simulate.molecule import Molecule, read_labelled_map, read_model
from .simulate_parameters import SimulateParameters

MAP_SUFFIXES = (".mrc", ".map", ".ccp4", ".rec")


def read_molecule(parameters: SimulateParameters) -> Molecule:
    """The molecule that was asked for."""
    path = parameters.molecule
    if path is None:
        return build_igg(parameters.resolution)
    if is_model_file(path):
        return read_model(path, parameters.resolution)
    if path.suffix.lower() not in MAP_SUFFIXES:
        raise InputError(f"{path}: is no atomic model (.pdb, .ent, .cif, .mmcif, or these as .gz) and no map (.mrc, "
                         ".map) by its name; give one of these.")  # fmt: skip
    if parameters.labels is None:
        raise InputError(f"{path}: a map moves by its labels; give labels, an MRC that names the part of each voxel.")
    return read_labelled_map(path, parameters.labels)


def hinge_text(parameters: SimulateParameters) -> str:
    """What moves, as `parse_hinges` reads it."""
    if parameters.hinges:
        return parameters.hinges
    if parameters.molecule is not None:
        raise InputError("hinges: say what moves in this molecule, for instance 'A: ±15' (or 'rigid').")
    return "fab1: ±15"


def read_assembly(parameters: SimulateParameters) -> Assembly:
    """The molecule that was asked for with what moves in it, or the complex of such molecules."""
    molecule = read_molecule(parameters)
    hinges, dropped = parse_hinges(hinge_text(parameters), molecule), parse_dropped(parameters.drop, molecule)
    return assemble(molecule, hinges, dropped, operators(parameters.symmetry))


def design(parameters: SimulateParameters, assembly: Assembly, seed: int) -> Experiment:
    """Draw every particle's state, pose and optics."""
    check_shares(parameters)
    count = parameters.particles
    angles, state = _states(assembly, count, parameters.states, seed)
    if parameters.poses is None:
        rotation, shift = draw_views(count, parameters.shift, seed, _cap(parameters.views))
        defocus = draw_defocus(count, _span(parameters.defocus), parameters.astigmatism, seed)
    else:
        rotation, shift, defocus = _given_poses(parameters.poses, count)
    return Experiment(
        angles, state, rotation, shift, defocus, parameters.box, parameters.pixel_size, parameters.voltage,
        parameters.spherical_aberration, parameters.amplitude_contrast, parameters.snr, parameters.noise_ratio, seed,
        **_aberrations(parameters), b_factor=parameters.b_factor,
        scale=draw_scales(count, parameters.scale_spread, seed),
        pose_error=_two_numbers(parameters.pose_error, "pose_error"),
        defocus_error=parameters.defocus_error / 100,
        kind=draw_kinds(count, parameters.junk, parameters.strangers, seed),
        absent=draw_absent(count, assembly.dropped, seed),
        neighbour=draw_neighbours(count, parameters.neighbours, _neighbour_distances(assembly.molecule), seed),
        background=draw_background(count, *_two_numbers(parameters.noise, "noise"), seed),
    )  # fmt: skip


def check_shares(parameters: SimulateParameters) -> None:
    """``InputError`` where there are more kinds of particles than there are particles."""
    if parameters.states > parameters.particles:
        raise InputError(f"states: {parameters.states} conformations are more than the {parameters.particles} "
                         "particles; give no more, or 0 for a state of each particle's own.")  # fmt: skip
    if parameters.junk + parameters.strangers > 1:
        raise InputError(f"strangers: {parameters.strangers:g} of the images and {parameters.junk:g} that are junk are "
                         "more than all of them; let both come to 1 at most.")  # fmt: skip


def _states(assembly: Assembly, count: int, states: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Angles ``(count, h)`` in degrees and state numbers ``(count,)``; of a complex ``(count, subunits)``, each
    subunit having its own.
    """
    subunits = assembly.subunits
    angles, state = draw_states(assembly.hinges[: len(assembly.hinges) // subunits], count * subunits, states, seed)
    return (angles, state) if subunits == 1 else (angles.reshape(count, -1), state.reshape(count, subunits))


def _cap(pair: tuple[float, ...]) -> tuple[float, float] | None:
    if not pair:
        return None
    if len(pair) != 2 or not 0 <= pair[0] <= 1 or not 0 < pair[1] <= 180:
        raise InputError(f"views: {pair} must be two numbers, a share from 0 to 1 and degrees up to 180.")
    return pair[0], pair[1]


def _neighbour_distances(molecule: Molecule) -> tuple[float, float]:
    """How far from a particle's middle its neighbour's is, least and most, Å: they touch, or are half of one apart."""
    radius = float(np.percentile(np.linalg.norm(molecule.position, axis=1), 95))
    return 1.8 * radius, 2.5 * radius


def _two_numbers(pair: tuple[float, ...], name: str) -> tuple[float, float]:
    if len(pair) not in (0, 2) or any(value < 0 for value in pair):
        raise InputError(f"{name}: {pair} must be two numbers that are not negative.")
    return (pair[0], pair[1]) if pair else (0.0, 0.0)


def _aberrations(parameters: SimulateParameters) -> dict[str, np.ndarray | None]:
    """Coefficients and magnification, None where nothing was asked."""
    odd, even, magnification = (np.array(parameters.odd_zernike), np.array(parameters.even_zernike), None)
    if parameters.beam_tilt:
        if len(parameters.beam_tilt) != 2:
            raise InputError(f"beam_tilt: {parameters.beam_tilt} must be two numbers, the tilts along x and y in mrad.")
        lam, cs = wavelength(np.array([parameters.voltage])), np.array([parameters.spherical_aberration])
        odd = with_beam_tilt(odd[None], np.array([parameters.beam_tilt]), cs, lam)[0]
    if parameters.anisotropy:
        if len(parameters.anisotropy) != 2 or not abs(parameters.anisotropy[0]) < 20:
            raise InputError(f"anisotropy: {parameters.anisotropy} must be two numbers: per cent, and degrees.")
        part, angle = parameters.anisotropy[0] / 200, np.radians(parameters.anisotropy[1])
        axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        magnification = axes @ np.diag([1 + part, 1 - part]) @ axes.T
    return {"odd": odd if len(odd) else None, "even": even if len(even) else None, "magnification": magnification}


def _span(defocus: tuple[float, ...]) -> tuple[float, float]:
    if len(defocus) != 2 or not defocus[0] <= defocus[1]:
        raise InputError(f"defocus: {defocus} must be two rising numbers, the least and the greatest underfocus in Å.")
    return defocus[0], defocus[1]


def _given_poses(path: Path, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Poses, shifts and defocus of ``count`` particles of a file, starting over where it has fewer."""
    from ...particles import read_particles

    given = read_particles(path)
    given = given.take(np.arange(count) % len(given))
    for name in ("rotation", "shift", "defocus"):
        if not np.isfinite(getattr(given, name)).all():
            raise InputError(f"{path}: some particles have no {name}; give refined particles with poses and CTF.")
    return given.rotation, given.shift, given.defocus
