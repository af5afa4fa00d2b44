"""ChimeraX's scenes: the point, and what is shown with it, at one moment of a session."""

from __future__ import annotations

from typing import Any

from chimerax.core.errors import UserError
from chimerax.core.models import Model
from chimerax.core.state import State

from ..decoder_process import EngineError
from ..errors import InputError


def scene_of(model, session) -> dict[str, Any]:
    """What is shown of a `FlexRecModel` now."""
    mesh, arrows = model.parts.mesh, model.parts.arrows
    looks = Model.take_snapshot(model, session, State.SCENE)
    if model.comparing.hides:  # scenes hold no comparisons, and one that is restored ends it
        looks["display"] = True
    return {
        "model": looks,
        "z": model.z,
        "mesh": None if mesh is None else {"colour": mesh.colour, "display": mesh.display},
        "arrows": arrows is not None and arrows.display,
    }


def show_scene(model, data: dict[str, Any]) -> None:
    """Show it as it was; arrows that were taken away since stay away."""
    model.comparing.end()
    model.player.leave()
    Model.restore_scene(model, data["model"])
    if data["mesh"] is not None:
        model.parts.show_mesh(data["mesh"]["colour"]).display = data["mesh"]["display"]
    elif model.parts.mesh is not None:
        model.parts.mesh.display = False
    if model.parts.arrows is not None:
        model.parts.arrows.display = data["arrows"]
    try:
        model.show(data["z"])
    except (InputError, EngineError) as error:
        raise UserError(str(error)) from error
