"""``flexrec maps``: the maps of a reconstruct job, plain or in colours."""

from __future__ import annotations

from pathlib import Path

from chimerax.map_data import GridData

from ..actions.view_actions import Maps
from ..jobs.reconstruct.reconstructed_files import colour_files, map_files
from ..scene.reconstructed_maps import PLAIN, ReconstructedMaps, map_levels, values_of
from .opened import say_opened
from .projects import the_job
from .session_scene import SessionScene

_WORDS = {"resolution": "by local resolution", "gain": "by how much finer they are than the rigid map"}


def show_maps(scene: SessionScene, asked: Maps) -> ReconstructedMaps:
    """Open a job's maps, or take those that are open, and colour them; files are read while the window goes on."""
    session, folder = scene.session, the_job(scene.session, asked.job, asked.project).absolute()
    which, _ = map_files(folder, asked.show)
    if asked.color != PLAIN:
        colour_files(folder, asked.color)
    open_ones = _open_maps(session, folder, which)
    maps = open_ones or ReconstructedMaps(session, folder, which)

    def read() -> tuple[dict[Path, float], GridData | None]:
        return {} if open_ones else map_levels(folder, which), values_of(folder, asked.color)

    def show(files: tuple[dict[Path, float], GridData | None]) -> None:
        if not maps.deleted:
            _show(scene, maps, asked.color, *files)

    scene.work(read, show, f"reading {folder.name} …")
    return maps


def _show(
    scene: SessionScene, maps: ReconstructedMaps, colour: str, levels: dict[Path, float], grid: GridData | None
) -> None:
    """Colour maps, and put them into the scene, if they are new: then they have ``levels``."""
    session = scene.session
    try:
        if levels:
            maps.fill(levels)
        ends = maps.colour_by(colour, grid)
    except Exception:
        if levels:
            maps.delete()
        raise
    session.logger.status("")
    if levels:
        session.models.add([maps])
        scene.say(maps.sentence)
        say_opened(session, maps)
    if ends is not None:
        scene.say(f"Coloured {_WORDS[colour]}, from {ends[0]:.3g} to {ends[1]:.3g} Å.")


def _open_maps(session, folder: Path, which: str) -> ReconstructedMaps | None:
    """The newest of this kind that are open of this job."""
    models = [model for model in session.models.list(type=ReconstructedMaps)
              if model.folder == folder and model.which == which and model.maps]  # fmt: skip
    return models[-1] if models else None


FUNCTIONS = {"maps": show_maps}
