"""The decoders and latent sources that a training can be made of: a line each.

A part has its parameters, declared beside it in the engine, and a class there that learns; `train` composes its own
parameters of them (`train_parameters.py`).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ...engine.decoders.bodies.bodies_parameters import BodiesParameters
from ...engine.decoders.classes.classes_parameters import ClassesParameters
from ...engine.decoders.field.field_parameters import FieldParameters
from ...engine.decoders.flow.flow_parameters import FlowParameters
from ...engine.decoders.linear.linear_parameters import LinearParameters
from ...engine.decoders.moving_classes.moving_classes_parameters import MovingClassesParameters
from ...engine.decoders.occupancy.occupancy_parameters import OccupancyParameters
from ...engine.latents.encoder.encoder_parameters import EncoderParameters
from ...engine.latents.table_parameters import TableParameters
from ...engine.latents.variational_parameters import VariationalParameters
from ...errors import InputError
from ..queue.slots import device_name
from .presets import KNOWN_MACHINES, Preset


@dataclass(frozen=True)
class Part:
    """A decoder or a latent source.

    Attributes
    ----------
    name : as it is asked for. help : what it is, in a clause. parameters : its frozen dataclass.
    learner : ``module:Class`` of what learns, made with the parameters (a latent source with the latents that were
        given, too).
    without : parameters of latent sources, and of all trainings, that a decoder has no use for. without_of : those of
        one source that it has no use for, by the source's name.
    implied : values of other parts' parameters that say what it does anyway.
    title : as sentences have it, if otherwise.
    """

    name: str
    help: str
    parameters: type
    learner: str
    without: tuple[str, ...] = ()
    without_of: tuple[tuple[str, tuple[str, ...]], ...] = ()
    implied: tuple[tuple[str, Any], ...] = ()
    title: str = ""

    def settings(self, parameters: Any) -> Any:
        """Its own of a job's parameters."""
        return self.parameters(**{each.name: getattr(parameters, each.name) for each in fields(self.parameters)})

    def make(self, parameters: Any, *more: Any) -> Any:
        """What learns."""
        module, name = self.learner.split(":")
        return getattr(importlib.import_module(module, __package__), name)(self.settings(parameters), *more)


# of the variational table, where a decoder is linear in the latents, and means and variances are solved for
_OF_GRADIENT = ("initial_means", "table_rate", "final_table_rate")

DECODERS: dict[str, Part] = {}
SOURCES: dict[str, Part] = {}
PRESETS: dict[str, Preset] = {}


def register_decoder(part: Part) -> None:
    """Let a training be asked for this decoder."""
    DECODERS[part.name] = part


def register_source(part: Part) -> None:
    """Let a training be asked for this latent source."""
    SOURCES[part.name] = part


def register_preset(preset: Preset) -> None:
    """Let a training be asked to be like a known machine, where its parts are registered."""
    PRESETS[preset.name] = preset


register_source(Part("table", "a point for each particle", TableParameters, "...engine.latents.table:LatentTable"))
register_source(
    Part(
        "variational",
        "a mean and a variance for each particle, found along the gradient (Edelberg & Lederman's variational table)",
        VariationalParameters,
        "...engine.latents.variational:VariationalTable",
        title="variational table of latents",
    )
)
register_source(
    Part(
        "encoder",
        "a network that all images share tells the mean and variance of each (cryoDRGN's auto-encoder)",
        EncoderParameters,
        "...engine.latents.encoder.image_encoder:ImageEncoder",
    )
)
register_decoder(
    Part("flow", "a motion of the mesh", FlowParameters, "...engine.decoders.flow.flow_decoder:FlowDecoder")
)
register_decoder(
    Part(
        "occupancy",
        "a motion of the mesh, of which each part may also come and go: for molecules of which some lack a part",
        OccupancyParameters,
        "...engine.decoders.occupancy.occupancy_decoder:OccupancyDecoder",
    )
)
register_decoder(
    Part(
        "linear",
        "a map V0 + z1 V1 + z2 V2 + …, as in 3D variability analysis: quick, and density may come and go, but a large "
        "motion takes many components",
        LinearParameters,
        "...engine.decoders.linear.linear_decoder:LinearDecoder",
        without=("initial_latents", "freeze_latents", "latent_noise", "centering", "halves"),
        without_of=(("variational", _OF_GRADIENT),),
        implied=(("poses", "fixed"), ("junk", "keep")),
    )
)
register_decoder(
    Part(
        "field",
        "a coordinate network, as in cryoDRGN: nothing is assumed of how the molecule changes, and nothing is said of "
        "where its parts go",
        FieldParameters,
        "...engine.decoders.field.field_decoder:FieldDecoder",
        without=("halves",),
        implied=(("poses", "fixed"), ("junk", "keep"), ("scales", "keep")),
    )
)
register_decoder(
    Part(
        "bodies",
        "parts of the mesh that move as rigid bodies and do not bend, as in multi-body refinement",
        BodiesParameters,
        "...engine.decoders.bodies.bodies_decoder:BodiesDecoder",
    )
)
register_decoder(
    Part(
        "classes",
        "one of several maps, of which there is one more than latent dimensions: for states that are few and apart",
        ClassesParameters,
        "...engine.decoders.classes.classes_decoder:ClassesDecoder",
        without=("initial_latents", "freeze_latents", "latent_noise", "centering", "halves"),
        without_of=(("variational", (*_OF_GRADIENT, "beta", "beta_passes")),),
        implied=(("poses", "fixed"),),
    )
)
register_decoder(
    Part(
        "moving-classes",
        "one of several maps, which move alike: for states that are few and apart, each of which moves",
        MovingClassesParameters,
        "...engine.decoders.moving_classes.moving_classes_decoder:MovingClassesDecoder",
        without=("halves",),
    )
)


