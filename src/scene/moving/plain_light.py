"""A plainer light while what moves is drawn lighter: a processor takes longer to throw shadows than for all else."""

from __future__ import annotations


class PlainLight:
    """ChimeraX's simple light in the place of one that throws shadows, and no silhouettes, while it is on."""

    def __init__(self, view) -> None:
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
