"""``flexrec save atoms``: a structure that follows the flow, at one state, along the path, or as an ensemble."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from chimerax.atomic import AtomicStructuresArg
from chimerax.core.commands import BoolArg, CmdDesc, EnumOf, SaveFileNameArg

from ..errors import InputError
from ..explore.anchors import read_anchors
from ..explore.ensemble import drawn_states
from ..scene.moving.following_atoms import AtomFollower
from ..scene.moving.write_atoms import write_states
from ..scene.scene_model import FlexRecModel
from .arguments import SEED, AnchorArg, model_keyword, the_model, whole


def flexrec_save_atoms(
    session, file: str, what: str | None = None, at: str | None = None, ensemble: int | None = None, seed: int = 0,
    uncertainty: bool = False, structures=None, model: FlexRecModel | None = None,
) -> Path:  # fmt: skip
    """Write a following structure: as it is shown, at a point, along the path, or at so many particles' states.

    Several states are several models of one file.
    """
    model = the_model(session, model)
    if sum(value is not None for value in (what, at, ensemble)) > 1:
        raise InputError("path, at and ensemble exclude each other; give one.")
    if uncertainty and ensemble is None:
        raise InputError("uncertainty widens an ensemble; say how many members it has.")
    follower = _follower(model, structures)
    z = _states(model, what, at, ensemble, seed, uncertainty)
    vertices = model.parts.vertices[None] if z is None else (model.learned.moving_points.vertices(one) for one in z)
    coordinates = np.stack([follower.coordinates(one) for one in vertices])
    path = write_states(session, follower.structure, coordinates, Path(file))
    session.logger.info(f"{path}: {follower.structure.name}, {len(coordinates)} model(s)")
    return path


def _states(model: FlexRecModel, what, at, ensemble, seed, uncertainty) -> np.ndarray | None:
    """``(f, K)``; None for the state that is shown."""
    if what == "path":
        return model.current_path.z
    if at is not None:
        return read_anchors(at, model.trained)
    if ensemble is not None:
        return drawn_states(model.learned, ensemble, seed, uncertainty)
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


def commands() -> list[tuple]:
    """Words, description and function of each."""
    return [
        ("save atoms", CmdDesc(
            required=[("file", SaveFileNameArg)], optional=[("what", EnumOf(("path",)))],
            keyword=[("at", AnchorArg), ("ensemble", whole(1)), ("seed", SEED), ("uncertainty", BoolArg),
                     ("structures", AtomicStructuresArg), model_keyword()],
            synopsis="Write an atomic model at one state, along the path, or as an ensemble"), flexrec_save_atoms),
    ]  # fmt: skip
