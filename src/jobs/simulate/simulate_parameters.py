"""The ``simulate`` job: what it can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...parameters import parameter
from ..declare import Job

_HINGES = (
    "what moves, as 'PART: RANGE', several hinges parted by ';'. PART: a chain (A), residues of one (A:1-120), several "
    "joined by commas (L,H:1-230), a label of a map (2), or fab1, fab2, fc of the built-in IgG. RANGE in degrees: "
    "±15, -10,20, or 360 (a full turn). Then, where wanted, axis=bend|cone|long|x|y|z|X,Y,Z (auto: bend, which opens "
    "and closes the part; cone, which swings it round the direction away from the rest, for a full turn; long turns it "
    "about its long axis), pivot=X,Y,Z or pivot=H:230 (auto: where the part touches the rest; as in the file), "
    "draw=uniform|normal|bimodal. A point on several hinges turns in the order written. 'rigid': nothing moves"
)
_DROP = (
    "parts that a share of the particles lacks, as 'PART: SHARE', for instance 'fab2: 0.3'; the part as in hinges. "
    "Several are parted by ';' and lacking independently of each other. 'B: 0.4 after A': B is only there where A is, "
    "which is dropped too, and 0.4 is its share among the particles that have A; so 'A: 0.5; B: 0.4 after A; C: 0.5 "
    "after B' is a molecule that assembles in this order"
)


@dataclass(frozen=True)
class SimulateParameters:
    """Particles of known motion."""

    molecule: Path | None = parameter(
        None, help="atomic model (PDB, mmCIF) or map (MRC, with labels); if omitted, an IgG antibody built in code"
    )
    labels: Path | None = parameter(
        None, help="MRC of integers naming the part of each voxel of a map; solvent is 0 (or negative, if any is)"
    )
    hinges: str = parameter("", help=_HINGES + "; if omitted, 'fab1: ±15' of the built-in antibody")
    symmetry: str = parameter(
        "C1",
        help="point group, such as C3 or D2, of a complex that is made of the molecule: its copies stand about the z "
        "axis (of Dn, a two-fold axis is x), what moves pointing outward, and each moves by itself. The box must hold "
        "all of it",
    )
    particles: int = parameter(10000, help="how many particle images", low=1)
    box: int = parameter(128, help="size of the images", unit="px", low=16, high=1024)
    pixel_size: float = parameter(3.0, help="pixel size of the images", unit="Å", low=0.1, high=50)
    snr: float = parameter(
        0.1,
        help="variance of the CTF-modulated noiseless images over the whole box, averaged over the particles, divided "
        "by the variance of the noise, which is 1 in the images; 0: no noise",
        low=0,
        high=1e6,
    )
    resolution: float = parameter(
        4.0,
        help="resolution to which atoms are blurred (Gaussians of standard deviation resolution / (π√2)); a map is not",
        unit="Å",
        low=0.5,
        high=50,
    )
    states: int = parameter(
        0, help="conformations shared evenly by the particles; 0: every particle has its own continuous state", low=0
    )
    poses: Path | None = parameter(
        None, help="particles (.star, .cs) whose poses and defocus are used in order; if omitted, random", advanced=True
    )
    shift: float = parameter(
        3.0, help="standard deviation of the random shifts", unit="Å", low=0, high=1000, advanced=True
    )
    defocus: tuple[float, ...] = parameter(
        (10000.0, 25000.0), help="least and greatest underfocus of the random defocus", unit="Å", low=-5e5,
        high=5e5, advanced=True,
    )  # fmt: skip
    astigmatism: float = parameter(
        300.0, help="spread of the random astigmatism U − V", unit="Å", low=0, high=1e5, advanced=True
    )
    voltage: float = parameter(300.0, help="accelerating voltage", unit="kV", low=20, high=2000, advanced=True)
    spherical_aberration: float = parameter(2.7, help="spherical aberration", unit="mm", low=0, high=20, advanced=True)
    amplitude_contrast: float = parameter(0.1, help="amplitude contrast", low=0, high=1, advanced=True)
    views: tuple[float, ...] = parameter(
        (), help="preferred orientation: share of the views in a cap round the molecule's z axis, and the cap's "
        "half-angle in degrees; the others are uniform", advanced=True,
    )  # fmt: skip
    pose_error: tuple[float, ...] = parameter(
        (), help="errors of the poses in the particle file, normally distributed: degrees about each axis, Å along "
        "each; the truth is in truth.npz", low=0, high=1000, advanced=True,
    )  # fmt: skip
    defocus_error: float = parameter(
        0.0, help="error of the defocus in the particle file, normally distributed, in per cent; the truth is in "
        "truth.npz", unit="%", low=0, high=50, advanced=True,
    )  # fmt: skip
    junk: float = parameter(
        0.0, help="fraction of the images that show no particle: noise of the same spectrum", low=0, high=0.95,
        advanced=True,
    )  # fmt: skip
    strangers: float = parameter(
        0.0, help="fraction of the images that show another molecule, of the same mass and size", low=0, high=0.95,
        advanced=True,
    )  # fmt: skip
    drop: str = parameter("", help=_DROP + "; if omitted, none", advanced=True)
    neighbours: float = parameter(
        0.0, help="fraction of the images into which another particle of the molecule reaches from the rim", low=0,
        high=1, advanced=True,
    )  # fmt: skip
    noise: tuple[float, ...] = parameter(
        (), help="spread of the noise's level by micrograph, of 100 images each (standard deviation of its logarithm), "
        "and of the background's gradient across an image, in standard deviations of the noise", low=0, high=100,
        advanced=True,
    )  # fmt: skip
    beam_tilt: tuple[float, ...] = parameter(
        (), help="beam tilt along x and y", unit="mrad", low=-100, high=100, advanced=True
    )
    odd_zernike: tuple[float, ...] = parameter(
        (), help="coefficients of antisymmetric aberrations, as RELION's _rlnOddZernike: 3 and 6 are trefoil",
        unit="rad", low=-1000, high=1000, advanced=True,
    )  # fmt: skip
    even_zernike: tuple[float, ...] = parameter(
        (), help="coefficients of symmetric aberrations, as RELION's _rlnEvenZernike: 5 and 9 are tetrafoil",
        unit="rad", low=-1000, high=1000, advanced=True,
    )  # fmt: skip
    anisotropy: tuple[float, ...] = parameter(
        (), help="anisotropic magnification: per cent between largest and smallest, and the direction of the largest "
        "in degrees", advanced=True,
    )  # fmt: skip
    b_factor: float = parameter(0.0, help="B-factor of the images", unit="Å²", low=0, high=1e5, advanced=True)
    scale_spread: float = parameter(
        0.0, help="spread (standard deviation of the logarithm) of the scale of each image's signal", low=0, high=2,
        advanced=True,
    )  # fmt: skip
    noise_ratio: float = parameter(
        1.0, help="power of the noise at zero frequency over that at Nyquist; 1: white", low=1, high=1000, advanced=True
    )
    threads: int | None = parameter(
        None, help="threads; if omitted, one per core. The images do not depend on it", low=1, advanced=True
    )


def without_use(values: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that mean nothing with some values, and why of each."""
    from ...simulate.model_atoms import is_model_file

    causes: dict[str, str] = {}
    molecule = values.get("molecule")
    if molecule is None or is_model_file(Path(molecule)):
        causes["labels"] = "without --molecule, a map" if molecule is None else "with an atomic model"
    else:
        causes["resolution"] = "with a map, which is as fine as it is"
    if values.get("poses") is not None:
        causes |= dict.fromkeys(("shift", "defocus", "astigmatism", "views"), "with --poses")
    if values.get("snr") == 0:
        causes["noise_ratio"] = "with --snr 0, without noise"
    if str(values.get("hinges", "")).strip().lower() == "rigid":
        causes["states"] = "where nothing moves"
    return causes


SIMULATE = Job(
    verb="simulate",
    synopsis="Make particle images of a molecule whose motion is known, and the truth to compare with",
    parameters=SimulateParameters,
    run=".simulate.simulate_run:run",
    unused=lambda values: frozenset(without_use(values)),
)
