"""Going on with a newer checkpoint of an open model: training has written it since."""

from __future__ import annotations

from ..errors import InputError
from ..explore.centre import mean_point
from ..models import Model
from .placement import centre_of
from .snapshots import SavedModel


def renew(model: SavedModel, flow: Model) -> None:
    """Let a model in the scene be ``flow``: its point, looks and followers stay where they fit."""
    session = model.session
    session.logger.info(f"{model.name} is now as {flow.progress}.")
    parts = model.parts
    mesh, arrows, followers, waiting = parts.mesh, parts.arrows, list(parts.followers), list(parts.waiting)
    mesh_shown, arrows_shown = (part is not None and part.display for part in (mesh, arrows))
    try:
        z = None if model.z is None else flow.checked(model.z)
    except InputError:
        z = mean_point(flow.latents)
    model.player.leave()
    if flow.latent_dims != model.learned.latent_dims:
        model.path = None
    model.dragging.close()
    session.models.close([part for part in (mesh, arrows) if part is not None])
    model.learned, model.z = flow, z  # before listeners are called: a point is of its model's dimensions
    parts.place(z)
    model.frame = centre_of(flow)
    model.__dict__.pop("trained", None)
    if model.map is not None:
        model.map.renew(flow)
    if mesh is not None:
        parts.show_mesh_again(mesh.colour).display = mesh_shown
    if arrows is not None:
        parts.show_arrows(arrows.look.fitting(flow)).display = arrows_shown
    for follower in followers:
        parts.follow(follower.structure, follower.rest, follower.to_mesh)
    for structure in waiting:
        parts.follow(structure)
    model.show(z)
