"""``flexrec maps``: the maps of a reconstruct job, plain or in colours."""

from __future__ import annotations

from pathlib import Path

from ..actions.view_actions import Maps
from ..jobs.reconstruct.reconstructed_files import map_files
from ..scene.reconstructed_maps import PLAIN, ReconstructedMaps
from .opened import say_opened
from .projects import the_job
from .session_scene import SessionScene

_WORDS = {"resolution": "by local resolution", "gain": "by how much finer they are than the rigid map"}


def show_maps(scene: SessionScene, asked: Maps) -> ReconstructedMaps:
    """Open a job's maps, or take those that are open, and colour them."""
    session, folder = scene.session, the_job(scene.session, asked.job, asked.project).absolute()
    which, _ = map_files(folder, asked.show)
    maps, new = _open_maps(session, folder, which), False
    if maps is None:
        maps, new = ReconstructedMaps.of_job(session, folder, which), True
    try:
        ends = maps.colour_by(asked.color)
    except Exception:
        if new:
            maps.delete()
        raise
    if new:
        session.models.add([maps])
        scene.say(maps.sentence)
        say_opened(session, maps)
    if asked.color != PLAIN and ends is not None:
        scene.say(f"Coloured {_WORDS[asked.color]}, from {ends[0]:.3g} to {ends[1]:.3g} Å.")
    return maps


def _open_maps(session, folder: Path, which: str) -> ReconstructedMaps | None:
    """The newest of this kind that are open of this job."""
    models = [model for model in session.models.list(type=ReconstructedMaps)
              if model.folder == folder and model.which == which and model.maps]  # fmt: skip
    return models[-1] if models else None


FUNCTIONS = {"maps": show_maps}
