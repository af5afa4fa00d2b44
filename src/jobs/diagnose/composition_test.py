"""Whether parts of the molecule come and go among the particles, and whether the model can show it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...mesh.regions import GroupedRegions, group_regions
from ...models import Model
from ..job_folder import JobRun
from ..part_labels import labels_of_training
from ..reports.finding import BAD, GOOD, Finding
from .finished_training import finished_training
from .keep_finding import keep_finding
from .restored_training import restore

if TYPE_CHECKING:
    from ...engine.decoders.occupancy.presences import Fading

PICTURE, ARRAYS = "composition.png", "composition.npz"
MOST = 4  # groups of parts that are looked for
SURE, NEIGHBOURS, LEAST_TOLD = 0.9, 11, 0.9  # probability of a place; latents that tell it, of how many images
READING = (
    "For each part of the mesh, how much of it each image shows, its motion and pose left open: 1 is what all images "
    "have on average. One heap about 1 is a part that is always there; two heaps, one of them at 0, are particles with "
    "it and without. A part that moves far may lie a little to the side of 1, never at 0. What presence explains is "
    "measured on images that it was not fitted to. A plain flow can only move density, so it moves a part away that is "
    "not there; train with --decoder occupancy."
)


def run(model: Path, device: str, job: JobRun) -> None:
    """Write composition.json, composition.npz and composition.png."""
    from ...engine.decoders.flow.flow_state import FlowState
    from ...engine.decoders.occupancy.composition import composition_at_rest
    from ...engine.decoders.occupancy.places import places_text, train_with
    from ...engine.training.trainer import Interrupted
    from ...figures.composition_figure import draw_composition
    from ..train.train_run import choose_device

    training = finished_training(model)
    restored = restore(training, choose_device(device))
    decoder, trainer = restored.training.decoder, restored.trainer
    if not isinstance(decoder, FlowState):
        raise InputError(f"model: {training.folder.name} has no mesh that moves, of which parts could come and go.")
    trainer.progress, trainer.stop = job.progress, job.stop_requested
    try:
        composition = composition_at_rest(trainer, decoder)
    except Interrupted:
        return
    fading, places = composition.presences(MOST)
    # groups that come and go are first, then those that are places of one domain
    told_apart = [kind for kind in (fading, places) if kind is not None]
    grouped = group_regions(composition.pieces, [group for kind in told_apart for group in kind.groups])
    labels = labels_of_training(training.folder, trainer.mesh.parts)
    names = grouped.regions.names(labels)
    known = _known(composition.mass, grouped, training.model)
    level, sentence = judge(fading, grouped, known, names)
    if places is not None:
        said = f"{places_text(places, composition.pieces, labels)} "
        told = places_told(training.model.latents[composition.rows], places.present.cpu().numpy())
        level, sentence = judge_places(said, told, train_with(places), level, "" if fading is None else sentence)
    amount, error = composition.amount(grouped.pieces)
    absent = absent_regions(told_apart, grouped, len(amount))
    shares = {} if fading is None else {row: float(fading.share[group]) for row, group in _fading(fading, grouped)}
    elsewhere = [row for row in grouped.fading if row not in shares]
    with job.output(PICTURE) as path:
        draw_composition(path, amount, absent, names, sentence, elsewhere)
    with job.output(ARRAYS) as path, open(path, "wb") as file:
        np.savez(file, rows=composition.rows, amount=amount, error=error, absent=absent)
    gain = 0.0 if fading is None else fading.gain
    numbers = {"images": len(amount), "gain": gain,
               "present": {names[row]: share for row, share in shares.items()},
               "known": [names[row] for row in known],
               "places": [] if places is None else places.share.tolist()}  # fmt: skip
    table = (
        ("presence explains, of held-out images", f"{gain:.2f} nats per image"),
        *((f"part {name}", _row(amount[:, row], error[:, row], shares.get(row), row in elsewhere))
          for row, name in enumerate(names)),
    )  # fmt: skip
    keep_finding(job, Finding("composition", level, sentence, READING, table, ((PICTURE, ""),), numbers), training)


def judge(
    fading: Fading | None, grouped: GroupedRegions, known: Sequence[int], names: Sequence[str]
) -> tuple[str, str]:
    """A level and a sentence; ``known`` are the regions that the model lets come and go, ``names`` of all."""
    if fading is None:
        return GOOD, "All parts are there in all particles, as far as the images tell."
    if (junk := fading.all_of_it(sum(map(len, grouped.pieces)))) is not None:
        return BAD, (f"{100 * (1 - float(fading.share[junk])):.0f} % of the images have nothing of the molecule, so "
                     "nothing can be said of its parts. Train with --junk weigh, which leaves such images out.")
    text = "; ".join(_told(share, np.flatnonzero(grouped.group == group).tolist(), names)
                     for group, share in enumerate(fading.share.tolist()))  # fmt: skip
    gain = f"which explains {fading.gain:.1f} nats per image beyond motion"
    missed = [row for row, _ in _fading(fading, grouped) if row not in known]
    if not missed:
        return GOOD, f"{text[0].upper()}{text[1:]}, {gain}; the model has that."
    return BAD, (f"{text[0].upper()}{text[1:]}, {gain}; this model cannot show that {_named(missed, names)} may "
                 "be absent. Train with --decoder occupancy, and a latent dimension more.")  # fmt: skip


def judge_places(said: str, told: float, options: str, level: str, sentence: str) -> tuple[str, str]:
    """A level and a sentence of a domain's places; ``level`` and ``sentence`` of what comes and goes besides."""
    said += f"From the latents it is told in which for {100 * told:.0f} % of the particles."
    if told < LEAST_TOLD:
        level, said = BAD, f"{said} This model has not found the jump: train with {options}."
    return level, f"{said} {sentence}".rstrip()


