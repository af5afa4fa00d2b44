"""``flexrec open``, ``demo`` and ``volume``: a trained model, and its map at a point."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..parameters import WRITE_FOLDER, parameter
from ..reading import BETWEEN, FORMATS, Reading
from .action import SCENE, VIEW, Action
from .action_scene import Scene
from .text_forms import POINT

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Open:
    """What is opened."""

    path: Path = parameter(
        positional=True,
        help="the folder of a project, of a train or reconstruct job (in the project its number will do), cryoDRGN's, "
        "RECOVAR's, 3D Variability's or 3D Flex's, or one of maps with a table of latents",
    )
    epoch: int | None = parameter(None, low=0, help="which epoch of a folder that keeps several; else the newest")
    zdim: int | None = parameter(None, low=1, help="how many latent dimensions, of RECOVAR's that keeps several")
    format: str | None = parameter(None, choices=FORMATS, help="whose files they are; if omitted, what lies there says")
    between: str | None = parameter(
        None, choices=BETWEEN,
        help="of a folder of maps, what is shown between them: a radial mixture (the default), a linear one, or the "
        "nearest map",
    )  # fmt: skip
    name: str | None = parameter(None, needs=VIEW, help="its name among the models")


def open_model(scene: Scene, asked: Open) -> Any:
    """Open a project's newest model, or that of one job, or another program's."""
    reading, path = Reading(asked.format, asked.between), asked.path
    if asked.epoch is not None or asked.zdim is not None:
        from ..models.opening import checkpoint_of

        path = checkpoint_of(Path(asked.path).expanduser(), asked.epoch, asked.zdim, asked.format)
    return scene.open(path, asked.name, reading)


OPEN = Action(
    "open", "Open a trained model: a project's newest, that of one job, or another program's", open_model, Open, SCENE,
    of_model=False,
    about="ChimeraX's plain open does the same, given the file project.flexrec in the project's folder, or any folder "
    "with format flexrec. The panel comes with it, the map is turned upright where nothing else is open, and Recent "
    "Files lists the project. Of a reconstruct job its map is opened, as flexrec maps does. No torch is needed to look "
    "at a model. A training that still runs can be opened from its first epoch on; flexrec watch keeps it current. A "
    "work folder of cryoDRGN opens the same way: its maps are decoded from its weights by FlexRec, and its UMAP, "
    "k-means clusters, states and landscapes are there. So does the folder of RECOVAR's pipeline: of several zdim the "
    "one that was analysed, or the one that is named; that of a job of cryoSPARC's 3D Variability or 3D Flex; and any "
    "folder of maps with a table of latents, or a numbered series. Where the files of two programs lie in one folder, "
    "format says which are meant.",
)  # fmt: skip


@dataclass(frozen=True)
class Demo:
    """Where the example is copied to."""

    folder: Path | None = parameter(
        None, positional=True, path=WRITE_FOLDER, help="where to copy it; if omitted, among your own data"
    )


def demo(scene: Scene, asked: Demo) -> Any:
    """The example that ships, in a project that may be written to."""
    from ..jobs.demo_project import unpack

    project = asked.folder or scene.own_folder() / "FlexRec demo"
    unpack(project)
    return scene.open_demo(project)


DEMO = Action(
    "demo", "Open a small trained example that ships with FlexRec", demo, Demo, SCENE, of_model=False,
    about="It is an antibody whose two arms swing, learned from 5,000 simulated noisy images, with its atoms, which "
    "follow. The project, without its images (which are made again when they are looked at), is copied the first time; "
    "what you do in it stays.",
)  # fmt: skip


@dataclass(frozen=True)
class Volume:
    """Where the map is shown."""

    where: str | None = parameter(
        None, choices=("mean", "rest"), positional=True,
        help="mean: of all particles, taken until another point was chosen; rest: the canonical map, not moved",
    )  # fmt: skip
    at: str | None = parameter(None, form=POINT, help="a point", example="0.4,-1.2")
    particle: int | None = parameter(None, low=0, help="the point of a particle, counted from 0")
    selection: str | None = parameter(None, help="the point of the particle in the middle of a selection")
    level: float | None = parameter(None, needs=VIEW, help="contour level")


def show_volume(scene: Scene, asked: Volume) -> Any:
    """The map at a point, at a particle's or a selection's, at the mean, at rest, or where it is."""
    if sum(value is not None for value in (asked.where, asked.at, asked.particle, asked.selection)) > 1:
        raise InputError("at, particle, selection, mean and rest exclude each other; give one.")
    z = _point(scene, asked)
    if asked.level is not None:
        scene.set_level(asked.level)
    return scene.show(z)


def _point(scene: Scene, asked: Volume) -> np.ndarray | None:
    """Latent point ``(K,)``; None for the canonical map at rest."""
    from ..explore.anchors import read_point
    from ..explore.centre import mean_point

    if asked.particle is not None:
        return _particle_point(scene, asked.particle)
    if asked.selection is not None:
        return scene.trained.latents[_central_particle(scene, asked.selection)]
    if asked.at is not None:
        return read_point(asked.at, scene.trained)
    if asked.where is None and scene.z is not None:
        return scene.z
    return None if asked.where == "rest" else mean_point(scene.trained.latents)


def _particle_point(scene: Scene, row: int) -> np.ndarray:
    count = len(scene.trained.latents)
    if row >= count:
        raise InputError(f"there is no particle {row}: the model was trained on {count}, counted from 0.")
    scene.say(f"the map at particle {row}")
    return scene.trained.latents[row]


def _central_particle(scene: Scene, name: str) -> int:
    """The particle that stands for a selection; says which it is."""
    from ..explore.selection_state import middle, selected

    chosen = selected(scene.trained, name)
    row = middle(scene.trained, chosen)
    scene.say(f"Selection {name}: the map is decoded at particle {row}, whose latent point is the nearest to the mean "
              f"of its {len(chosen)} particles.")  # fmt: skip
    return row


VOLUME = Action(
    "volume", "Show the map at a point of latent space", show_volume, Volume, SCENE,
    about="It is always the same Volume, so that its colour, level and style stay. Where no particle lies near, a "
    "warning says that nothing supports the map; a point more than half of the particles' range away from all of them "
    "is taken for a typing error and refused, here and in every command that takes points. undo goes back.",
)  # fmt: skip

SECTION = "Look at a model"
ACTIONS = (OPEN, DEMO, VOLUME)
