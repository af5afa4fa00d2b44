"""What the panel's commands about map, particles and states do outside ChimeraX; each returns what is to be said.

Their arguments are those of ChimeraX's commands of the same words.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QStandardPaths

from ..errors import InputError
from ..explore import cluster_file
from ..explore.anchors import read_point
from ..explore.bounds import read_box, whole_numbers
from ..explore.centre import mean_point
from ..explore.compare_states import HOW
from ..explore.embedding import make_embedding
from ..explore.export import save_particles
from ..explore.make_selection import select
from ..explore.named_states import apart, keep_state, kept_state, remove_state, two_states
from ..explore.particle_images import use_folder
from ..explore.selection_state import middle, selected
from ..jobs.demo_project import unpack
from ..particles.selection import Selection, load_selection, remove_selection, selection_names

if TYPE_CHECKING:
    from .slices_scene import SlicesScene


# ----- the model and its map -----


def open_project(scene: SlicesScene, path: Path) -> None:
    """The newest model of a project, or that of a job."""
    scene.open(path)


def open_demo(scene: SlicesScene, folder: Path | None = None) -> None:
    """The example that ships, in a project that may be written to."""
    data = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation))
    project = folder or data / "FlexRec demo"
    unpack(project)
    scene.open(project)


def show_volume(scene: SlicesScene, where=None, at=None, particle=None, selection=None) -> str | None:
    """The map at a point, a particle, a selection's middle, the mean, at rest, or where it is."""
    trained = scene.trained
    if sum(value is not None for value in (where, at, particle, selection)) > 1:
        raise InputError("at, particle, selection, mean and rest exclude each other; give one.")
    if selection is not None:
        particle = middle(trained, selected(trained, selection))
    if particle is not None:
        if particle >= len(trained.latents):
            raise InputError(f"there is no particle {particle}; they are counted from 0 to {len(trained.latents) - 1}.")
        scene.show(trained.latents[particle])
        return f"the map at particle {particle}"
    if at is not None:
        scene.show(read_point(at, trained))
    elif where == "rest":
        scene.show(None)
    elif where is None and scene.z is not None:
        scene.show(scene.z)
    else:
        scene.show(mean_point(trained.latents))
    return None


# ----- particles -----


def select_particles(
    scene: SlicesScene, name: str, axes="pc1,pc2", box=None, cluster=None, color=None, export=None, and_=(), or_=(),
    not_=(), **how,
) -> str:  # fmt: skip
    """Select particles, and keep the selection."""
    made = select(
        scene.trained, name, axes=axes.split(","), box=read_box(box), clusters=whole_numbers(cluster), both=and_,
        either=or_, without=not_, colour=color, **how,
    )  # fmt: skip
    return _count(made) + ("" if export is None else f"; {_write(scene, made, export)}")


def list_selections(scene: SlicesScene, remove=None) -> str:
    """The selections; one may be deleted first."""
    project = scene.trained.project
    if remove is not None:
        remove_selection(project, remove)
    return "\n".join(_count(load_selection(project, name)) for name in selection_names(project)) or "no selections yet"


def write_particles(scene: SlicesScene, file: Path, selection: str) -> str:
    """Write a selection's particles."""
    return _write(scene, selected(scene.trained, selection), file)


def _count(chosen: Selection) -> str:
    return f"{chosen.name}: {len(chosen)} of {chosen.count} particles"


def _write(scene: SlicesScene, chosen: Selection, file: Path) -> str:
    note = save_particles(scene.trained, chosen, file)
    return f"{len(chosen)} particles of {chosen.name} written to {file}" + (f"; {note}" if note else "")


def use_images(scene: SlicesScene, folder: Path) -> str:
    """Say in which folder the particle images are now."""
    return use_folder(scene.trained, folder)


def cluster(scene: SlicesScene, count: int, in_angstroms=False, seed=0) -> str:
    """Divide the particles into clusters."""
    made = cluster_file.make_clusters(scene.trained, count, in_angstroms, seed)
    return f"clusters of {', '.join(map(str, made.size))} particles"


def umap(scene: SlicesScene, **how) -> str:
    """A map of the latents in two dimensions."""
    return f"UMAP written to {make_embedding(scene.trained, **how)}"


# ----- states -----


def keep(scene: SlicesScene, name: str, at=None) -> None:
    """Keep a point under a name."""
    if scene.z is None and at is None:
        raise InputError("the map at rest is no state; click a point of the plot first.")
    keep_state(scene.trained, name, scene.z if at is None else read_point(at, scene.trained))


def show_state(scene: SlicesScene, name: str) -> None:
    """The map of a kept state."""
    scene.show(kept_state(scene.trained, name).z)


def forget_state(scene: SlicesScene, name: str) -> None:
    """Forget a kept state."""
    remove_state(scene.trained, name)


def compare(scene: SlicesScene, first: str, second: str, how: str = HOW[0]) -> str:
    """The maps of two kept states."""
    states = two_states(scene.trained, first, second)
    scene.compare(*states, how)
    return apart(scene.trained, *states)


def end_comparison(scene: SlicesScene) -> None:
    """Show what moves again."""
    scene.end_comparison()
