"""The particles as one picture, whatever their number: no artist, and no object, for each of them."""

from __future__ import annotations

import numpy as np

from ...explore.plot_density import density_image

_BIN = 2  # pixels of a density image's bin
_CELL = 8  # pixels within which dots count as neighbours
_STACKED = 20  # colours of which a bar is a stack
_DOTS = ((2_000, 4.0), (20_000, 2.6), (200_000, 1.6))  # up to so many points in view: radius of a dot, pixels


def pixel_places(points: np.ndarray, limits: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """``(rows, pixel)``: the points ``(n, 2)`` within ``limits`` ``(2, 2)``, and the pixel of each, counted row by row
    from the lowest, in a picture of ``size`` (wide, high).
    """
    (left, right), (low, high) = limits
    wide, tall = size
    with np.errstate(invalid="ignore"):
        x = (points[:, 0] - np.float32(left)) * np.float32(wide / (right - left))
        y = (points[:, 1] - np.float32(low)) * np.float32(tall / (high - low))
        rows = np.flatnonzero((x >= 0) & (x < wide) & (y >= 0) & (y < tall))
    x, y = x[rows].astype(np.int32), y[rows].astype(np.int32)
    # float32 may round up to the edge itself
    return rows, np.minimum(y, tall - 1) * np.int32(wide) + np.minimum(x, wide - 1)


def density_picture(
    points: np.ndarray, limits: np.ndarray, size: tuple[int, int], colours: np.ndarray, scale: float = 1.0
) -> np.ndarray:
    """RGBA ``(h, w, 4)`` float32 of how many points lie where, of the colours ``(256, 4)`` for few to many.

    ``size`` is in pixels, (wide, high), ``scale`` the pixels of the screen for one of a coarse screen.
    """
    bins = tuple(max(16, round(side / (_BIN * scale))) for side in size)
    image = density_image(points, bins, limits, blur=_blur(points, bins))
    shade = np.log1p(image.counts * _boost(image.counts))
    top = float(shade.max(initial=0)) or 1.0
    share = np.clip(shade / top, 0, 1)
    picture = colours[(255 * share).astype(np.uint8)].astype(np.float32)
    picture[..., 3] = np.clip(share * 12, 0, 1)
    return picture


def _blur(points: np.ndarray, bins: tuple[int, int]) -> float:
    """Bins by which counts are smoothed: more, where there are few points for so many bins."""
    per_bin = len(points) / (bins[0] * bins[1])
    return float(np.clip(1.2 / max(per_bin, 1e-9) ** 0.35, 0.8, 5.0))


def _boost(counts: np.ndarray) -> float:
    """Blurred counts below one would all look alike in a logarithm."""
    top = float(counts.max(initial=0))
    return max(1.0, 30.0 / top) if top > 0 else 1.0


def dot_radius(count: int, scale: float = 1.0) -> float:
    """Pixels of a dot's radius, for so many points in view on a screen of ``scale`` pixels a point."""
    return scale * next((radius for most, radius in _DOTS if count <= most), 0.8)


def dot_densities(pixel: np.ndarray, size: tuple[int, int], scale: float = 1.0) -> np.ndarray:
    """``(m,)`` from 0 to 1: how many points lie around each of those at ``pixel`` ``(m,)``; 1 where most do."""
    from scipy.ndimage import gaussian_filter

    wide, tall = size
    cell = max(1, round(_CELL * scale))
    shape = (tall // cell + 1, wide // cell + 1)
    place = pixel // wide // cell * shape[1] + pixel % wide // cell
    counts = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float32)
    around = gaussian_filter(counts, _blur(pixel, shape)).ravel()[place]
    return around / max(float(around.max(initial=0)), 1e-9)


def dots_picture(pixel: np.ndarray, colours: np.ndarray, size: tuple[int, int], radius: float) -> np.ndarray:
    """RGBA ``(h, w, 4)`` uint8 of round dots at ``pixel`` ``(m,)``, of ``colours`` ``(m, 4)`` uint8 or ``(4,)``.

    The later points lie above the earlier ones.
    """
    wide, tall = size
    picture = np.zeros((tall * wide, 4), np.uint8)
    x, y = pixel % wide, pixel // wide
    for dx, dy, cover in _disc(radius):
        u, v = x + dx, y + dy
        inside = (u >= 0) & (u < wide) & (v >= 0) & (v < tall)
        shade = colours.astype(np.uint16, copy=True)
        shade[..., 3] = shade[..., 3] * cover // 255
        place = v[inside] * wide + u[inside]
        picture[place] = (shade if colours.ndim == 1 else shade[inside]).astype(np.uint8)
    return picture.reshape(tall, wide, 4)


def _disc(radius: float) -> list[tuple[int, int, int]]:
    """``(dx, dy, cover 0 to 255)`` of the pixels of a dot, the covered ones last: they lie above other dots' rims."""
    reach = int(np.ceil(radius))
    pixels = []
    for dx in range(-reach, reach + 1):
        for dy in range(-reach, reach + 1):
            cover = np.clip(radius + 0.5 - np.hypot(dx, dy), 0, 1)
            if cover > 0.05:
                pixels.append((dx, dy, int(255 * cover)))
    return sorted(pixels, key=lambda pixel: pixel[2])


def histogram(values: np.ndarray, limits: tuple[float, float], wide: int) -> tuple[np.ndarray, np.ndarray]:
    """``(edges, counts)`` of a histogram of values ``(n,)``, in a plot so many pixels wide."""
    bins = int(np.clip(min(wide // 4, 2 * np.sqrt(max(len(values), 1))), 8, 200))
    counts, edges = np.histogram(values, bins=bins, range=limits)
    return edges, counts


def coloured_bars(values: np.ndarray, colours: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heights ``(r, m)``, in particles, and colours ``(r, m, 4)``, 0 to 1, of bars that are drawn in this order.

    Of a few colours each bar is a stack: later bars cover those before. Of more it has the particles' mean colour.

    Parameters
    ----------
    values : ``(n,)``. colours : ``(n, 4)`` uint8 of the particles. edges : ``(m + 1,)`` of the bars.
    """
    bins = len(edges) - 1
    place = np.searchsorted(edges, values, side="right") - 1
    place[values == edges[-1]] = bins - 1
    inside = (place >= 0) & (place < bins)
    place, colours = place[inside], np.ascontiguousarray(colours[inside])
    distinct, code = np.unique(colours.view(np.uint32)[:, 0], return_inverse=True)
    if len(distinct) > _STACKED:
        count = np.bincount(place, minlength=bins)
        sums = [np.bincount(place, weights=channel, minlength=bins) for channel in colours.T]
        return count[None].astype(float), np.stack(sums, axis=1)[None] / np.maximum(count, 1)[:, None] / 255
    counts = np.bincount(code * bins + place, minlength=len(distinct) * bins).reshape(len(distinct), bins)
    shades = np.repeat(distinct.view(np.uint8).reshape(-1, 1, 4) / 255, bins, axis=1)
    return counts.cumsum(axis=0)[::-1].astype(float), shades[::-1]
