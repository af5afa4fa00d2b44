"""``flexrec compare``: how far two models of the same particles agree, whichever programs trained them."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import disk_error_text
from ..parameters import parameter
from .action import Action
from .action_scene import Scene, Table

if TYPE_CHECKING:
    from ..explore.compare_trainings import Comparison
    from ..explore.trained_model import Trained


_MUCH_BY_CHANCE = 0.3  # of a canonical correlation


@dataclass(frozen=True)
class Compare:
    """With what."""

    other: str = parameter(
        positional=True,
        help="another model of the same particles: a train job's number, name or folder, another program's folder, or "
        "an open model",
    )
    maps: int = parameter(12, low=0, high=1000, unit="particles", help="whose maps are compared; 0: none")


def compare(scene: Scene, asked: Compare) -> dict[str, Any]:
    """How far the model agrees with another one of the same particles; which particles these are is in their columns.
    """
    from ..explore import compare_trainings

    trained, other = scene.trained, scene.other_training(asked.other)
    if trained.folder.resolve() == other.folder.resolve() and trained.model.epoch == other.model.epoch:
        scene.say(f"{trained.folder.name} is compared with itself, and so agrees; name another model.")
    result = compare_trainings.compare(
        trained, other, asked.maps, lambda step, total: scene.progress("comparing maps:", step, total))
    caption = f"Agreement of {trained.folder.name} and {other.folder.name}"
    rows, lines = _facts(trained, other, result)
    scene.show_table(Table(caption, ("what", "value"), rows, tuple(lines)))
    _keep(scene, trained, other, result)
    return {field.name: getattr(result, field.name) for field in fields(result) if field.name not in ("rows", "alike")}


def _facts(trained: Trained, other: Trained, result: Comparison) -> tuple[list[tuple[str, object]], list[str]]:
    """Rows of a table, and the same as lines."""
    import numpy as np

    correlation = " ".join(f"{value:.2f}" for value in result.correlation) + _by_chance(trained, other, result)
    alike = f"{np.median(result.alike):.2f} at the median, more than 0.5 for {100 * np.mean(result.alike > 0.5):.0f}%"
    rows: list[tuple[str, object]] = [
        ("particles in common", result.particles), ("matched by", result.by),
        ("canonical correlations of the latents", correlation), ("particles placed alike", alike),
    ]  # fmt: skip
    lines = [f"{result.particles} particles in common, matched by {result.by}",
             f"latents: canonical correlations {correlation}", f"particles placed alike: {alike}"]  # fmt: skip
    if result.maps is not None:
        maps = result.maps
        sharp = "nowhere" if maps.resolution is None else f"to {maps.resolution:.1f} Å"
        change = f", of what changes {maps.change:.2f}" if maps.count > 1 else ""  # in one map nothing changes
        text = f"CC {maps.cc:.2f}{change}; FSC above 0.5 {sharp}"
        rows.append((f"maps of {maps.count} particles", text))
        lines.append(f"maps of {maps.count} particles: {text}")
    if result.given is not None:
        text = (f"best met {result.given.distance:.2f} Å from where their latents say, of {result.given.motion:.2f} Å "
                f"that the model moves between them; CC {result.given.cc:.2f}")  # fmt: skip
        rows.append((f"{result.given.count} given maps", text))
        lines.append(f"{result.given.count} given maps of {other.folder.name}: {text}")
    if result.motion is not None:
        first, second = (f"{value:.2f} Å" for value in result.motion)
        difference, agreement = f"{result.difference:.2f} Å", f"{result.agreement:.2f}"
        rows += [("motion", f"{first} and {second}"), ("difference", difference), ("agreement", agreement)]
        lines.append(f"motion: {first} in {trained.folder.name}, {second} in {other.folder.name}; they differ by "
                     f"{difference}, agreement {agreement}")  # fmt: skip
    return rows, lines


def _by_chance(trained: Trained, other: Trained, result: Comparison) -> str:
    """Where particles are few for so many dimensions, what latents that know nothing of one another would reach."""
    from ..explore.motion_agreement import correlation_by_chance

    chance = correlation_by_chance(result.particles, trained.latents.shape[1], other.latents.shape[1])
    return f" (of unrelated latents of so few particles about {chance:.2f})" if chance > _MUCH_BY_CHANCE else ""


def _keep(scene: Scene, trained: Trained, other: Trained, result: Comparison) -> None:
    """The columns of both models, and the picture; where another program's folder may not be written to, that is said.
    """
    from ..explore.compared_file import keep_comparison
    from ..figures.comparison_figure import draw_comparison

    try:
        keep_comparison(trained, other, result)
        picture = _picture_of(trained, other)
        draw_comparison(picture, trained, other, result)
    except OSError as error:
        scene.say(f"The columns and the picture are not kept: {disk_error_text(error)}")
        return
    scene.say(f"the columns alike and other_pc1 … can be plotted, coloured and selected by; picture: {picture}")


def _picture_of(trained: Trained, other: Trained) -> Path:
    from ..explore.results import FOLDER

    return trained.folder / FOLDER / f"compared_{re.sub(r'[^A-Za-z0-9_.-]', '_', other.folder.name)}.png"


COMPARE = Action(
    "compare", "How far two models of the same particles agree, whichever programs trained them", compare, Compare,
    about="Particles are matched by cryoSPARC's uid or by the names of their images, never by row alone. Compared are "
    "the latents (canonical correlations), the maps of some particles (on the coarser grid: their correlation, that of "
    "what changes from particle to particle, and their FSC), and, where both models move, the motions in ångströms; of "
    "maps that the other program has written (3D Flex's series, a folder of maps), how many ångströms this model's "
    "state that fits each best is away from the one that its latents name. "
    "For each particle alike says whether both place it alike, from 0, by chance, to 1; it is a column of both models, "
    "as are other_pc1, other_pc2 …, where the other model has the same particles: plot them, or select by them "
    "(flexrec select name same where 'alike > 0.5'). In a window it goes on while you do other things; flexrec cancel "
    "ends it.",
    takes_long=lambda trained, asked: True,
)  # fmt: skip

SECTION = "Particles and states"
ACTIONS = (COMPARE,)
