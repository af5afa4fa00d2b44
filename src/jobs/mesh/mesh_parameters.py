"""The ``mesh`` job: what it can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...parameters import parameter
from ..declare import Job


@dataclass(frozen=True)
class MeshParameters:
    """A tetrahedral mesh over the consensus map."""

    consensus: Path = parameter(
        help="consensus map (MRC, a cube, molecule positive) of the same particles, in the same frame as their poses; "
        "or the folder of a job that has one"
    )
    coarseness: int = parameter(
        20,
        help="cells across the box; a cell's edge, box / coarseness, should span one or two alpha helices (10-20 Å). "
        "Finer meshes follow smaller motions and cost more",
        unit="cells",
        low=4,
        high=80,
    )
    parts: int = parameter(
        0,
        help="parts with vertices of their own, fused where joined: 0 for as many domains as the map has waists, N for "
        "N domains found in it, 1 for a plain mesh",
        low=0,
        high=50,
    )
    segments: Path | None = parameter(
        None,
        help="parts drawn by hand: an MRC file with an integer per voxel (0 or less is solvent; 0 is a part where the "
        "file has negative labels) or a Segger .seg file, whose outermost regions count; labels grow to fill the mask",
    )
    bodies: Path | None = parameter(
        None,
        help="parts as the bodies of RELION's multi-body refinement: its STAR file of masks (rlnBodyMaskName), joined "
        "as rlnBodyRotateRelativeTo says",
    )
    joints: str = parameter(
        "",
        help="which parts hold together, as '1>2, 2>3' (2 is joined to 1, 3 to 2; a tree); if omitted, the tree of "
        "greatest contact. Parts that touch without being joined slide past one another",
    )
    rigid: tuple[int, ...] = parameter((), help="labels of parts that shall not bend: their cells get weight 20")
    mask: Path | None = parameter(
        None, help="solvent mask (MRC, values 0..1) in the consensus' box; if omitted, one is made from the consensus"
    )
    mask_lowpass: float = parameter(
        10.0,
        help="low-pass of the consensus before the mask is made (three voxels at least)",
        unit="Å",
        low=1,
        high=100,
    )
    mask_threshold: float | None = parameter(
        None,
        help="density of the low-passed consensus above which the mask begins; if omitted, chosen from the map's noise "
        "and its densest parts, low enough for the faint, blurred density of a domain that swings",
        low=-1e9,
        high=1e9,
    )
    mask_dilate: float = parameter(5.0, help="distance by which the mask is grown", unit="Å", low=0, high=100)
    mask_pad: float = parameter(5.0, help="width of the mask's soft edge, outside that", unit="Å", low=0, high=100)
    mask_cut: float = parameter(
        0.1,
        help="greatest share of the strong density's power that the mask may leave outside; density that is masked out "
        "though it is in the images makes artefacts. 1 allows anything",
        low=0,
        high=1,
        advanced=True,
    )
    rigidity_min: float = parameter(
        0.02,
        help="relative rigidity of empty cells; the densest have 1, the rest lie between (0.5 in cryoSPARC 3D Flex)",
        low=0.001,
        high=1,
    )
    stiffen_low_density: bool = parameter(
        False, help="give faint but not empty cells, mostly at the periphery, relative rigidity 3", advanced=True
    )
    weights: Path | None = parameter(
        None, help=".npz with an array 'weights', one relative rigidity per cell, in place of those", advanced=True
    )
    mesh: Path | None = parameter(
        None,
        help="a mesh made elsewhere, taken as it is: our .npz, or the .pkl of cryoSPARC's Flex Mesh Prep",
        advanced=True,
    )
    box: int | None = parameter(
        None,
        help="voxels across the mesh's own map, to which the consensus is Fourier-cropped; if omitted, the consensus' "
        "box up to 256. It need not be that of the particles",
        unit="voxels",
        low=16,
        high=1024,
        advanced=True,
    )
    pixel_size: float | None = parameter(
        None, help="pixel size of the consensus, where its header is wrong", unit="Å", low=0.1, high=30, advanced=True
    )
    cryosparc: str = parameter(
        "none",
        help="also write cryosparc_mesh.npz with the arrays of a cryoSPARC mesh, points in this unit",
        choices=("none", "angstrom", "voxel"),
        advanced=True,
    )


_OF_PARTS = ("parts", "segments", "bodies", "joints")
_OF_MASK = ("mask_threshold", "mask_dilate")
_OF_WEIGHTS = ("rigidity_min", "stiffen_low_density")
_OF_BUILDING = (
    "coarseness", *_OF_PARTS, "mask", "mask_lowpass", *_OF_MASK, "mask_pad", "mask_cut", *_OF_WEIGHTS, "box",
)  # fmt: skip


def without_use(values: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that mean nothing with some values, and why of each: what a person gives is not made."""
    causes: dict[str, str] = {}
    for given, names in (("mask", _OF_MASK), ("weights", _OF_WEIGHTS), ("mesh", _OF_BUILDING)):
        if values.get(given) is not None:
            causes |= dict.fromkeys(names, f"with --{given}")
    return causes


MESH = Job(
    verb="mesh",
    synopsis="Build the tetrahedral mesh that carries the consensus map",
    parameters=MeshParameters,
    run=".mesh.mesh_run:run",
    unused=lambda values: frozenset(without_use(values)),
)
