"""The report of a reconstruction: what the motion did to the map, and where it made it worse, why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...explore.map_gain import Resolutions, doubt_clause, gain_clause, map_clause, worse
from ...explore.motion_numbers import MotionNumbers
from ...explore.verdict import NOT_BEYOND_NOISE, Verdict, angstroms, judge_motion
from ...explore.worse_map_causes import LIKELY, MapNumbers, worse_map_causes
from ...figures.report_page import Grid, Page, Picture, Section
from ...mesh.map_files import read_map
from ...mesh.voxels import mask_on_grid
from ..record import read_record
from . import report_texts as texts
from .report_records import number, read_values
from .training_facts import TrainingFacts
from .training_report import evidence_section, unfinished

RECORD, RIGID_MAP, BACKPROJECTION = "reconstruct.json", "rigid_map.mrc", "backprojection.mrc"
WHOLE = "all of the molecule"
RIGID_LEVEL = "rigid map"


def reconstruction_page(folder: Path) -> Page:
    """The page of a reconstruct job that is done; ``InputError`` where it has written no record, or one of states."""
    record = read_values(folder / RECORD)
    if not record:
        raise InputError(f"{folder}: has no {RECORD} yet; wait until the job is done, or resume it.")
    if "points" in record:
        raise InputError(f"{folder.name} is of states, each a map of its own, and has no report; look at its pictures "
                         f"and its {RECORD}.")  # fmt: skip
    title = f"FlexRec: reconstruction {folder.name} of project {folder.absolute().parent.name}"
    notes = tuple(f"Warning: {text}" for text in record.get("warnings", ()) if isinstance(text, str))
    facts = _facts(folder)
    if not isinstance(record.get("rigid"), dict):
        return _page_without_twin(title, folder, record, notes, facts)
    places = resolutions(record)
    verdict = judge_motion(facts.motion if facts else MotionNumbers(None))
    explained = _explained(record)
    doubt = doubt_clause(verdict.level, places, *explained, independent=bool(record.get("independent")))
    clauses = filter(None, (map_clause(places), gain_clause(*explained)))
    sentence = "; ".join((verdict.sentence.rstrip("."), *clauses)) + (f", {doubt}." if doubt else ".")
    sections = (
        *_worse_sections(folder, record, places, facts),
        _resolution_section(places),
        *_evidence(verdict, facts),
        Section("In numbers", (), _numbers(record, facts)),
        Section("Pictures", (), None, _pictures(folder)),
        _how((texts.MAP_RESOLUTION, texts.OTHER_HALF, texts.MOTION, texts.HELD_OUT, texts.HALVES, texts.NULL)),
    )
    return Page(title, verdict.level, sentence, sections, (*notes, *(unfinished(facts) if facts else ())))


def resolutions(record: dict[str, Any]) -> tuple[Resolutions, ...]:
    """Of the whole, then of each part, as reconstruct.json has them; masked and corrected where that was measured."""
    rigid = record["rigid"] if isinstance(record.get("rigid"), dict) else {}
    pairs = [Resolutions(WHOLE, _resolution(record), _resolution(rigid))]
    own, other = (_parts(each) for each in (record, rigid))
    return (*pairs, *(Resolutions(f"part {name}", own[name], other[name]) for name in own if name in other))


def _explained(record: dict[str, Any]) -> tuple[float | None, float | None]:
    """Nats of an image of the other half that a half-map under motion explains, and one at rest."""
    moved, rigid = (_within(_within(record, "solved"), kind) for kind in ("moved", "rigid"))
    return number(moved, "explained"), number(rigid, "explained")


def _within(record: dict[str, Any], name: str) -> dict[str, Any]:
    """What a record has of that name; nothing where that is no table."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _resolution(record: dict[str, Any]) -> float | None:
    """In a mask and corrected, where that was measured, else without one; None: nowhere."""
    masked = "masked_resolution_0.143"
    return number(record, masked if masked in record else "resolution_0.143")


def _parts(record: dict[str, Any]) -> dict[str, float | None]:
    parts = record.get("part_resolution_0.143")
    return {str(name): number(parts, name) for name in parts} if isinstance(parts, dict) else {}


def _page_without_twin(
    title: str, folder: Path, record: dict[str, Any], notes: tuple[str, ...], facts: TrainingFacts | None
) -> Page:
    """Of a rigid map, the map is all there is to tell of; of one under motion, whether that is real comes first."""
    resolution = _resolution(record)
    limit = "nowhere" if resolution is None else f"to {angstroms(resolution)}"
    shown = (Section("In numbers", (), _numbers(record, facts)), Section("Pictures", (), None, _pictures(folder)))
    if facts is None:
        sentence = f"The half-maps of a rigid molecule agree {limit}."
        return Page(title, RIGID_LEVEL, sentence, (*shown, _how((texts.MAP_RESOLUTION,))), notes)
    verdict = judge_motion(facts.motion)
    noise = verdict.level == NOT_BEYOND_NOISE and not record.get("independent")
    doubt = ", as fitting noise lets them too, so solve the rigid map beside it (--twin)" if noise else ""
    sentence = (f"{verdict.sentence.rstrip('.')}; the half-maps of a molecule that moves as {facts.folder.name} says "
                f"agree {limit}{doubt}.")  # fmt: skip
    how = _how((texts.MAP_RESOLUTION, texts.MOTION, texts.HELD_OUT, texts.HALVES, texts.NULL))
    return Page(title, verdict.level, sentence, (*_evidence(verdict, facts), *shown, how), (*notes, *unfinished(facts)))


