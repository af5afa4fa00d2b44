"""Trained models in session files and in ChimeraX's scenes: where the project is, the point, how all is drawn.

Neither holds maps or meshes. The map is a State of its own, so that whatever else in a session refers to it finds it
again; mesh, arrows and followers are made again by the model when all models are back.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from chimerax.core.errors import UserError
from chimerax.core.models import RESTORED_MODEL_TABLE, Model
from chimerax.core.session import Session
from chimerax.core.state import State
from chimerax.geometry import Place

from ..decoder_process import EngineError
from ..errors import InputError
from ..explore.centre import mean_point
from ..explore.path import LatentPath
from ..models import Model as TrainedModel
from ..reading import Reading
from .moving.dragging import Dragging
from .moving.flow_look import FlowLook
from .moving.following_atoms import AtomFollower
from .moving.moving_parts import MovingParts
from .player import Player
from .saved_project import ask_for_model, find_saved_model, fingerprint, places
from .shown_model import ShownModel
from .state_comparison import StateComparison

VERSION = 1


class SavedModel(ShownModel, Protocol):
    """A `ShownModel` with all its parts: what is saved of it, and replaced by a newer checkpoint."""

    folder: Path
    path: LatentPath | None
    parts: MovingParts
    dragging: Dragging
    player: Player
    comparison: StateComparison

    def close_map(self) -> None:
        """Draw no map until it is asked for."""
        ...

    def set_state_from_snapshot(self, session: Session, data: dict) -> None:
        """See ``chimerax.core.models.Model``."""
        ...


# ----- session files -----


def session_snapshot(model: SavedModel, session: Session, flags: int) -> dict[str, Any]:
    """What makes the model again."""
    return {
        "version": VERSION,
        "model state": Model.take_snapshot(model, session, flags),
        "project": places(model.learned.file or model.folder, session.session_file_path),
        "reading": model.learned.reading.fields(),
        "fingerprint": fingerprint(model.learned),
        "z": model.z,
        "moving": model.dragging.drawn,
        "comparison": model.comparison.snapshot(),
        "map": model.map is not None,
        "path": None if model.path is None else {"z": model.path.z, "name": model.path.name, "kind": model.path.kind},
        "mesh": _mesh(model.parts.mesh),
        "arrows": _arrows(model.parts.arrows),
        # by their ids: a structure that was put below the model refers to it, and may not be referred to
        "followers": [_follower(follower) for follower in model.parts.followers if follower.structure.id is not None],
    }


def restored(cls: Callable[..., SavedModel], session: Session, data: dict[str, Any]) -> SavedModel | None:
    """The model again, on its way into the scene; None, and a warning what to do, where its project is not found."""
    name, project = data["model state"]["name"], data["project"]
    if data["version"] > VERSION:
        session.logger.warning(f"{name} was saved by a newer FlexRec; install that to see it. It is left out.")
        return None
    try:
        reading = Reading.of(data.get("reading"))
        saved = find_saved_model(project, data["fingerprint"], session.session_file_path, reading)
        why = "is not there"
    except InputError as error:
        saved, why = None, f"cannot be opened ({str(error).rstrip('.')})"
    if saved is None and session.ui.is_gui:
        saved = ask_for_model(session, name, project["absolute"], Reading.of(data.get("reading")))
    if saved is None:
        session.logger.warning(
            f"{name} is left out: its project {project['absolute']} {why}. Put it back there, or where it was relative "
            "to the session file, and open the session again."
        )
        return None
    folder, flow = saved
    model = cls(session, folder, flow, name)
    # children first have ids when they are added, with the ids that they had
    model.set_state_from_snapshot(session, data["model state"])
    if fingerprint(flow) != data["fingerprint"]:
        session.logger.warning(
            f"{name}: the model in {folder} is not the one that was saved; it is shown as it is now, "
            f"{flow.progress}."
        )
    session.triggers.add_handler(RESTORED_MODEL_TABLE, _WhenAllAreBack(model, data))
    _draw(session, model, _fitting(session, name, flow, data["z"]))
    return model


def _fitting(session, name: str, flow: TrainedModel, z: np.ndarray | None) -> np.ndarray | None:
    """The point that was shown, where the model still has as many dimensions, else the mean."""
    try:
        return None if z is None else flow.checked(z)
    except InputError as error:
        session.logger.warning(f"{name}: {str(error).rstrip('.')}; the mean is shown.")
        return mean_point(flow.latents)


def _draw(session, model: SavedModel, z: np.ndarray | None) -> None:
    """Draw the point before the session is back: what comes later, such as colours of the contour, needs the map."""
    try:
        with session.in_script:  # so that it waits
            model.show(z)
    except (InputError, EngineError) as error:
        session.logger.warning(f"{model.name} is shown at rest: {error}")


class _WhenAllAreBack:
    """Makes again what was drawn with the map, when every model of the session has its place."""

    def __init__(self, model: SavedModel, data: dict[str, Any]) -> None:
        self._model, self._data = model, data

    def __call__(self, _, models: dict[tuple, Model]) -> str:
        model, data = self._model, self._data
        if data["path"] is not None and data["path"]["z"].shape[1] == model.learned.latent_dims:
            model.path = LatentPath(**data["path"])
        if not data["map"]:
            model.close_map()
        elif data["moving"]:
            for surface in model.map.surfaces:
                surface.display = True
        try:
            with model.session.in_script:  # so that it waits
                self._draw_again(model, data, models)
        except (InputError, EngineError) as error:
            model.session.logger.warning(f"{model.name}: not all of it is drawn again: {error}")
        model.comparison.take_snapshot(data.get("comparison"), models)
        return "delete handler"

    def _draw_again(self, model: SavedModel, data: dict[str, Any], models: dict[tuple, Model]) -> None:
        if data["mesh"] is not None:
            _place(model.parts.show_mesh_again(data["mesh"]["colour"]), data["mesh"])
        if (arrows := data["arrows"]) is not None:
            look = FlowLook(arrows["count"], *arrows["look"], arrows["reference"], arrows["level"])
            model.parts.show_arrows(look.fitting(model.learned))
            _place(model.parts.arrows, arrows)
        for follower in data["followers"]:
            structure = models.get(tuple(follower["id"]))
            if structure is None:
                model.session.logger.warning(f"An atomic model that followed {model.name} is not in the session.")
            elif len(follower["rest"]) == structure.num_atoms:
                model.parts.follow(structure, follower["rest"], Place(follower["to mesh"]))


def _mesh(mesh) -> dict[str, Any] | None:
    return None if mesh is None else {"colour": mesh.colour, **_placed(mesh)}


def _arrows(arrows) -> dict[str, Any] | None:
    if arrows is None:
        return None
    look = arrows.look
    return {
        "count": look.count, "look": (look.scale, look.threshold, look.width), "level": look.level,
        "reference": look.reference, **_placed(arrows),
    }  # fmt: skip


def _follower(follower: AtomFollower) -> dict[str, Any]:
    return {"id": follower.structure.id, "rest": follower.rest, "to mesh": follower.to_mesh.matrix}


def _placed(child: Model) -> dict[str, Any]:
    return {"id": child.id, "display": child.display, "position": child.position.matrix}


def _place(child: Model, placed: dict[str, Any]) -> None:
    child.id = tuple(placed["id"])
    child.display, child.position = placed["display"], Place(placed["position"])


# ----- scenes -----


def scene_snapshot(model: SavedModel, session: Session) -> dict[str, Any]:
    """What is shown of a model now."""
    mesh, arrows = model.parts.mesh, model.parts.arrows
    looks = Model.take_snapshot(model, session, State.SCENE)
    if model.comparison.hides:  # scenes hold no comparisons, and one that is restored ends it
        looks["display"] = True
    return {
        "model": looks,
        "z": model.z,
        "mesh": None if mesh is None else {"colour": mesh.colour, "display": mesh.display},
        "arrows": arrows is not None and arrows.display,
    }


def restore_scene(model: SavedModel, data: dict[str, Any]) -> None:
    """Show it as it was; arrows that were taken away since stay away."""
    model.comparison.end()
    model.player.leave()
    Model.restore_scene(model, data["model"])
    if data["mesh"] is not None:
        model.parts.show_mesh_again(data["mesh"]["colour"]).display = data["mesh"]["display"]
    elif model.parts.mesh is not None:
        model.parts.mesh.display = False
    if model.parts.arrows is not None:
        model.parts.arrows.display = data["arrows"]
    try:
        model.show(data["z"])
    except (InputError, EngineError) as error:
        raise UserError(str(error)) from error
