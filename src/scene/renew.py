"""Going on with a newer checkpoint of an open model: training has written it since."""

from __future__ import annotations

from ..errors import InputError
from ..explore.centre import mean_point
from ..models import Model
from .placement import centre_of


def renew(model, flow: Model) -> None:
    """Let a `FlexRecModel` be ``flow``: its point, looks and followers stay where they fit."""
    session = model.session
    session.logger.info(f"{model.name} is now as {flow.progress}.")
    parts = model.parts
    mesh, arrows, followers, waiting = parts.mesh, parts.arrows, list(parts.followers), list(parts.waiting)
    mesh_seen, arrows_seen = (one is not None and one.display for one in (mesh, arrows))
    try:
        z = None if model.z is None else flow.checked(model.z)
    except InputError:
        z = mean_point(flow.latents)
    model.player.leave()
    if flow.latent_dims != model.learned.latent_dims:
        model.path = None
    model.dragging.close()
    session.models.close([one for one in (mesh, arrows) if one is not None])
    model.learned, model.z = flow, z  # before anybody is told: a point is of its model's dimensions
    parts.place(z)
    model.frame = centre_of(flow)
    model.__dict__.pop("trained", None)
    if model.map is not None:
        model.map.renew(flow)
    if mesh is not None:
        parts.show_mesh(mesh.colour).display = mesh_seen
    if arrows is not None:
        parts.show_arrows(arrows.look.fitting(flow)).display = arrows_seen
    for one in followers:
        parts.follow(one.structure, one.rest, one.to_mesh)
    for structure in waiting:
        parts.follow(structure)
    model.show(z)
