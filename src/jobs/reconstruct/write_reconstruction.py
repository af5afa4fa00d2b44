"""The end of every reconstruction: maps, pictures, resolution, and the record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...engine.maps.fsc import THRESHOLD
from ...engine.maps.half_pair import HalfPair
from ...engine.maps.reconstruction import Reconstruction
from ...figures.reconstruct_figure import draw_reconstruction
from ...mesh.map_files import write_map
from ..job_folder import JobRun
from .reconstruct_parameters import MAP
from .reconstructed_files import TWIN_MAP
from .resolution_files import write_resolution
from .resolution_request import ResolutionRequest

FEWEST_TRUSTED = 10  # particles of a half, whose slices leave gaps in Fourier space
MOST_UNLIKE = 3.0  # times as many particles in one half as in the other


def write_reconstruction(
    result: Reconstruction,
    twin: Reconstruction | None,
    pixel_size: float,
    request: ResolutionRequest,
    record: dict[str, Any],
    job: JobRun,
) -> None:
    """map.mrc, reconstruct.png, what `write_resolution` does, and reconstruct.json, which has the ``record`` too: its
    ``halves`` are the numbers of particles, its ``warnings``, if any, stand before those that follow from the maps.

    ``twin`` is the rigid molecule's beside that under motion; the half-maps are written already.
    """
    counts = record["halves"]
    doubts = [*record.get("warnings", ()), *half_doubts(counts)]
    for doubt in doubts:
        job.log(f"Warning: {doubt}")
    for each, name, what in ((result, MAP, ""), (twin, TWIN_MAP, "At rest: ")):
        if each is not None:
            job.log(what + agreement_text(each, counts))
            with job.output(name) as path:
                write_map(path, each.mean, pixel_size, request.centre)
    with job.output("reconstruct.png") as path:
        draw_reconstruction(path, result, pixel_size, counts, record["selection"], "model" in record, twin)
    beside = None if twin is None else _pair(twin, pixel_size)
    quality = write_resolution(_pair(result, pixel_size), request, job, beside)
    doubts += quality["warnings"]
    about = {"box": len(result.mean), "pixel_size": pixel_size, **record, **quality, "warnings": doubts}
    with job.output("reconstruct.json") as path:
        path.write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def half_doubts(counts: tuple[int, int]) -> Iterator[str]:
    """What is doubtful about halves of so many particles, in sentences."""
    fewer, more = sorted(counts)
    sizes = f"the halves have {counts[0]} and {counts[1]} particles"
    if fewer < FEWEST_TRUSTED:
        yield (f"Only few particles: {sizes}, and with fewer than {FEWEST_TRUSTED} in one, most directions are empty "
               "in its map, so that the half-maps may agree by chance; take more.")  # fmt: skip
    if more > MOST_UNLIKE * fewer:
        even = 4 * fewer * more / (fewer + more)
        yield (f"Unlike halves: {sizes}. Maps made of the mean of both half-maps, such as the one to deposit, are as "
               f"noisy as those of {even:.0f} particles in even halves, and their resolution is that of neither half; "
               "give the particles even halves (_rlnRandomSubset), or none, and they are drawn at random.")  # fmt: skip


def _pair(result: Reconstruction, pixel_size: float) -> HalfPair:
    return HalfPair(result.first, result.second, pixel_size)


def agreement_text(result: Reconstruction, counts: tuple[int, int]) -> str:
    """How far the half-maps of so many particles agree."""
    halves = f"half-maps of {counts[0]} and {counts[1]} particles"
    if result.resolution is None:
        return f"Warning: the {halves} agree nowhere (FSC {THRESHOLD}, no mask); take more particles."
    limit = " (as fine as these images go)" if result.fsc[1:].min() >= THRESHOLD else ""
    return (
        f"The {halves} agree to {result.resolution:.1f} Å{limit}: FSC {THRESHOLD}, no mask but the sphere in the box."
    )
