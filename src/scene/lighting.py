"""The light of the scene: soft for the first picture of a model, plain while a drag needs quick pictures."""

from __future__ import annotations

from chimerax.core.session import Session
from chimerax.graphics import View

SHADOWS = 16  # directions of ambient light: as ChimeraX has for large structures, a quarter of its usual number
SMALL = 100  # voxels on a side of maps that throw shadows where a processor draws: it takes seconds for larger ones
PROCESSORS = ("llvmpipe", "softpipe", "swiftshader", "software", "basic render")  # as OpenGL names what draws


def light(session: Session, box: int) -> None:
    """Light the scene, in which a map of so many voxels a side is alone, softly and with silhouettes.

    Nothing is changed where the user has chosen a light.
    """
    from chimerax.std_commands.lighting import lighting

    view = session.main_view
    if not _usual_light(view):
        return
    if box <= SMALL or not _processor_draws(view):
        lighting(session, "soft", intensity=0.4, ambient_intensity=1.1, multi_shadow=SHADOWS)
    view.silhouette.enabled = view.redraw_needed = True


def _usual_light(view) -> bool:
    from chimerax.graphics.opengl import Lighting

    usual = Lighting()
    names = ("key_light_intensity", "fill_light_intensity", "ambient_light_intensity", "shadows", "multishadow")
    return not view.silhouette.enabled and all(getattr(view.lighting, name) == getattr(usual, name) for name in names)


def _processor_draws(view) -> bool:
    render = view.render
    if render is None or not render.make_current():
        return False
    return any(name in render.opengl_renderer().lower() for name in PROCESSORS)


class PlainLight:
    """ChimeraX's simple light in the place of one that throws shadows, and no silhouettes, while it is on.

    A processor that draws takes longer to throw shadows than for all else.
    """

    def __init__(self, view: View) -> None:
        self._view, self._before = view, None

    def turn(self, on: bool) -> None:
        """Light plainly, or as before."""
        if on == (self._before is not None):
            return
        view = self._view
        if on:
            self._before = view.lighting, view.silhouette.enabled
            view.silhouette.enabled = False
            if view.lighting.shadows or view.lighting.multishadow:
                view.lighting = _simple(view)
            return
        view.lighting, view.silhouette.enabled = self._before
        self._before = None


def _simple(view):
    from chimerax.graphics.opengl import Lighting

    light = Lighting()
    for name in ("depth_cue", "depth_cue_start", "depth_cue_end", "depth_cue_color", "move_lights_with_camera"):
        setattr(light, name, getattr(view.lighting, name))
    return light
