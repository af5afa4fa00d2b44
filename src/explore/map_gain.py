"""What a motion does to a map's resolution, in all of it and in each part; nothing here reads a file."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .verdict import NOT_BEYOND_NOISE, angstroms

ALIKE = 0.03  # of a resolution: less is within the width of a shell or the noise of its FSC


@dataclass(frozen=True)
class Resolutions:
    """``where`` the half-maps agree to ``moved`` Å under motion, and to ``rigid`` Å without; None: nowhere."""

    where: str
    moved: float | None
    rigid: float | None

    @property
    def change(self) -> float:
        """Share by which the motion made it finer; below 0 where it is coarser, 0 where it is alike or not known."""
        if self.moved is None and self.rigid is None:
            return 0.0
        moved, rigid = (math.inf if value is None else value for value in (self.moved, self.rigid))
        change = math.inf if math.isinf(rigid) else -math.inf if math.isinf(moved) else 1 - moved / rigid
        return change if abs(change) > ALIKE else 0.0

    def text(self) -> str:
        """``part 2 from 7.1 to 4.9 Å``."""
        if self.change == 0 and self.moved is not None:
            return f"{self.where} at {angstroms(self.moved)} as before"
        if self.moved is None or self.rigid is None:
            before, after = (angstroms(value) if value is not None else "nowhere" for value in (self.rigid, self.moved))
            return f"{self.where} from {before} to {after}"
        return f"{self.where} from {self.rigid:.1f} to {angstroms(self.moved)}"


def map_clause(places: tuple[Resolutions, ...]) -> str:
    """The change that says most: of what became coarser, else of what became finer most, else of all of the map."""
    if not places:
        return ""
    worst, best = min(places, key=lambda each: each.change), max(places, key=lambda each: each.change)
    most_changed = worst if worst.change < 0 else best if best.change > 0 else places[0]
    return f"map of {most_changed.text()}"


def worse(places: tuple[Resolutions, ...]) -> tuple[Resolutions, ...]:
    """Where the map under motion is coarser than the rigid one, the worst first."""
    return tuple(sorted((each for each in places if each.change < 0), key=lambda each: each.change))


def gain_clause(moved: float | None, rigid: float | None) -> str:
    """How much better the map under motion explains images of the other half, in nats; empty where that is not known.
    """
    if moved is None or rigid is None:
        return ""
    how = "better" if moved >= rigid else "worse"
    return f"an image of the other half is explained {abs(moved - rigid):.1f} nats {how} than by the rigid map"


def doubt_clause(
    level: str, places: tuple[Resolutions, ...], moved: float | None, rigid: float | None, independent: bool
) -> str:
    """What a map is worth that a motion has made better which the images do not support; empty where they do.

    ``level`` is that of the motion's verdict. Latents that were fitted to an image, by a model of all images or of a
    half, let both half-maps take up some of its noise. With ``independent`` models they do not take up the same.
    """
    better = any(each.change > 0 for each in places) and not independent
    better = better or (moved is not None and rigid is not None and moved > rigid)
    if level != NOT_BEYOND_NOISE or not better:
        return ""
    return "which fitting noise gives too, so take the rigid map"
