"""The corners by which a path is edited: few points from a drawn line or a path, and the commands that join them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...explore.anchors import point_text
from ...explore.path import LatentPath

_FEW = 7  # corners of a path that was not made of corners
_MOST = 40  # of a stroke
_SLACK = 0.01  # of the view: how far a corner may lie from the line without it


def corners_of(path: LatentPath) -> np.ndarray:
    """Latent points ``(c, K)`` by which a path can be edited, its ends among them."""
    rows = np.unique(np.linspace(0, len(path.z) - 1, min(_FEW, len(path.z))).round().astype(int))
    return path.z[rows].astype(float)


def simplified(stroke: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """The corners ``(c, 2)`` of a stroke ``(m, 2)`` but its jitter, in a view ``(2, 2)`` (Douglas & Peucker 1973)."""
    span = limits[:, 1] - limits[:, 0]
    slack = _SLACK
    while True:
        rows = _corner_rows(stroke / span, slack)
        if len(rows) <= _MOST:
            return stroke[rows]
        slack *= 1.5


def _corner_rows(points: np.ndarray, slack: float) -> list[int]:
    """Rows of the points without which the line would be off by more than ``slack``."""
    rows, spans = {0, len(points) - 1}, [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        distance = _distances(points[first + 1 : last], points[first], points[last])
        worst = int(distance.argmax())
        if distance[worst] > slack:
            middle = first + 1 + worst
            rows.add(middle)
            spans += [(first, middle), (middle, last)]
    return sorted(rows)


def _distances(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distances ``(m,)`` from points ``(m, 2)`` to the piece of a line from start to end."""
    along = end - start
    share = np.clip((points - start) @ along / max(float(along @ along), 1e-30), 0, 1)
    return np.hypot(*(points - start - share[:, None] * along).T)


def nearest_piece(corners: np.ndarray, point: np.ndarray) -> int:
    """Before which of ``(c, 2)`` corners a new one at ``(2,)`` belongs."""
    distance = [float(_distances(point[None], start, end)[0]) for start, end in zip(corners, corners[1:])]
    return 1 + int(np.argmin(distance)) if distance else len(corners)


def axis_command(name: str, at: np.ndarray | None, extra: str = "") -> str:
    """``flexrec path pc1 …`` through a latent point ``(K,)``; through the particles' median for None."""
    return f"flexrec path {name}{extra}" + ("" if at is None else f" at {point_text(at)}")


def through_command(points: Sequence[np.ndarray | str], frames: int, in_angstroms: bool) -> str:
    """``flexrec path through …`` over latent points ``(K,)``, or words such as p12 and c3."""
    words = " ".join(point if isinstance(point, str) else point_text(point) for point in points)
    return f"flexrec path through {words} frames {frames}" + (" inAngstroms true" if in_angstroms else "")
