"""Known machines of the field, as parts of the grid: what ``train --like`` sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A decoder and a source of latents, by name, and those parameters of theirs that make the machine what it is."""

    name: str
    help: str
    decoder: str
    latents: str
    more: tuple[tuple[str, Any], ...] = ()

    def values(self) -> dict[str, Any]:
        """All that it sets."""
        return {"decoder": self.decoder, "latents": self.latents, **dict(self.more)}


# poses and signals are taken as they are by all of these programs
_AS_GIVEN = (("poses", "fixed"), ("junk", "keep"), ("scales", "keep"))

KNOWN_MACHINES = (
    Preset(
        "3dflex",
        "cryoSPARC's 3D Flex: a flow, and a table",
        "flow",
        "table",
        (*_AS_GIVEN, ("hidden_layers", 6), ("hidden_units", 64)),
    ),
    Preset("3dva", "3D variability analysis: linear components", "linear", "table"),
    Preset(
        "cryodrgn",
        "cryoDRGN: a coordinate network, and an encoder",
        "field",
        "encoder",
        (("encoder_view", "image"), ("encoder_layers", 3), ("encoder_units", 1024), ("encoder_warmup", 0)),
    ),
    Preset("vlt", "Edelberg & Lederman's variational table, before cryoDRGN's coordinate network", "field",
           "variational", (("initial_means", "zero"),)),  # fmt: skip
    Preset("multibody", "RELION's multi-body refinement: bodies, and a table", "bodies", "table"),
)
