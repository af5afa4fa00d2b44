"""The ``train`` job: what it can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...parameters import parameter
from ..declare import Job


@dataclass(frozen=True)
class TrainParameters:
    """Latents and a flow, or linear components of the map, learned from prepared particles and a mesh."""

    particles: Path = parameter(help="prepared particles", job="prep")
    mesh: Path = parameter(help="tetrahedral mesh; a linear decoder takes its mask alone", job="mesh")
    moving: Path | None = parameter(
        None,
        help="mask (MRC, values 0..1) of what may move or vary; the rest of the molecule stands still. It should reach "
        "some 10 Å beyond the density that it means. If omitted, the asymmetric unit that prep --symmetry has found, "
        "or everything",
    )
    decoder: str = parameter(
        "flow",
        help="what a latent point stands for: flow, a motion of the mesh; linear, a map V0 + z1 V1 + z2 V2 + …, as in "
        "3D variability analysis: quick, and density may come and go, but a large motion takes many components",
        choices=("flow", "linear"),
    )
    latent_dims: int = parameter(2, help="number of latent dimensions: independent motions to look for", low=1, high=32)
    epochs: int | None = parameter(
        None,
        help="passes over the images, from coarse to full resolution; if omitted, 10 of few particles, 5 of 5,000 or "
        "more; 10 with a linear decoder",
        low=1,
        high=1000,
    )
    rigidity: float = parameter(
        1.0,
        help="multiplies the rigidity prior, whose weight is calibrated from the data; larger is stiffer",
        low=0,
        high=1e4,
    )
    start: str = parameter(
        "auto",
        help="where latents begin: modes, a linear motion of the mesh; components, linear components of the density, "
        "which follow a large motion too; auto, whichever explains the images; random; latents, those of "
        "--initial-latents",
        choices=("auto", "modes", "components", "random", "latents"),
    )
    initial_latents: Path | None = parameter(
        None,
        help="latents to begin with: a train job of the same particles, or an .npz with an array z (particles x dims)",
    )
    resolution: float | None = parameter(
        None,
        help="finest detail of a linear decoder's maps; if omitted, as fine as the images are and memory allows",
        unit="Å",
        low=1,
        high=200,
    )
    poses: str = parameter(
        "auto",
        help="refine: small errors of the particles' poses are unknowns too, so that none is taken for a motion; where "
        "poses are right, they stay as they are. fixed: poses are taken as they are. auto: refine, with the flow",
        choices=("auto", "refine", "fixed"),
    )
    junk: str = parameter(
        "auto",
        help="weigh: images that are no particles of this molecule are told by how little they resemble it, and count "
        "for nothing. keep: all images count alike. auto: weigh, with the flow",
        choices=("auto", "weigh", "keep"),
    )
    freeze_latents: bool = parameter(
        False, help="keep the initial latents as they are and learn the flow only", advanced=True
    )
    latent_noise: float = parameter(
        1.0, help="noise that the flow sees added to the latents, in units of each particle's own uncertainty",
        low=0, high=10, advanced=True,
    )  # fmt: skip
    centering: float = parameter(
        1.0,
        help="weight of the normal prior that keeps badly determined particles near the centre",
        low=0,
        high=1000,
        advanced=True,
    )
    hidden_units: int = parameter(64, help="width of the flow's network", low=4, high=1024, advanced=True)
    hidden_layers: int = parameter(3, help="hidden layers of the flow's network", low=1, high=12, advanced=True)
    modes: int = parameter(
        96,
        help="soft modes of the mesh that the flow may use, beside the rigid motions of its parts",
        low=8,
        high=2000,
        advanced=True,
    )
    band: float = parameter(
        0.95, help="highest frequency used at full size, as a fraction of Nyquist", low=0.2, high=1, advanced=True
    )
    learning_rate: float = parameter(
        1e-3, help="first learning rate of the flow's network", low=1e-6, high=1, advanced=True
    )
    final_learning_rate: float = parameter(
        5e-5, help="last learning rate, reached along a cosine", low=0, high=1, advanced=True
    )
    batch_size: int = parameter(64, help="images in a batch", unit="images", low=1, high=4096, advanced=True)
    images_at_once: int = parameter(
        0,
        help="images of a batch that are held in memory together; 0: as many as fit, found by trying. The result is "
        "the same to rounding",
        unit="images",
        low=0,
        high=4096,
        advanced=True,
    )
    device: str = parameter("auto", help="where to compute: auto, cpu, cuda, cuda:1, mps, …", advanced=True)
    devices: tuple[str, ...] = parameter(
        (),
        help="several devices that share the images, a process on each: 0,1,2 for GPUs, or cpu,cpu; in place of "
        "--device. The result is that of one, to rounding",
        advanced=True,
    )
    cache: str | None = parameter(
        None,
        help="a folder on a fast local disk, by its full path on the computer that runs the job ($VARIABLES are filled "
        "in there): images are copied there first, and read there; a later job finds the copies",
        advanced=True,
    )
    in_memory: bool = parameter(
        False, help="read all images into memory first, which they must fit; each of --devices holds them",
        advanced=True,
    )  # fmt: skip


TRAIN = Job(
    verb="train",
    synopsis="Learn how the molecule moves: a latent point per particle, the map, and its flow or linear components",
    parameters=TrainParameters,
    run=".train.train_run:run",
)
