"""``flexrec open`` and ``flexrec volume``: a trained model, and its map at a point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from chimerax.core.commands import CmdDesc, EnumOf, FileNameArg, StringArg
from chimerax.core.errors import UserError

from ..decoder_process import EngineError
from ..errors import InputError
from ..explore.anchors import point_text, read_point
from ..explore.centre import mean_point
from ..explore.selection_state import middle, selected
from ..jobs.find_model import trained_folder
from ..models import open_model
from ..scene.scene_model import FlexRecModel
from .arguments import AnchorArg, NumberArg, model_keyword, the_model, whole
from .opened import say_opened


def flexrec_open(session, path: str, name: str | None = None) -> FlexRecModel:
    """Open the newest trained model of a project, or that of one job."""
    models, said = read_path(session, path, name)
    session.models.add(models)
    session.logger.info(said)
    say_opened(session, models[0])
    return models[0]


def read_path(session, path: str, name: str | None = None) -> tuple[list[FlexRecModel], str]:
    """The model of a project or a job, not yet in the scene, and a sentence about it."""
    folder = trained_folder(Path(path).expanduser())
    flow = open_model(folder)
    model = FlexRecModel(session, folder, flow, name or f"{folder.parent.name}/{folder.name}")
    if session.ui.is_gui:
        model.dragging.prepare()
    return [model], (
        f"{folder}: {len(flow.latents)} particles in {flow.latent_dims} latent dimension(s), {flow.box} voxels of "
        f"{flow.pixel_size:.4g} Å, {flow.progress}."
    )


def flexrec_volume(
    session, where: str | None = None, at: str | None = None, particle: int | None = None,
    selection: str | None = None, level: float | None = None, model: FlexRecModel | None = None,
):  # fmt: skip
    """The map at a point, at a particle's or a selection's, at the mean of all, or at rest, always in the same Volume.

    Particles are counted from 0, as in lists of row numbers. A selection's map is that of its most central particle.
    """
    model = the_model(session, model)
    if sum(value is not None for value in (where, at, particle, selection)) > 1:
        raise InputError("at, particle, selection, mean and rest exclude each other; give one.")
    if selection is not None:
        particle = central_particle(session, model, selection)
    stays = where is at is particle is None and model.z is not None
    z = model.z if stays else chosen_point(model, where, at, particle)
    if level is not None:
        model.want_map().set_parameters(surface_levels=[level])
    show(session, model, z)
    return model.map


def chosen_point(model: FlexRecModel, where: str | None, at: str | None, particle: int | None) -> np.ndarray | None:
    """Latent point ``(K,)``, the mean if nothing is said; None for the canonical map at rest."""
    if particle is not None:
        count = len(model.learned.latents)
        if particle >= count:
            raise InputError(f"there is no particle {particle}: the model was trained on {count}, counted from 0.")
        return model.learned.latents[particle]
    if at is not None:
        return read_point(at, model.trained)
    return None if where == "rest" else mean_point(model.learned.latents)


def central_particle(session, model: FlexRecModel, name: str) -> int:
    """The particle that stands for a selection; says which it is."""
    chosen = selected(model.trained, name)
    row = middle(model.trained, chosen)
    session.logger.info(f"Selection {name}: the map is decoded at particle {row}, whose latent point is the nearest to "
                        f"the mean of its {len(chosen)} particles.")  # fmt: skip
    return row


def show(session, model: FlexRecModel, z: np.ndarray | None) -> None:
    """Show a point so that it can be undone, say it whole, and warn where there are no particles."""
    if z is not None:
        z = model.trained.point(z)
        warn_outside(session, model, z)
    session.undo.register(_Shown(model, model.z, z))
    model.player.leave()
    model.want_map()
    model.show(z)
    model.point_status.rest(model.z)


def warn_outside(session, model: FlexRecModel, z: np.ndarray) -> None:
    """Warn where there are no particles."""

    def answered(facts: dict, _: None) -> None:
        if facts["outside"][0]:
            session.logger.warning(f"z = {point_text(z)} lies outside the data: no particle supports this map.")

    model.ask("support", {"z": [z.tolist()]}, answered, channel="support")


class _Shown:
    """Going from one point to another, for ChimeraX's undo."""

    name = "flexrec volume"
    can_redo = True

    def __init__(self, model: FlexRecModel, before: np.ndarray | None, after: np.ndarray | None) -> None:
        self._model, self._before, self._after = model, before, after

    def undo(self) -> None:
        """Back to where it was."""
        self._go(self._before)

    def redo(self) -> None:
        """There again."""
        self._go(self._after)

    def _go(self, z: np.ndarray | None) -> None:
        if self._model.deleted:
            return
        try:
            self._model.player.leave()
            self._model.show(z)
            self._model.point_status.rest(z)
        except (InputError, EngineError) as error:
            raise UserError(str(error)) from error


def commands() -> list[tuple]:
    """Words, description and function of each."""
    return [
        ("open", CmdDesc(
            required=[("path", FileNameArg)], keyword=[("name", StringArg)],
            synopsis="Open a trained FlexRec model: a project's newest, or that of one job"), flexrec_open),
        ("volume", CmdDesc(
            optional=[("where", EnumOf(("mean", "rest")))],
            keyword=[("at", AnchorArg), ("particle", whole(0)), ("selection", StringArg), ("level", NumberArg()),
                     model_keyword()],
            synopsis="Show the map at a point of latent space"), flexrec_volume),
    ]  # fmt: skip
