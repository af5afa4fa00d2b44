"""The report of a training: is the motion real, how large is it, and what else was found."""

from __future__ import annotations

from pathlib import Path

from ...explore.motion_numbers import MotionNumbers, part_label
from ...explore.verdict import NOT_MEASURED, Verdict, angstroms, judge_motion, with_error
from ...figures.report_page import Grid, Page, Picture, Section
from . import report_texts as texts
from .report_records import share
from .training_facts import TrainingFacts

# pictures of a training, in the order in which they are shown
_PICTURES = (
    ("gain.png", "What motion explains of images that were held out, shell by shell."),
    ("agreement.png", "How two models of independent halves agree, and where."),
    ("amplitude.png", "How far particles move, and which places of the molecule."),
    ("flow.png", "Where the density goes along the first latent axis."),
    ("maps.png", "Maps along the first latent axis."),
    ("latents.png", "Where the particles lie in latent space."),
    ("history.png", "How the training went, pass by pass."),
)
NO_VALUE = "not measured"


def training_page(folder: Path) -> Page:
    """The page of a train job that has a model; ``InputError`` where it has none."""
    facts = TrainingFacts(folder)
    verdict = judge_motion(facts.motion)
    return Page(
        f"FlexRec: training {folder.name} of project {folder.absolute().parent.name}",
        verdict.level,
        verdict.sentence,
        (
            evidence_section(verdict),
            Section("In numbers", (), _numbers(facts)),
            *_part_section(facts.motion),
            Section("Pictures", (), None, _pictures(facts)),
            Section("How the numbers were made", (), Grid(("number", "how it was made"), _explained(facts))),
        ),
        unfinished(facts),
    )


def unfinished(facts: TrainingFacts) -> tuple[str, ...]:
    """What a reader must know of a training that is not at its end."""
    if facts.finished:
        return ()
    return (f"This training is not finished: the numbers are those {facts.model.progress}, and will change. Run "
            f"flexrec report {facts.folder.name} again when it is done.",)  # fmt: skip


def evidence_section(verdict: Verdict) -> Section:
    """What the tests say, one a line."""
    rows = tuple((each.name, "not made" if each.stance == NOT_MEASURED else _STANCE_WORDS[each.stance], each.sentence)
                 for each in verdict.evidence)  # fmt: skip
    advice = (verdict.advice,) if verdict.advice else ()
    return Section("Is the motion real?", advice, Grid(("test", "speaks", "what it says"), rows))


_STANCE_WORDS = {"for": "for the motion", "against": "against it", "open": "decides nothing"}


def _numbers(facts: TrainingFacts) -> Grid:
    model, motion, errors = facts.model, facts.motion, facts.pose_errors
    held_out, null = motion.held_out, motion.null
    count = len(model.latents)
    rows = [
        ("Particles", f"{count:,}" + (f", of which {len(facts.members):,} count" if facts.junk else "")),
        ("Training", f"{model.kind}, {model.latent_dims} latent dimension(s), {model.progress}"),
        *(("Model", sentence) for sentence in model.notes),
        ("Map", f"{model.box} voxels of {model.pixel_size:.3g} Å"),
        ("Motion", angstroms(motion.motion) if motion.motion is not None else "none: density comes and goes"),
        ("Gain on fitted images", _nats(facts.fitted_gain)),
        ("Held-out gain", NO_VALUE if held_out is None else _per_image(held_out.gain, held_out.error)),
        ("Null test", NO_VALUE if null is None else f"{_per_image(null.real.gain, null.real.error)}; a "
         f"rigid molecule gives {with_error(null.rigid.gain, null.rigid.error)}"),
        ("Resolution", NO_VALUE if facts.resolution is None else angstroms(facts.resolution)),
        ("Errors of poses", NO_VALUE if errors is None else f"{errors[0]:.2f}° and {errors[1]:.2f} Å along each axis"),
        ("Not particles", share(facts.junk)),
        ("Strain", share(facts.strain)),
        ("Unknown share of the latents", share(facts.unknown)),
    ]  # fmt: skip
    return Grid(("number", "value"), tuple(rows))


def _per_image(value: float, error: float) -> str:
    return f"{with_error(value, error)} nats per image"


def _nats(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.3g} nats per image"


def _part_section(motion: MotionNumbers) -> tuple[Section, ...]:
    if len(motion.parts) < 2:
        return ()
    agreement, parts = motion.agreement, motion.agreement.parts if motion.agreement else ()
    rows = []
    for place, size in enumerate(motion.parts):
        apart = angstroms(parts[place][0]) if agreement and place < len(parts) else NO_VALUE
        rows.append((f"part {part_label(place, motion.labels)}", angstroms(size), apart))
    return (Section("Part by part", (), Grid(("part of the mesh", "motion", "halves agree to"), tuple(rows))),)


def _pictures(facts: TrainingFacts) -> tuple[Picture, ...]:
    """Those that are there: of the null test, of the training, and whatever else it has drawn."""
    named = dict(_PICTURES)
    pictures = [Picture(facts.folder / name, caption) for name, caption in _PICTURES if (facts.folder / name).is_file()]
    others = [Picture(path, path.stem.replace("_", " ")) for path in sorted(facts.folder.glob("*.png"))
              if path.name not in named]  # fmt: skip
    null = [] if facts.null_job is None else [facts.null_job / "null.png"]
    tests = [Picture(path, f"The null test, {path.parent.name}.") for path in null if path.is_file()]
    return (*tests, *others, *pictures)


def _explained(facts: TrainingFacts) -> tuple[tuple[str, str], ...]:
    explanations = [texts.MOTION, texts.FITTED_GAIN, texts.HELD_OUT, texts.HALVES, texts.NULL, texts.RESOLUTION]
    return (*explanations, texts.POSES, texts.JUNK, texts.STRAIN, texts.UNKNOWN)
