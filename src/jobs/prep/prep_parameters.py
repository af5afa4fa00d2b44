"""The ``prep`` job: what it can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...parameters import parameter
from ..declare import Job

CTF_STATES = ("recorded", "phase-flipped", "multiplied")  # in the order of Optics.ctf_state


@dataclass(frozen=True)
class PrepParameters:
    """Particle images made ready for training."""

    particles: Path = parameter(
        help="particles with poses and CTF: a RELION .star or a cryoSPARC .cs, or the optimiser.star of a refinement, "
        "whose map is then the consensus if none is given; or the folder of a simulate job"
    )
    image_root: Path | None = parameter(
        None,
        help="folder that the stack names in the file start from; if omitted, the file's folder and those above",
    )
    consensus: Path | None = parameter(
        None,
        help="consensus map of the same particles (MRC), or a job's folder with one: poses, contrast, hand and pixel "
        "size are checked against it",
    )
    pixel_size: float | None = parameter(
        None,
        help="of the consensus map, in place of its header's; if omitted, the header's",
        unit="Å",
        low=0.01,
    )
    symmetry: str = parameter(
        "C1",
        help="point group, such as C4 or D2, of a molecule whose subunits move each by itself: every particle is taken "
        "once for each subunit (symmetry expansion; its image is stored once), and train lets one subunit move. Axes "
        "as in RELION. Particles that are expanded already are left so. Not for motions that all subunits share",
    )
    box: int | None = parameter(
        None,
        help="box that images are downsampled to, even; if omitted 128, or less for smaller images",
        unit="px",
        low=8,
    )
    crop: int | None = parameter(
        None, help="box that images are cropped to first, about their centre; if omitted, no crop", unit="px", low=8
    )
    subset: int | None = parameter(None, help="take this many particles, at random; if omitted, all", low=1)
    contrast: str = parameter(
        "auto",
        help="whether protein is white (as RELION writes it) or dark in the images; auto: what the file says, "
        "checked on the images",
        choices=("auto", "white", "dark"),
    )
    ctf_state: str = parameter(
        "auto",
        help="whether images are as recorded, phase-flipped, or multiplied by their CTF; auto: what the file says",
        choices=("auto", *CTF_STATES),
    )
    whiten: bool = parameter(
        True,
        help="filter the images so that their noise has unit variance at every frequency; off for noiseless images",
    )
    normalize: bool = parameter(
        True,
        help="with whiten: bring every image to the same noise, measured on its own background; off where the images' "
        "grey values are to be compared as they are",
    )
    radius: float | None = parameter(
        None,
        help="radius of the disc that holds the particle; noise is measured outside; if omitted, 0.85 of half the box",
        unit="Å",
        low=1,
    )
    workers: int | None = parameter(
        None, help="threads; if omitted, one per core, 8 at most. The images do not depend on it", low=1, advanced=True
    )


PREP = Job(
    verb="prep",
    synopsis="Crop, downsample and whiten particle images, and check poses, contrast, hand and pixel size",
    parameters=PrepParameters,
    run=".prep.prep_run:run",
)
