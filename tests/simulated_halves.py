"""Half-maps of a known signal and known noise, which the tests of resolution share."""

from __future__ import annotations

import numpy as np
from chimerax.flexrec.engine.maps.fsc import weigh_shells
from chimerax.flexrec.engine.maps.half_pair import HalfPair
from chimerax.flexrec.mesh.map_files import radius_grid

BOX, PIXEL = 64, 1.5


def frequencies(box=BOX, pixel_size=PIXEL):
    return np.arange(box // 2 + 1) / (box * pixel_size)


def noise(seed, box=BOX):
    return np.random.default_rng(seed).standard_normal((box,) * 3).astype(np.float32)


def cut_at(resolution, box=BOX, pixel_size=PIXEL):
    """Weights (s,) of a sharp low-pass at so many Å."""
    return (frequencies(box, pixel_size) <= 1 / resolution).astype(float)


def pair_of(signal, sigma, seed=100, pixel_size=PIXEL):
    """Half-maps of a signal with white noise of so many sigmas."""
    first, second = (signal + sigma * noise(seed + side, len(signal)) for side in (0, 1))
    return HalfPair(first.astype(np.float32), second.astype(np.float32), pixel_size)


def soft_ball(radius, box=BOX, edge=6.0):
    distance = radius_grid(box) - radius
    return (0.5 + 0.5 * np.cos(np.pi * np.clip(distance / edge, 0, 1))).astype(np.float32)


def molecule(seed=0, box=BOX, decay=40.0, radius=0.25, pixel_size=PIXEL):
    """A ball of positive density with detail at all frequencies, whose amplitudes fall by a B-factor."""
    ball, square = radius_grid(box) < radius * box, frequencies(box, pixel_size) ** 2
    detail = weigh_shells((noise(seed, box) * ball).astype(np.float32), np.exp(-decay / 4 * square))
    body = weigh_shells(ball.astype(np.float32), np.exp(-100 * square))
    return (detail + 2 * body).astype(np.float32)