def places_told(latents: np.ndarray, present: np.ndarray) -> float:
    """The share of the images whose place the nearest latents of others tell; of those that show it themselves.

    ``latents`` ``(m, K)``; ``present`` ``(m, g)`` the probability of each of the places.
    """
    from scipy.spatial import cKDTree

    shown = (present > SURE).sum(axis=1) == 1
    clear = np.flatnonzero(shown & np.isfinite(latents).all(axis=1))
    if len(clear) <= NEIGHBOURS:
        return 0.0
    place = present[clear].argmax(axis=1)
    scaled = latents[clear] / np.maximum(latents[clear].std(axis=0), 1e-12)
    nearest = cKDTree(scaled).query(scaled, NEIGHBOURS + 1)[1][:, 1:]
    votes = (place[nearest][:, :, None] == np.arange(present.shape[1])).sum(axis=1)
    return float(np.mean(votes.argmax(axis=1) == place))


def _told(share: float, group: Sequence[int], names: Sequence[str]) -> str:
    are = "is" if len(group) == 1 else "are together"
    return f"{_named(group, names)} {are} present in {100 * share:.0f} % of the particles"


def _named(rows: Sequence[int], names: Sequence[str]) -> str:
    return ("part " if len(rows) == 1 else "parts ") + " and ".join(names[row] for row in rows)


def _known(mass: np.ndarray, grouped: GroupedRegions, model: Model) -> list[int]:
    """The regions of which the model lets most come and go; ``mass`` ``(v,)`` of the vertices."""
    share = grouped.regions.share * mass[:, None]
    covered = model.moving_points.may_be_absent @ share / np.maximum(share.sum(axis=0), 1e-30)
    return np.flatnonzero(covered > 0.5).tolist()


def _fading(fading: Fading, grouped: GroupedRegions) -> list[tuple[int, int]]:
    """Each region that comes and goes, with its group: not those that are a domain's places."""
    return [(row, group) for row, group in grouped.fading.items() if group < len(fading.groups)]


def absent_regions(kinds: Sequence[Fading], grouped: GroupedRegions, images: int) -> np.ndarray:
    """Whether each image ``(m, r)`` lacks each region; the groups are of these ``kinds``, one after the other."""
    absent = np.zeros((images, len(grouped.group)), bool)
    present = [column for kind in kinds for column in kind.present.cpu().numpy().T]
    for row, group in grouped.fading.items():
        absent[:, row] = present[group] < 0.5
    return absent


def _row(amount: np.ndarray, error: np.ndarray, share: float | None, place: bool) -> str:
    spread = max(float(amount.var() - np.mean(error**2)), 0.0) ** 0.5
    if share is not None:
        there = f"present in {100 * share:.0f} %"
    else:
        there = "a place of the domain that jumps" if place else "always there"
    return f"{there}; amount varies by {spread:.2f} beyond noise"
