"""The ``train`` job: what it can be asked, of which its parts declare what is theirs."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, make_dataclass
from functools import cache
from pathlib import Path
from typing import get_type_hints

from ...parameters import parameter
from ..declare import Job
from .presets import Preset
from .train_parts import DECODERS, SOURCES, Part, presets, unused_parameters, with_preset


@dataclass(frozen=True)
class CommonParameters:
    """What every training is asked, whatever its parts; which decoders there are is known to `train_parts` alone."""

    particles: Path = parameter(help="prepared particles", job="prep")
    mesh: Path = parameter(help="tetrahedral mesh; a linear decoder takes its mask alone", job="mesh")
    moving: Path | None = parameter(
        None,
        help="mask (MRC, values 0..1) of what may move or vary; the rest of the molecule stands still. It should reach "
        "some 10 Å beyond the density that it means. If omitted, the asymmetric unit that prep --symmetry has found, "
        "or everything",
    )
    decoder: str = parameter("flow", help="what a latent point stands for")
    latent_dims: int = parameter(2, help="number of latent dimensions: independent motions to look for", low=1, high=32)
    epochs: int | None = parameter(
        None,
        help="passes over the images, from coarse to full resolution; if omitted, from 10 with few particles to 5 "
        "with 5,000 or more, and twice as many with variational latents or an encoder; 10 with a linear decoder or "
        "classes; 10 to 40 with a field, wherever latents come from",
        low=1,
        high=1000,
    )
    halves: bool = parameter(
        False,
        help="train two more models, each of one half of the images but for a tenth of them, which then says whether "
        "the motion is real: how much better it explains these images than a rigid map does, and whether both models "
        "move them alike. Takes about three times as long",
    )
    band: float = parameter(
        0.95, help="highest frequency used at full size, as a fraction of Nyquist", low=0.2, high=1, advanced=True
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


def train_parameters() -> type:
    """The parameters of a training: those that all have in common, and those of every part."""
    return _composed(tuple(DECODERS.values()), tuple(SOURCES.values()), presets())


@cache
def _composed(decoders: tuple[Part, ...], sources: tuple[Part, ...], machines: tuple[Preset, ...]) -> type:
    """A frozen dataclass; a choice of latents is offered only where there is one."""
    own: dict[str, tuple] = {"like": ("like", str | None, _machine(machines))}
    own |= {"decoder": ("decoder", str, _choice("what a latent point stands for", decoders))}
    if len(sources) > 1:
        own["latents"] = ("latents", str, _choice("where latents come from", sources))
    for part in (*decoders, *sources):
        hints = get_type_hints(part.parameters)
        for each in fields(part.parameters):
            copy = field(default=each.default, kw_only=True, metadata=each.metadata)
            if own.setdefault(each.name, (each.name, hints[each.name], copy))[2].metadata != each.metadata:
                raise TypeError(f"parameter {each.name}: two parts of a training mean different things by it")
    return make_dataclass("TrainParameters", own.values(), bases=(CommonParameters,), frozen=True, kw_only=True)


def _machine(machines: tuple[Preset, ...]) -> object:
    choices = "; ".join(f"{each.name}, {each.help}" for each in machines)
    return parameter(None, help=f"set decoder, latents and what else makes a known machine; what is given beside it "
                     f"wins: {choices}", choices=tuple(each.name for each in machines))  # fmt: skip


def _choice(what: str, parts: tuple[Part, ...]) -> object:
    choices = "; ".join(f"{part.name}, {part.help}" for part in parts)
    return parameter(parts[0].name, help=f"{what}: {choices}", choices=tuple(part.name for part in parts))


TRAIN = Job(
    verb="train",
    synopsis="Learn how the molecule moves: a latent point per particle, the map, and its flow or linear components",
    parameters=train_parameters,
    run=".train.train_run:run",
    member=".train.train_run:train_in_team",
    unused=unused_parameters,
    implied=with_preset,
)
