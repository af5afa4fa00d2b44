"""A kept selection in a training: the same particles, and the state that stands for them."""

from __future__ import annotations

from ..errors import InputError
from ..particles.selection import Selection, load_selection
from .trained_model import Trained


def selected(trained: Trained, name: str) -> Selection:
    """The selection of that name in the training's project; ``InputError`` where it is of other particles."""
    selection = load_selection(trained.project, name)
    check_particles(trained, selection)
    return selection


def check_particles(trained: Trained, selection: Selection) -> None:
    """``InputError`` where a selection is of other particles than the training."""
    if not selection.is_of(len(trained.latents), trained.identity):
        raise InputError(f"Selection {selection.name!r} is of other particles than {trained.folder.name}; name a "
                         "training of the same prep job.")  # fmt: skip


def middle(trained: Trained, selection: Selection) -> int:
    """The row of the selected particle that is nearest to their mean: its state is the map of the selection."""
    if not len(selection):
        raise InputError(f"Selection {selection.name!r} is empty, and has no state; select some particles.")
    rows = selection.rows[trained.finite[selection.rows]]
    if not len(rows):
        raise InputError(f"Selection {selection.name!r} has only particles without latent numbers, and so no state; "
                         "select others.")  # fmt: skip
    latents = trained.latents[rows]
    away = ((latents - latents.mean(axis=0, dtype=float)) ** 2).sum(axis=1)
    return int(rows[away.argmin()])
