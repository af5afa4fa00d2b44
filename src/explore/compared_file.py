"""What a comparison leaves beside each of its models: where the other places the same particles, and how alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .compare_trainings import Comparison
from .results import load_result, save_result
from .trained_model import Trained

ALIKE = "alike"
_OTHER = "other_pc"
_MOST = 8  # of the other's components that are kept
_NAME = "compared"


@dataclass(frozen=True, eq=False)
class ComparedPlaces:
    """alike : ``(n,)`` NaN for particles that the other model has not, see `placed_alike`. places : ``(n, d)`` of its
    principal components, NaN likewise. name : of the other model.
    """

    alike: np.ndarray
    places: np.ndarray
    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of ``places``: other_pc1 and so on."""
        return tuple(f"{_OTHER}{k + 1}" for k in range(self.places.shape[1]))

    def columns(self) -> Iterator[tuple[str, np.ndarray]]:
        """All of it, by name."""
        yield ALIKE, self.alike
        yield from zip(self.names, self.places.T)


def is_compared(name: str) -> bool:
    """Whether a column of that name is what a comparison leaves."""
    return name == ALIKE or name.startswith(_OTHER)


def keep_comparison(first: Trained, second: Trained, result: Comparison) -> tuple[Path, Path]:
    """Keep it for both models, in place of an earlier one; returns the files."""
    one, two = result.rows
    return (_keep(first, one, second, two, result.alike), _keep(second, two, first, one, result.alike))


def _keep(trained: Trained, rows: np.ndarray, other: Trained, its: np.ndarray, alike: np.ndarray) -> Path:
    coordinates = other.components.coordinates(other.latents[its])[:, :_MOST]
    places = np.full((len(trained.latents), coordinates.shape[1]), np.nan, np.float32)
    column = np.full(len(trained.latents), np.nan, np.float32)
    places[rows], column[rows] = coordinates, alike
    return save_result(trained, _NAME, alike=column, places=places, name=np.array(other.folder.name))


def load_comparison(trained: Trained) -> ComparedPlaces | None:
    """The newest one of this epoch's latents; None where there is none."""
    arrays = load_result(trained, _NAME, ("alike", "places", "name"))
    return None if arrays is None else ComparedPlaces(arrays["alike"], arrays["places"], str(arrays["name"]))
