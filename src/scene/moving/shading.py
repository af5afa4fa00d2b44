"""Colours of a surface under ChimeraX's lights, one for each vertex: a processor that draws needs half as long then."""

from __future__ import annotations

import numpy as np
from chimerax.geometry import Place
from chimerax.graphics import View

MOST_OPAQUE = 250  # of 255, of what is translucent


def shadeless(view: View) -> bool:
    """Whether the lights of a ChimeraX view throw no shadows, which `shaded` does not know."""
    return not (view.lighting.shadows or view.lighting.multishadow)


def shaded(normals: np.ndarray, colour: np.ndarray, view: View, place: Place) -> np.ndarray:
    """``(m, 4)`` uint8 of vertices with unit normals ``(m, 3)``, all of one ``colour`` ``(4,)`` uint8.

    ``place`` takes the surface to the scene. The light is that of ChimeraX's own shader, as if seen from far away.
    """
    lights, matter = view.lighting, view.material
    into_view = view.camera.position.inverse()
    normals = normals @ np.asarray((into_view * place).matrix[:, :3], np.float32).T

    def direction(one: np.ndarray) -> np.ndarray:
        return np.asarray(one if lights.move_lights_with_camera else into_view.transform_vector(one), np.float32)

    key, fill = direction(lights.key_light_direction), direction(lights.fill_light_direction)
    on_key, on_fill = normals @ key, normals @ fill
    bright = matter.ambient_reflectivity * lights.ambient_light_intensity * _colour(lights.ambient_light_color)
    bright = bright + _lit(on_key, matter.diffuse_reflectivity * lights.key_light_intensity, lights.key_light_color)
    bright = bright + _lit(on_fill, matter.diffuse_reflectivity * lights.fill_light_intensity, lights.fill_light_color)
    mirrored = 2 * on_key * normals[:, 2] - key[2]  # the part towards the viewer, turned round for _lit
    shine = _lit(mirrored, matter.specular_reflectivity * lights.key_light_intensity, lights.key_light_color,
                 matter.specular_exponent)  # fmt: skip
    colours = np.empty((len(normals), 4), np.uint8)
    colours[:, :3] = np.clip(bright * colour[:3].astype(np.float32) + np.float32(255) * shine, 0, 255)
    colours[:, 3] = _opacity(colour[3], normals[:, 2])
    return colours


def _opacity(opacity: int, facing: np.ndarray) -> np.ndarray | int:
    """``(m,)``: more where a translucent surface is seen at a slant, but nowhere opaque, which is drawn otherwise."""
    if opacity == 255:
        return opacity
    return np.minimum(255 * (1 - (1 - opacity / 255) ** (1 / np.maximum(np.abs(facing), 0.01))), MOST_OPAQUE)


def _lit(along: np.ndarray, strength: float, colour: tuple, exponent: float = 1.0) -> np.ndarray:
    """``(m, 1)`` light, ``(m, 3)`` if coloured, from the cosines ``(m,)`` between normals and the way that it goes."""
    return np.float32(strength) * np.maximum(-along, 0)[:, None] ** exponent * _colour(colour)


def _colour(colour: tuple) -> np.ndarray:
    """``(3,)`` float32 of a light's colour, ``(1,)`` of grey: then a third of the numbers do."""
    grey = len(set(colour)) == 1
    return np.array(colour[:1] if grey else colour, np.float32)
