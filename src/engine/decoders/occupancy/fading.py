"""Which parts some particles lack, told from images before anything is trained.

The two places of a part's amplitude are known (`presence_evidence.py`), and that tells absence from motion: a part that
moves looks fainter in its mean place by a fraction, and never as if nothing were there. Each group of parts is there or
not, all of a group together, groups independently; which groups there are is found by adding one part at a time, and
then pieces of parts, as long as images that shares were not fitted to are explained better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ....mesh.pieces import Pieces
from .amplitudes import Amplitudes
from .places import find_places
from .presence_evidence import (
    explain_by_both,
    explain_by_presence,
    explain_by_spread,
    fit_extents,
    fit_shares,
    presence_amplitude,
    spread_of,
    varying_together,
)
from .presences import Fading, Presences

LEAST_GAIN, CERTAIN = 0.05, 3.0  # nats per image that a part must explain; standard errors that it is from zero
MOST_GROUPS = 5
LEAST_REST = 0.3  # of a part that comes and goes: so much of it, or nothing, is said to be always there
VARIATION = 0.05  # variance that a moving part's amplitude has for its motion is not quite what is marginalised
# how much of a part comes and goes: all, or, where a mean of few of the particles has little of it and something of its
# neighbours besides, most
EXTENTS = (1.0, 0.7)
FOLDS = 5  # of the images, by which two places and a spread of amplitudes are compared


def find_presences(
    amplitudes: Amplitudes, pieces: Pieces, held_out: torch.Tensor, most: int, strictness: float = 1.0
) -> Presences:
    """The groups of pieces that come and go, at most ``most``, and those between which a domain jumps.

    ``amplitudes`` of the ``pieces``; ``held_out`` ``(n,)`` bool, images that judge; ``strictness`` multiplies what a
    part, or some of its pieces, must explain of them.

    Whole parts are looked for first, since a small piece moves out of its place sooner than a part does; then what of
    them is always there, and what of the other parts is not: either side of each cut, and pieces whose amounts vary
    together. A domain that turns all the way round comes to places and leaves them; what leaves one place is then found
    at another, and nothing is absent. Nor is a domain that has two places or a few, which seems to be there or not in
    each: what comes where the other goes has moved.
    """
    groups = _search(amplitudes, pieces, held_out, most + 2, strictness)  # two may be places of one domain
    places = find_places(groups.softened, pieces, groups.pieces)
    if not places and len(groups.pieces) > most:
        groups = _search(amplitudes, pieces, held_out, most, strictness)
    return Presences(groups.fading([group for group in groups.pieces if group not in places][:most]),
                     groups.fading(places))  # fmt: skip


@dataclass(frozen=True)
class _Groups:
    """Pieces that come and go together, the search that has found them, and amplitudes whose parts vary besides."""

    pieces: list[list[int]]
    search: _Search
    softened: Amplitudes

    def fading(self, some: list[list[int]]) -> Fading | None:
        """All that the images say of some of the groups; None of none."""
        return self.search.fading(some) if some else None


def _search(
    amplitudes: Amplitudes, pieces: Pieces, held_out: torch.Tensor, most: int, strictness: float
) -> _Groups:  # fmt: skip
    """At most ``most`` groups, of whole parts and then of pieces."""
    parts = pieces.of_parts
    as_parts = amplitudes.softened(_variation(parts, amplitudes))
    searches = [_Search(as_parts.scaled(extent), held_out, most, strictness) for extent in EXTENTS]
    tries = [(search, search.added_to([], parts)) for search in searches]
    search, groups = max(tries, key=lambda one: one[0].gain(one[1]))
    apart = [[piece] for piece in range(len(pieces.part))]
    spread = _variation(parts + apart, amplitudes)
    of_pieces = _Search(amplitudes.softened(spread), held_out, most, strictness)
    finer = _with_small_rests(groups, of_pieces.trimmed(groups), pieces)
    finer = of_pieces.added_to(finer, pieces.sides + varying_together(amplitudes.of(~held_out)))
    finer = _without_displaced(amplitudes, finer, len(groups), held_out, spread)
    return _Groups(finer, of_pieces if finer != groups else search, as_parts)


def _variation(together: list[list[int]], amplitudes: Amplitudes) -> torch.Tensor:
    """The variance ``(q, q)`` of amplitudes of which some vary ``together``, each such group by itself."""
    count = amplitudes.gradient.shape[1]
    variance = torch.zeros(count, count).to(amplitudes.gradient)
    for group in together:
        variance[np.ix_(group, group)] += VARIATION
    return variance


def _with_small_rests(groups: list[list[int]], trimmed: list[list[int]], pieces: Pieces) -> list[list[int]]:
    """The ``trimmed`` groups, with what was cut off of parts that have hardly anything else."""
    kept = []
    for group, left in zip(groups, trimmed, strict=True):
        cut = sorted(set(group) - set(left))
        share = {part: pieces.mass[[one for one in cut if pieces.part[one] == part]].sum()
                 / pieces.mass[pieces.part == part].sum() for part in set(pieces.part[cut].tolist())}  # fmt: skip
        kept.append([one for one in group if one in left or share[int(pieces.part[one])] < LEAST_REST])
    return kept


def _without_displaced(
    amplitudes: Amplitudes, groups: list[list[int]], first: int, held_out: torch.Tensor, variance: torch.Tensor
) -> list[list[int]]:
    """The groups but those, from the ``first`` on, that explain nothing beyond what amounts of all pieces would."""
    if not (new := groups[first:]):
        return groups
    evidence = explain_by_both(amplitudes, groups, held_out, variance)
    for group in new:
        others = [other for other in groups if other != group]
        without = explain_by_both(amplitudes, others, held_out, variance)
        if not _more_certain(evidence, without):
            groups, evidence = others, without
    return groups


class _Search:
    """Finds what comes and goes, one unit at a time, as long as held-out images are explained better."""

    def __init__(self, amplitudes: Amplitudes, held_out: torch.Tensor, most: int, strictness: float) -> None:
        self._amplitudes, self._held_out, self._strictness = amplitudes, held_out, strictness
        self._most = min(most, MOST_GROUPS)

    def added_to(self, groups: list[list[int]], units: list[list[int]]) -> list[list[int]]:
        """The groups with those of the ``units``, of pieces that come and go together, that are found to.

        The unit that explains most is tried first, by itself or with a group, whichever explains more. One that is
        refused may do after another was taken: a piece alone may seem to vary that comes and goes with its neighbours.
        """
        best = self._judged(groups)
        while added := self._one_added(groups, units, best):
            groups, best = added
        return groups

    def _one_added(
        self, groups: list[list[int]], units: list[list[int]], best: torch.Tensor
    ) -> tuple[list[list[int]], torch.Tensor] | None:
        """The groups with one unit more, and how well they explain held-out images, ``best`` before; None without."""
        taken = {piece for group in groups for piece in group}
        tries = _one_more(groups, [unit for unit in units if taken.isdisjoint(unit)], self._most)
        judged = [self._judged(wider) for wider, _ in tries]
        refused = []
        for chosen in np.argsort([-float(each.mean()) for each in judged]).tolist():
            wider, unit = tries[chosen]
            if unit in refused:
                continue
            if not self._certain(judged[chosen] - best):
                break
            if self._two_places(groups, wider, unit):
                return wider, judged[chosen]
            refused.append(unit)
        return None

    def trimmed(self, groups: list[list[int]]) -> list[list[int]]:
        """The groups without the pieces that are found to be always there."""
        best = self._judged(groups)
        while tries := _one_less(groups):
            chosen, judged = self._best(tries)
            if not self._certain(judged - best):
                break
            groups, best = tries[chosen], judged
        return groups

    def _best(self, tries: list[list[list[int]]]) -> tuple[int, torch.Tensor]:
        """Which of the groups explain held-out images best, and how well ``(m,)``."""
        judged = [self._judged(each) for each in tries]
        chosen = int(np.argmax([float(each.mean()) for each in judged]))
        return chosen, judged[chosen]

    def _certain(self, more: torch.Tensor) -> bool:
        """Whether ``more`` ``(m,)`` nats are enough, and surely not none."""
        error = float(more.std()) / len(more) ** 0.5
        return float(more.mean()) >= self._strictness * max(LEAST_GAIN, CERTAIN * error)

    def gain(self, groups: list[list[int]]) -> float:
        """Nats per held-out image that the groups explain."""
        return float(self._judged(groups).mean())

    def fading(self, groups: list[list[int]]) -> Fading:
        """All that the images say of these groups."""
        of_groups = self._amplitudes.grouped(groups)
        share = fit_shares(of_groups.of(~self._held_out))
        return Fading(groups, share, explain_by_presence(of_groups, share)[1], self.gain(groups))

    def _judged(self, groups: list[list[int]]) -> torch.Tensor:
        """Log evidence ``(m,)`` of held-out images, shares being fitted to the others."""
        if not groups:
            return torch.zeros_like(self._amplitudes.gradient[self._held_out][:, 0])
        of_groups = self._amplitudes.grouped(groups)
        return explain_by_presence(of_groups.of(self._held_out), fit_shares(of_groups.of(~self._held_out)))[0]

    def _two_places(self, groups: list[list[int]], wider: list[list[int]], unit: list[int]) -> bool:
        """Whether a ``unit`` that makes the ``groups`` ``wider`` is there or not, rather than varies by some amount.

        What motion leaves unexplained varies by some amount, which normal amplitudes N(0, v) take up: log evidence
        ½ b² v / (1 + v c) − ½ log (1 + v c). So moving is preferred to fading. Of a unit that comes and goes by itself
        each image is judged by a share and a variance that were fitted to four fifths of the others (how much of each
        of its pieces goes with it was fitted to all, for both alike); of one that joins a group, whose presence the
        images know of already, by what it adds to that.
        """
        alone = self._residual(groups, unit)
        if len(wider) > len(groups):
            return _more_certain(*_by_folds(alone))
        more = self._evidence(wider) - self._evidence(groups)
        return _more_certain(more, explain_by_spread(alone, spread_of(alone)))

    def _evidence(self, groups: list[list[int]]) -> torch.Tensor:
        """Log evidence ``(n,)`` of all images."""
        of_groups = self._amplitudes.grouped(groups)
        return explain_by_presence(of_groups, fit_shares(of_groups))[0]

    def _residual(self, groups: list[list[int]], unit: list[int]) -> Amplitudes:
        """What images say of a unit's amplitude beyond what the ``groups`` explain that come and go already."""
        left = self._amplitudes
        if groups:
            amplitude = presence_amplitude(left.grouped(groups)) @ left.belongs(groups).T
            left = left.beyond(amplitude)
        return left.along(fit_extents(left, [unit]))


