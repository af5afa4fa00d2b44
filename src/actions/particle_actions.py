"""``flexrec select``, ``selections``, ``save particles`` and ``images``: which particles, and where they go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..parameters import READ, READ_FOLDER, WRITE, parameter
from .action import Action
from .action_scene import Link, Scene, Table
from .latent_actions import FEW_STATES
from .text_forms import COLOUR, POINT

if TYPE_CHECKING:
    from ..particles.selection import Selection

_JOINED = "joined with earlier selections, in this order"
FAR = 1e9  # of a radius, Å or latent units


def _earlier(help_text: str) -> tuple[str, ...]:
    return parameter((), repeated=True, group=_JOINED, help=f"{help_text}; may be given several times")


@dataclass(frozen=True)
class Select:
    """Which particles: those for which all that is given holds."""

    name: str = parameter(help="of the selection; one of that name is replaced")
    lasso: Path | None = parameter(None, path=READ, help="inside an outline: a table of x and y in the plot of axes")
    axes: str = parameter("pc1,pc2", help="of lasso: any two columns")
    box: str | None = parameter(None, help="columns within bounds", example="z1=-1:1,defocus=9e3:2e4")
    cluster: str | None = parameter(None, help="of these clusters", example="1,3")
    where: str | None = parameter(None, help="a condition", example="defocus > 15000 and not class == 2")
    near: str | None = parameter(None, form=POINT, help="near points")
    count: int | None = parameter(None, low=1, help="this many particles, the nearest to each point of near")
    radius: float | None = parameter(None, low=0, high=FAR, help="all within this distance of near")
    in_angstroms: bool = parameter(False, help="distances of near in ångströms of motion instead of latent units")
    invert: bool = parameter(False, help="all the others")
    and_: tuple[str, ...] = _earlier("only those also in this selection")
    or_: tuple[str, ...] = _earlier("and those in this selection")
    not_: tuple[str, ...] = _earlier("but none in this selection")
    color: str | None = parameter(None, form=COLOUR, help="to show it in; if omitted, one that is free")
    export: Path | None = parameter(None, path=WRITE, help="write its particles too: as flexrec save particles does")


def select(scene: Scene, asked: Select) -> dict[str, Any]:
    """Select particles, and keep the selection."""
    from ..explore import make_selection
    from ..explore.bounds import read_box, whole_numbers

    chosen = make_selection.select(
        scene.trained, asked.name, lasso=asked.lasso, axes=asked.axes.split(","), box=read_box(asked.box),
        clusters=whole_numbers(asked.cluster), where=asked.where, near=asked.near, count=asked.count,
        radius=asked.radius, in_angstroms=asked.in_angstroms, invert=asked.invert, both=asked.and_, either=asked.or_,
        without=asked.not_, colour=asked.color,
    )  # fmt: skip
    _show(scene, f"Selection {asked.name}", [chosen])
    if asked.export is not None:
        note = _write(scene, chosen, asked.export)
        scene.say(f"{len(chosen)} particles written to {asked.export}")
        if note:
            scene.say(note)
    return _facts(chosen)


def _show(scene: Scene, caption: str, selections: list[Selection]) -> None:
    rows = [
        (Link(chosen.name, f'flexrec volume selection "{chosen.name}"'), f"{len(chosen)} of {chosen.count}",
         f"{100 * len(chosen) / chosen.count:.1f}%", chosen.colour, chosen.made)
        for chosen in selections
    ]  # fmt: skip
    lines = tuple(f"{name}  {size} ({share})  {colour}  {made}" for name, size, share, colour, made in rows)
    scene.show_table(Table(caption, ("selection", "particles", "share", "colour", "how"), rows, lines))


def _write(scene: Scene, chosen: Selection, file: Path) -> str:
    from ..explore.export import save_particles

    return save_particles(scene.trained, chosen, file)


def _facts(chosen: Selection) -> dict[str, Any]:
    """All but which particles these are, of which there may be millions: the project's file has them."""
    return {"name": chosen.name, "particles": len(chosen), "of": chosen.count, "colour": chosen.colour,
            "made": chosen.made}  # fmt: skip


SELECT = Action(
    "select", "Select particles, and keep the selection in the project", select, Select,
    takes_long=lambda trained, asked: asked.in_angstroms and len(trained.latents) > FEW_STATES,
    about="All that is given must hold; where nothing is, all particles are meant. Particles without a number in a "
    "column fulfil no condition on it, nor the contrary of one, and those without latent numbers are in no cluster. "
    "What is selected is then joined with earlier selections: and, or, not, in this order. It is listed with a link "
    "to the map of its middle.",
)  # fmt: skip


@dataclass(frozen=True)
class Selections:
    """Which selection is deleted first."""

    remove: str | None = parameter(None, help="delete this one first")


def list_selections(scene: Scene, asked: Selections) -> list[dict[str, Any]]:
    """The selections of the project; one may be deleted first."""
    from ..particles.selection import load_selection, remove_selection, selection_names

    if asked.remove is not None:
        remove_selection(scene.project, asked.remove)
    selections = [load_selection(scene.project, name) for name in selection_names(scene.project)]
    if selections:
        _show(scene, "Selections", selections)
    else:
        scene.show_table(Table("", (), (), ("no selections yet",)))
    return [_facts(chosen) for chosen in selections]


SELECTIONS = Action("selections", "List the selections of the model's project", list_selections, Selections)


@dataclass(frozen=True)
class SaveParticles:
    """Which particles, and where to."""

    file: Path = parameter(positional=True, path=WRITE, help=".star, .cs, or row numbers as .txt, .npy, .npz or .pkl")
    selection: str = parameter(help="which particles")


def save_particles(scene: Scene, asked: SaveParticles) -> dict[str, Any]:
    """Write a selection's particles."""
    from ..explore.selection_state import selected

    chosen = selected(scene.trained, asked.selection)
    note = _write(scene, chosen, asked.file)
    scene.wrote(asked.file, f"{len(chosen)} particles of {chosen.name} written to {asked.file}")
    if note:
        scene.say(note)
    return _facts(chosen)


SAVE_PARTICLES = Action(
    "save particles", "Write the particles of a selection", save_particles, SaveParticles,
    about="They are rows of the particle file that prep was given, with all its columns. Where that file is gone, a "
    ".star is of prep's own particles and images. A .pkl is the array of row numbers that cryoDRGN takes as --ind.",
)  # fmt: skip


@dataclass(frozen=True)
class Images:
    """Where the images are."""

    folder: Path = parameter(positional=True, path=READ_FOLDER, help="where the particle file and its stacks are now")


def use_images(scene: Scene, asked: Images) -> None:
    """Say in which folder the particle images are now."""
    from ..explore.particle_images import use_folder

    scene.say(use_folder(scene.trained, asked.folder))


IMAGES = Action(
    "images", "Say in which folder the particle images are now", use_images, Images,
    about="The project remembers it. Stacks are looked for with the folders that the particle file names, then by file "
    "name alone.",
)  # fmt: skip

SECTION = "Particles and states"
ACTIONS = (SELECT, SELECTIONS, SAVE_PARTICLES, IMAGES)
