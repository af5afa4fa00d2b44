"""``flexrec mesh``, ``flow``, ``follow``, ``unfollow``: what is drawn, and what moves, with the map."""

from __future__ import annotations

from typing import Any

from ..actions.view_actions import Flow, Mesh, Structures
from ..errors import InputError
from ..explore.anchors import read_point
from ..scene.moving.flow_look import MEAN, REST, FlowLook
from .session_scene import SessionScene


def show_mesh(scene: SessionScene, asked: Mesh) -> Any:
    """The tetrahedral mesh at the shown point, as lines."""
    parts = scene.model.parts
    if asked.show is not False:
        return parts.show_mesh(asked.color or (parts.mesh.colour if parts.mesh else "part"))
    if parts.mesh is not None:
        parts.mesh.display = False
    return parts.mesh


def show_flow(scene: SessionScene, asked: Flow) -> Any:
    """The flow at the shown point, as arrows."""
    parts = scene.model.parts
    if asked.show:
        known = asked.reference in (MEAN, REST)
        start = asked.reference if known else read_point(asked.reference, scene.trained)
        return parts.show_arrows(FlowLook(asked.count, asked.scale, asked.threshold, asked.width, start))
    if parts.arrows is not None:
        parts.arrows.display = False
    return parts.arrows


def follow(scene: SessionScene, asked: Structures) -> Any:
    """Atomic structures move with the flow from now on."""
    if not asked.structures:
        raise InputError("no atomic structure is named; open one and fit it to the canonical map.")
    for structure in asked.structures:
        scene.model.parts.follow(structure)
    return asked.structures


def unfollow(scene: SessionScene, asked: Structures) -> None:
    """Atomic structures no longer move, and go back to where they were."""
    for structure in asked.structures:
        if not scene.model.parts.unfollow(structure):
            raise InputError(f"{structure} does not follow {scene.model.name}; flexrec follow makes it.")


FUNCTIONS = {"mesh": show_mesh, "flow": show_flow, "follow": follow, "unfollow": unfollow}
