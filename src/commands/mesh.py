"""``flexrec mesh``: shows the mesh of an open model, or, with a parameter of the job of that name, makes one."""

from __future__ import annotations

from chimerax.core.commands import BoolArg, CmdDesc, EnumOf

from ..errors import InputError
from ..jobs.registry import find_job
from ..scene.moving.mesh_model import COLOURS
from ..scene.scene_model import FlexRecModel
from .arguments import model_keyword, the_model
from .declared import keywords
from .starting import start_job


def flexrec_mesh(
    session, color: str | None = None, show: bool | None = None, model: FlexRecModel | None = None,
    project: str | None = None, seed: int | None = None, **values,
):  # fmt: skip
    """The tetrahedral mesh at the shown point, as lines; or the folder of the job that makes one."""
    if not (values or project is not None or seed is not None):
        return _show(the_model(session, model), color, show is not False)
    if (color, show, model) != (None, None, None):
        raise InputError(
            "color, show and model are for the mesh that is shown, the others for a job that makes one; give either."
        )
    return start_job(session, find_job("mesh"), project, seed or 0, values)


def _show(model: FlexRecModel, color: str | None, show: bool):
    if not show:
        if model.parts.mesh is not None:
            model.parts.mesh.display = False
        return model.parts.mesh
    return model.parts.show_mesh(color or (model.parts.mesh.colour if model.parts.mesh else "part"))


def commands() -> list[tuple]:
    """Words, description and function of each."""
    showing = [("color", EnumOf(COLOURS)), ("show", BoolArg), model_keyword()]
    return [
        ("mesh", CmdDesc(
            keyword=[*showing, *keywords(find_job("mesh"))],
            synopsis="Show the tetrahedral mesh of the open model; with consensus FILE, start the job that builds one"),
         flexrec_mesh),
    ]  # fmt: skip
