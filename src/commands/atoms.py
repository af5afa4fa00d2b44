"""``flexrec save atoms``: a structure that follows the flow, at one state, along the path, or as an ensemble."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..actions.view_actions import SaveAtoms
from ..errors import InputError
from ..explore.anchors import read_anchors
from ..explore.ensemble import drawn_states
from ..scene.moving.following_atoms import AtomFollower
from ..scene.moving.write_atoms import write_states
from ..scene.scene_model import FlexRecModel
from .session_scene import SessionScene


def save_atoms(scene: SessionScene, asked: SaveAtoms) -> Path:
    """Write a following structure: as it is shown, at a point, along the path, or at so many particles' states.

    Several states are several models of one file.
    """
    model = scene.model
    if sum(value is not None for value in (asked.what, asked.at, asked.ensemble)) > 1:
        raise InputError("path, at and ensemble exclude each other; give one.")
    if asked.uncertainty and asked.ensemble is None:
        raise InputError("uncertainty widens an ensemble; say how many members it has.")
    follower = _follower(model, asked.structures)
    z = _states(model, asked)
    vertices = model.parts.vertices[None] if z is None else (model.learned.moving_points.vertices(one) for one in z)
    coordinates = np.stack([follower.coordinates(one) for one in vertices])
    path = write_states(scene.session, follower.structure, coordinates, asked.file)
    scene.say(f"{path}: {follower.structure.name}, {len(coordinates)} model(s)")
    return path


def _states(model: FlexRecModel, asked: SaveAtoms) -> np.ndarray | None:
    """``(f, K)``; None for the state that is shown."""
    if asked.what == "path":
        return model.current_path.z
    if asked.at is not None:
        return read_anchors(asked.at, model.trained)
    if asked.ensemble is not None:
        return drawn_states(model.learned, asked.ensemble, asked.seed, asked.uncertainty)
    return None


def _follower(model: FlexRecModel, structures) -> AtomFollower:
    followers = model.parts.followers
    if structures is not None:
        followers = [one for one in followers if one.structure in list(structures)]
        if not followers:
            raise InputError(f"that structure does not follow {model.name}; flexrec follow makes it.")
    if not followers:
        raise InputError(f"no structure follows {model.name}; fit one to the map at rest, then flexrec follow it.")
    if len(followers) > 1:
        ids = ", ".join(f"#{one.structure.id_string}" for one in followers)
        raise InputError(f"several structures follow ({ids}); add structures and one of them.")
    return followers[0]


FUNCTIONS = {"save atoms": save_atoms}
