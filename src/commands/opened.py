"""What comes with a model that was opened: the panel, a first look at the map, and its place among recent files."""

from __future__ import annotations

from pathlib import Path

from chimerax.core.commands import run
from chimerax.core.filehistory import remember_file

from ..errors import InputError
from ..jobs.find_model import named_model, trained_folder
from ..jobs.reconstruct.reconstructed_files import is_reconstruction
from ..models import open_model as open_trained_model
from ..reading import Reading
from ..scene.lighting import light
from ..scene.reconstructed_maps import ReconstructedMaps
from ..scene.scene_model import FlexRecModel
from ..scene.settings import flexrec_settings
from .panel import show_panel

FIRST_LOOK = "view orient; turn x -90; view pad 0.2"  # z is up, as in the demo
FORMAT = "flexrec"


Opened = FlexRecModel | ReconstructedMaps


def open_model(session, path: Path, name: str | None = None, reading: Reading = Reading()) -> Opened:  # noqa: B008
    """Open the newest trained model of a project, or that of one job; of a reconstruct job its map."""
    models, sentence = read_path(session, path, name, reading)
    session.models.add(models)
    session.logger.info(sentence)
    say_opened(session, models[0])
    return models[0]


def read_path(
    session, path: str | Path, name: str | None = None, reading: Reading = Reading()  # noqa: B008
) -> tuple[list[Opened], str]:
    """The model of a project or a job, not yet in the scene, and a sentence about it."""
    named = named_model(Path(path).expanduser(), reading.format)
    folder = named if named.is_dir() else named.parent
    if not reading and is_reconstruction(folder):
        return _read_maps(session, folder, name)
    flow = open_trained_model(named, reading)
    model = FlexRecModel(session, folder, flow, name or _name_of(folder))
    if session.ui.is_gui:
        model.dragging.prepare()
    about = (
        f"{folder}: {len(flow.latents)} particles in {flow.latent_dims} latent dimension(s), {flow.box} voxels of "
        f"{flow.pixel_size:.4g} Å, {flow.progress}."
    )
    return [model], " ".join([about, *flow.notes])


def _name_of(folder: Path) -> str:
    """Its folder, and that in which it lies; RECOVAR's lies in two whose names say nothing: model/zdim_4."""
    above = folder.parent.parent if folder.parent.name == "model" else folder.parent
    return f"{above.name}/{folder.name}"


def _read_maps(session, folder: Path, name: str | None) -> tuple[list[Opened], str]:
    maps = ReconstructedMaps.of_job(session, folder)
    if name is not None:
        maps.name = name
    return [maps], maps.sentence


def say_opened(session, model: Opened) -> None:
    """A model is in the scene: show its map upright where nothing else is open, and in a window a model's panel."""
    own = model.all_models()
    if all(one in own for one in session.models.list()):
        light(session, model.box)
        run(session, FIRST_LOOK, log=False)
    if isinstance(model, ReconstructedMaps):
        remember_file(session, str(model.folder), FORMAT, [model])
        return
    remember_file(session, str(recent_place(model.folder)), FORMAT, [model])
    if session.ui.is_gui and flexrec_settings(session).panel_when_opening:
        show_panel(session)


def recent_place(job: Path) -> Path:
    """What opens the same model again, and is named as people know it: the project, unless it has a newer model."""
    try:
        newest = trained_folder(job.parent)
    except InputError:
        return job
    return job.parent if newest == job else job


class WhenAdded:
    """Says that a model was opened when ChimeraX, which reads it, has put it into the scene and looked at it."""

    def __init__(self, session, model: Opened) -> None:
        self._session, self._model = session, model
        self._handlers = [session.triggers.add_handler(name, self._look) for name in ("command finished", "new frame")]

    def _look(self, *_) -> None:
        if not self._model.deleted and self._model.id is None:
            return  # it is still being read
        for handler in self._handlers:
            handler.remove()
        if not self._model.deleted:
            say_opened(self._session, self._model)