for machine in KNOWN_MACHINES:
    register_preset(machine)


def presets() -> tuple[Preset, ...]:
    """Those whose parts are registered."""
    return tuple(each for each in PRESETS.values() if each.decoder in DECODERS and each.latents in SOURCES)


def with_preset(values: Mapping[str, Any]) -> dict[str, Any]:
    """A job's values with those that the preset among them stands for; what is given beside it wins, and what then
    means nothing is not set.
    """
    preset = next((each for each in presets() if each.name == values.get("like")), None)
    if preset is None:
        return dict(values)
    both = {**preset.values(), **values}
    unused = _unused_by(*chosen_parts(both)) | set(without_use(both))
    return {name: value for name, value in both.items() if name in values or name not in unused}


def chosen_parts(values: Mapping[str, Any]) -> tuple[Part, Part]:
    """The decoder and the latent source of a job's values, of which some may not be given."""
    decoder, source = values.get("decoder", "flow"), values.get("latents", "table")
    return DECODERS.get(decoder, DECODERS["flow"]), SOURCES.get(source, SOURCES["table"])


def without_use(values: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that mean nothing with the values of others, and why of each."""
    causes: dict[str, str] = {}
    if values.get("encoding") == "geometric":
        causes["feature_sigma"] = "with --encoding geometric"
    if values.get("initial_latents") is not None:
        causes |= dict.fromkeys(("initial_means", "field_start"), "with --initial-latents, where means begin")
    devices = tuple(values.get("devices") or ())
    if devices and {*map(device_name, devices)} != {device_name(str(values.get("device")))}:
        causes["device"] = f"beside --devices {','.join(devices)}"
    return causes


def unused_parameters(values: Mapping[str, Any]) -> frozenset[str]:
    """Names of the parameters that mean nothing to the parts that a job's values choose, or with other values."""
    values = with_preset(values)
    return _unused_by(*chosen_parts(values)) | frozenset(without_use(values))


def _unused_by(decoder: Part, source: Part) -> frozenset[str]:
    """Names of the parameters that mean nothing to a decoder and a source together."""
    named = {each.name for part in (*DECODERS.values(), *SOURCES.values()) for each in fields(part.parameters)}
    own = {each.name for part in (decoder, source) for each in fields(part.parameters)}
    return frozenset(named - own | _without(decoder, source))


def _without(decoder: Part, source: Part) -> set[str]:
    """Names of the parameters of a source, and of all trainings, that the decoder has no use for."""
    return {*decoder.without, *dict(decoder.without_of).get(source.name, ())}


def check_parts(parameters: Any) -> None:
    """``InputError`` where something was asked that the parts chosen have no use for."""
    values = {each.name: getattr(parameters, each.name) for each in fields(parameters)}
    decoder, source = chosen_parts(values)
    unused, implied, without = _unused_by(decoder, source), dict(decoder.implied), _without(decoder, source)
    for each in fields(parameters):
        name, value = each.name, values[each.name]
        if name in unused and value not in (each.default, implied.get(name, each.default)):
            of_source = name not in without and any(_declares(part, name) for part in SOURCES.values())
            who = source.title or f"{source.name} of latents" if of_source else f"{decoder.name} decoder"
            raise InputError(f"{name}: means nothing to the {who}; leave it out.")


def _declares(part: Part, name: str) -> bool:
    return any(each.name == name for each in fields(part.parameters))
