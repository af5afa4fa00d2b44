"""Are latents piled up at a border, or collapsed? By their distribution and their posteriors alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import InputError
from ...explore.latent_spread import LatentSpread, latent_spread
from ..job_folder import JobRun
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from .finished_training import finished_training
from .keep_finding import keep_finding

PICTURE = "border.png"
WELL_DETERMINED, UNDETERMINED = 0.5, 0.2  # share of a dimension from images: half is a fine one, a fifth nearly nothing
PILED, FAR_PILED = 2.0, 4.0  # times denser at the border than in the middle: a uniform distribution has 1
FEWEST = 50
READING = (
    "Latents are turned to the axes that the images tell most of. A share told of 1 means that each image says "
    "exactly where its particle is on that axis, 0 that the places are noise. The curve is the normal distribution: "
    "latents of noise alone follow it, a motion need not. A peak at an end of an axis is a state of its own, or "
    "particles that training has pushed against a border; look at the maps there (flexrec volume) to tell."
)


def run(model: Path, device: str, job: JobRun) -> None:
    """Write border.json and border.png."""
    from ...figures.border_figure import draw_border

    training = finished_training(model)
    rows = training.members
    if len(rows) < FEWEST:
        raise InputError(f"model: {training.folder.name} has {len(rows)} particles; fewer than {FEWEST} have no "
                         "distribution to speak of.")  # fmt: skip
    precision = training.model.precision
    spread = latent_spread(training.model.latents[rows], None if precision is None else precision[rows])
    level, sentence = judge(spread)
    with job.output(PICTURE) as path:
        draw_border(path, spread, sentence)
    finding = Finding("border", level, sentence, READING, _rows(spread), ((PICTURE, ""),), _numbers(spread))
    keep_finding(job, finding, training)


def judge(spread: LatentSpread) -> tuple[str, str]:
    """A level and a sentence."""
    dims, determined = len(spread.determined), spread.determined
    used = f"of {dims} latent dimension{'s' * (dims > 1)}, {spread.effective:.1f} are told by the images"
    if np.isfinite(determined).all() and (determined < UNDETERMINED).all():
        return BAD, f"The latents have collapsed: {used}, and a particle's place is noise."
    at = np.unravel_index(int(spread.pile.argmax()), spread.pile.shape)
    pile = float(spread.pile[at])
    if pile > FAR_PILED and not _is_state(spread, int(at[0])):
        return BAD, (f"Particles are piled up at an end of latent axis {at[0] + 1}, {pile:.1f} times denser than in "
                     "the middle: pushed against a border, or a state of their own.")  # fmt: skip
    if pile > PILED:
        return DOUBTFUL, (f"Particles gather at an end of latent axis {at[0] + 1}, {pile:.1f} times denser than in the "
                          "middle: a state of their own, or a border.")  # fmt: skip
    if (determined < UNDETERMINED).any():
        return DOUBTFUL, f"Not every latent dimension is used: {used}; fewer dimensions would do."
    if np.isfinite(determined).all() and (determined < WELL_DETERMINED).any():
        return DOUBTFUL, f"Images say little of some latents: {used}, and single particles are badly placed there."
    words = used if np.isfinite(determined).all() else "the training gives no uncertainty of latents"
    return GOOD, f"Latents are neither piled up nor collapsed: {words}."


def _is_state(spread: LatentSpread, axis: int) -> bool:
    """Whether both ends of an axis are dense, as of two states."""
    return bool(spread.pile[axis].min() > PILED)


def _rows(spread: LatentSpread) -> tuple[tuple[str, str], ...]:
    rows = []
    for axis in range(len(spread.determined)):
        share = "unknown" if np.isnan(spread.determined[axis]) else f"{spread.determined[axis]:.2f}"
        low, high = spread.pile[axis]
        rows.append((f"axis {axis + 1}", f"told by images {share}; denser at its ends than in the middle {low:.2f}, "
                     f"{high:.2f} times; skewness {spread.skewness[axis]:.2f}, excess kurtosis "
                     f"{spread.kurtosis[axis]:.2f}, distance from normal {spread.distance[axis]:.3f}"))  # fmt: skip
    if np.isfinite(spread.wide):
        rows.append(("particles with a posterior as wide as the prior", f"{100 * spread.wide:.1f} %"))
    return tuple(rows)


def _numbers(spread: LatentSpread) -> dict:
    return {"told": spread.determined.tolist(), "effective": spread.effective, "pile": spread.pile.tolist(),
            "skewness": spread.skewness.tolist(), "kurtosis": spread.kurtosis.tolist(),
            "distance": spread.distance.tolist(), "wide": spread.wide}  # fmt: skip
