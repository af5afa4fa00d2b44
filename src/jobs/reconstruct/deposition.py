"""deposit/: what the EM Data Bank asks for, under names that RELION's and cryoSPARC's own post-processing read.

``relion_postprocess --i`` takes the name of the first half-map and finds the second by putting half2 for half1 in it
(RELION 3 to 5, postprocessing.cpp); cryoSPARC's job Import 3D Volumes takes any two .mrc files as half-maps A and B.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np

from ...engine.maps.contour_level import ContourLevel
from ...engine.maps.half_agreement import HalfAgreement
from ...engine.maps.half_pair import HalfPair
from ...mesh.map_files import write_map
from ..job_folder import JobRun

FOLDER = "deposit"
HALVES = ("run_half1_class001_unfil.mrc", "run_half2_class001_unfil.mrc")
MAP, UNSHARPENED, MASK, FSC, TEXT = "map.mrc", "map_unsharpened.mrc", "mask.mrc", "fsc.xml", "deposit.txt"


@dataclass(frozen=True, eq=False)
class Deposition:
    """What is deposited: maps (N, N, N), and what is said of them.

    primary : the map that is looked at. unsharpened : an additional map, where the primary one is sharpened.
    b_factor : Å² that the primary map was sharpened by, None where it was not. centre : (3,) Å xyz of voxel N//2.
    """

    pair: HalfPair
    primary: np.ndarray
    unsharpened: np.ndarray | None
    b_factor: float | None
    contour: ContourLevel
    centre: np.ndarray | None


def write_deposition(deposition: Deposition, agreement: HalfAgreement, job: JobRun) -> None:
    """Write the folder; the text comes last, so that a folder that has it is whole."""
    pair = deposition.pair
    maps = {HALVES[0]: pair.first, HALVES[1]: pair.second, MAP: deposition.primary, MASK: agreement.mask.volume}
    if deposition.unsharpened is not None:
        maps[UNSHARPENED] = deposition.unsharpened
    for name, volume in maps.items():
        with job.output(f"{FOLDER}/{name}") as path:
            write_map(path, volume, pair.pixel_size, deposition.centre)
    with job.output(f"{FOLDER}/{FSC}") as path:
        path.write_text(fsc_xml("FlexRec masked-corrected FSC", agreement.frequency[1:],
                                agreement.own.whole.corrected[1:]), encoding="utf-8")  # fmt: skip
    with job.output(f"{FOLDER}/{TEXT}") as path:
        path.write_text("\n".join(_lines(deposition, agreement)) + "\n", encoding="utf-8")


def fsc_xml(title: str, frequency: Iterable[float], curve: Iterable[float]) -> str:
    """An FSC curve, (s,) 1/Å and (s,), in the XML that the EM Data Bank takes."""
    root = ElementTree.Element("fsc", title=title, xaxis="Resolution (A-1)", yaxis="Correlation Coefficient")
    for x, y in zip(frequency, curve):
        coordinate = ElementTree.SubElement(root, "coordinate")
        ElementTree.SubElement(coordinate, "x").text = f"{x:.6f}"
        ElementTree.SubElement(coordinate, "y").text = f"{y:.6f}"
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _lines(deposition: Deposition, agreement: HalfAgreement) -> Iterable[str]:
    pair, contour = deposition.pair, deposition.contour
    reached = agreement.own.whole.resolution
    yield "What to enter for the EM Data Bank (https://deposit.wwpdb.org), and which file is which."
    yield ""
    yield f"Primary map: {MAP}, {_sharpening(deposition.b_factor)}"
    if deposition.unsharpened is not None:
        yield f"Additional map: {UNSHARPENED}, weighted by the FSC alone"
    yield f"Half-maps: {HALVES[0]} and {HALVES[1]}, unfiltered and unmasked"
    yield f"Mask: {MASK}, {agreement.mask.source}"
    yield f"FSC curve: {FSC}, masked and corrected by phase randomisation"
    yield f"Voxel size: {pair.pixel_size:.6g} Å; box: {pair.box} x {pair.box} x {pair.box}"
    yield f"Recommended contour level of the primary map: {contour.level:g}. It is Otsu's split of the densities in the"
    yield f"  mask above three sigmas of the solvent, and encloses {contour.enclosed:.0f} Å³, the volume of"
    yield f"  {contour.mass:g} kDa of protein at 1.21 Å³/Da. Look at the map, and enter another that shows it better."
    yield "Resolution: " + ("none: the half-maps agree nowhere" if reached is None else f"{reached:.2f} Å")
    yield "Resolution method: FSC 0.143 CUT-OFF"
    yield "Software: FlexRec"
    yield ""
    yield f"RELION: relion_postprocess --i {HALVES[0]} --mask {MASK} --angpix {pair.pixel_size:.6g} --auto_bfac"
    yield f"cryoSPARC: Import 3D Volumes, with {HALVES[0]} as half-map A, {HALVES[1]} as half-map B, {MASK} as mask."


def _sharpening(b_factor: float | None) -> str:
    if b_factor is None:
        return "weighted by the FSC, not sharpened"
    done = "damped" if b_factor > 0 else "sharpened"
    return f"weighted by the FSC and {done} by a B-factor of {b_factor:.1f} Å²"