def _by_folds(alone: Amplitudes) -> tuple[torch.Tensor, torch.Tensor]:
    """Log evidence ``(n,)`` of presence, and of some amount, fitted to other images than each is judged by."""
    presence, amount = torch.zeros_like(alone.gradient[:, 0]), torch.zeros_like(alone.gradient[:, 0])
    fold = torch.arange(len(presence), device=presence.device) % FOLDS
    for number in range(FOLDS):
        fitted, judged = alone.of(fold != number), alone.of(fold == number)
        presence[fold == number] = explain_by_presence(judged, fit_shares(fitted))[0]
        amount[fold == number] = explain_by_spread(judged, spread_of(fitted))
    return presence, amount


def _more_certain(evidence: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether images ``(n,)`` are surely explained better."""
    more = evidence - other
    return float(more.mean()) > CERTAIN * float(more.std()) / len(more) ** 0.5


def _one_less(groups: list[list[int]]) -> list[list[list[int]]]:
    """All ways to take a piece from a group of several."""
    return [
        [*groups[:i], [one for one in group if one != piece], *groups[i + 1 :]]
        for i, group in enumerate(groups) if len(group) > 1 for piece in group
    ]  # fmt: skip


def _one_more(
    groups: list[list[int]], free: list[list[int]], most: int
) -> list[tuple[list[list[int]], list[int]]]:
    """All ways to add one of the ``free`` units, to a group or as one of its own: the groups then, and the unit."""
    tries = [
        ([*groups[:i], [*groups[i], *unit], *groups[i + 1 :]], unit) for unit in free for i in range(len(groups))
    ]
    return tries + [([*groups, unit], unit) for unit in free if len(groups) < most]