def _evidence(verdict: Verdict, facts: TrainingFacts | None) -> tuple[Section, ...]:
    if facts is None:
        return (Section("Is the motion real?", ("The training whose motion was used is not there any more, so nothing "
                        "is known of it here.",)),)  # fmt: skip
    return (evidence_section(verdict),)


def _resolution_section(places: tuple[Resolutions, ...]) -> Section:
    def text(value: float | None) -> str:
        return "nowhere" if value is None else angstroms(value)

    rows = tuple((each.where, text(each.rigid), text(each.moved), _change(each)) for each in places)
    return Section("The map, rigid and under motion", (), Grid(("where", "rigid", "under motion", "change"), rows))


def _change(each: Resolutions) -> str:
    return "finer" if each.change > 0 else "coarser" if each.change < 0 else "alike"


def _worse_sections(
    folder: Path, record: dict[str, Any], places: tuple[Resolutions, ...], facts: TrainingFacts | None
) -> tuple[Section, ...]:
    """Nothing where the map is nowhere worse."""
    lost = worse(places)
    if not lost:
        return ()
    causes = worse_map_causes(map_numbers(folder, record, facts))
    likely = [cause.name for cause in causes if cause.level == LIKELY]
    where = "; ".join(each.text() for each in lost)
    summary = f"Most likely: {', then '.join(likely)}." if likely else "None of the usual causes shows in the numbers."
    rows = tuple((cause.name, cause.level, cause.sentence) for cause in causes)
    return (Section("Why is it worse?", (f"The map under motion is coarser than the rigid one: {where}. {summary}",),
                    Grid(("cause", "how likely", "what speaks for that"), rows)),)  # fmt: skip


def map_numbers(folder: Path, record: dict[str, Any], facts: TrainingFacts | None) -> MapNumbers:
    """What may explain a worse map."""
    counts = record.get("halves")
    particles = sum(counts) if isinstance(counts, list) and all(isinstance(n, int) for n in counts) else None
    numbers = MapNumbers(MotionNumbers(None), _resolution(record["rigid"]), particles=particles)
    if facts is None:
        return numbers
    return replace(
        numbers, motion=facts.motion, strain=facts.strain, rigidity=number(facts.about, "rigidity") or 1.0,
        unknown=facts.unknown, cut=_cut(folder, facts), pose_error=facts.pose_error,
        poses_corrected=facts.pose_error is not None, junk=facts.junk,
    )  # fmt: skip


def _cut(folder: Path, facts: TrainingFacts) -> float | None:
    """Share of the molecule's density outside the mesh's mask: of the positive density above the noise.

    Looked at is prep's back-projection, which no mask has cut; the rigid map where that is gone.
    """
    prepared = facts.about.get("prepared")
    uncut = facts.folder / prepared / BACKPROJECTION if isinstance(prepared, str) else None
    path = uncut if uncut is not None and uncut.is_file() else folder / RIGID_MAP
    if not path.is_file() or facts.model.moving is None:
        return None
    try:
        volume, pixel_size = read_map(path)
    except InputError:
        return None
    inside = mask_on_grid(facts.model.moving_points.mesh, len(volume), pixel_size)
    floor = 3 * 1.4826 * float(np.median(np.abs(volume - np.median(volume))))  # three robust standard deviations
    strong = np.where(volume > floor, volume, 0)
    total = float(strong.sum())
    return float(strong[~inside].sum()) / total if total > 0 else None


def _facts(folder: Path) -> TrainingFacts | None:
    """Of the training whose motion was used; None where there is none, or it is gone."""
    try:
        model = read_record(folder)["inputs"].get("model")
        facts = TrainingFacts((folder.parent / model).resolve()) if model else None
        if facts is not None:
            facts.model.latent_dims  # noqa: B018 - opened now, so that a model that is gone is noticed here
        return facts
    except (InputError, OSError, TypeError, AttributeError):
        return None


def _numbers(record: dict[str, Any], facts: TrainingFacts | None) -> Grid:
    counts = record.get("halves")
    halves = " + ".join(f"{n:,}" for n in counts) if isinstance(counts, list) else "not known"
    rows = [
        ("Particles of the halves", halves),
        ("Of", str(record.get("particles", "not known")) + (f", selection {record['selection']}"
                                                            if record.get("selection") else "")),
        ("Map", f"{record.get('box')} voxels of {number(record, 'pixel_size') or 0:.4g} Å"),
        ("Resolution without a mask", _text(number(record, "resolution_0.143"))),
        ("Resolution in a mask, corrected", _text(number(record, "masked_resolution_0.143"))),
    ]  # fmt: skip
    if isinstance(record.get("independent"), bool):
        rows.append(("Halves", "each moved by the model of its own half" if record["independent"] else
                     "both moved by one model, which has seen all images: they may agree a little too well"))
    for name, nats in zip(("under motion", "at rest"), _explained(record)):
        if nats is not None:
            rows.append((f"An image of the other half is explained, {name}", f"by {nats:.1f} nats"))
    if facts is not None:
        rows.append(("Motion", f"of {facts.folder.name}, {facts.model.progress}"))
    return Grid(("number", "value"), tuple(rows))


def _text(value: float | None) -> str:
    return "not measured, or nowhere" if value is None else angstroms(value)


def _pictures(folder: Path) -> tuple[Picture, ...]:
    return tuple(Picture(path, path.stem.replace("_", " ")) for path in sorted(folder.glob("*.png")))


def _how(explained: tuple[tuple[str, str], ...]) -> Section:
    return Section("How the numbers were made", (), Grid(("number", "how it was made"), explained))
