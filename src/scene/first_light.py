"""The light of the first picture of a model: soft, with silhouettes."""

from __future__ import annotations

SHADOWS = 16  # directions of ambient light: as ChimeraX has for large structures, a quarter of its usual number
SMALL = 100  # voxels on a side of maps that throw shadows where a processor draws: it takes seconds for larger ones
PROCESSORS = ("llvmpipe", "softpipe", "swiftshader", "software", "basic render")  # as OpenGL names what draws


def light(model) -> None:
    """Light the scene, in which a `FlexRecModel` is alone, where the light is ChimeraX's own and not the user's."""
    from chimerax.std_commands.lighting import lighting

    session, view = model.session, model.session.main_view
    if not _usual_light(view):
        return
    if len(model.learned.volume) <= SMALL or not _processor_draws(view):
        lighting(session, "soft", intensity=0.4, ambient_intensity=1.1, multi_shadow=SHADOWS)
    view.silhouette.enabled = view.redraw_needed = True


def _usual_light(view) -> bool:
    from chimerax.graphics.opengl import Lighting

    usual = Lighting()
    same = ("key_light_intensity", "fill_light_intensity", "ambient_light_intensity", "shadows", "multishadow")
    return not view.silhouette.enabled and all(getattr(view.lighting, one) == getattr(usual, one) for one in same)


def _processor_draws(view) -> bool:
    render = view.render
    if render is None or not render.make_current():
        return False
    return any(name in render.opengl_renderer().lower() for name in PROCESSORS)
