"""Going on with a newer checkpoint of an open model: training has written it since."""

from __future__ import annotations

from ..errors import InputError
from ..explore.centre import mean_point
from ..models import Model
from .place import centre_of


def renew(model, flow: Model) -> None:
    """Let a `FlexRecModel` be ``flow``: its point, looks and followers stay where they fit."""
    session = model.session
    session.logger.info(f"{model.name} is now as after epoch {flow.epoch} of {flow.epochs}.")
    parts = model.parts
    mesh, arrows, followers = parts.mesh, parts.arrows, list(parts.followers)
    model.dragging.close()
    if flow.latent_dims != model.flow.latent_dims:
        model.path = None
    model.flow = flow
    parts.place(None)
    model.frame = centre_of(flow)
    model.__dict__.pop("trained", None)
    model.map.renew(flow)
    if mesh is not None:
        colour, display = mesh.colour, mesh.display
        session.models.close([mesh])
        parts.show_mesh(colour).display = display
    try:
        z = None if model.z is None else flow.checked(model.z)
    except InputError:
        z = mean_point(flow.latents)
    if arrows is not None:
        display = arrows.display
        session.models.close([arrows])
        start = arrows.reference if arrows.reference is None or len(arrows.reference) == flow.latent_dims else z
        parts.show_arrows(arrows.wanted, arrows.scale, arrows.threshold, arrows.width, start).display = display
    for one in followers:
        parts.follow(one.structure, one.rest, one.to_mesh)
    model.show(z)
