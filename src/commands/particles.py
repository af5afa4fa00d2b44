"""``flexrec select``, ``selections``, ``save particles`` and ``images``: which particles, and where they go."""

from __future__ import annotations

from pathlib import Path

from chimerax.core.commands import (
    BoolArg,
    CmdDesc,
    ColorArg,
    OpenFileNameArg,
    OpenFolderNameArg,
    RepeatOf,
    SaveFileNameArg,
    StringArg,
)

from ..explore.bounds import read_box, whole_numbers
from ..explore.export import save_particles
from ..explore.make_selection import select
from ..explore.particle_images import use_folder
from ..explore.selection_state import selected
from ..particles.selection import Selection, load_selection, remove_selection, selection_names
from ..scene.scene_model import FlexRecModel
from .arguments import AnchorArg, NumberArg, model_keyword, the_model, whole
from .tables import Link, log_table

FAR = 1e9  # of a radius, Å or latent units


def flexrec_select(
    session, name: str, lasso: str | None = None, axes: str = "pc1,pc2", box: str | None = None,
    cluster: str | None = None, where: str | None = None, near: str | None = None, count: int | None = None,
    radius: float | None = None, in_angstroms: bool = False, invert: bool = False, and_: list[str] = (),
    or_: list[str] = (), not_: list[str] = (), color=None, export: str | None = None,
    model: FlexRecModel | None = None,
) -> dict:  # fmt: skip
    """Select the particles for which all that is given holds, and keep the selection in the project."""
    model = the_model(session, model)
    chosen = select(
        model.trained, name, lasso=Path(lasso).expanduser() if lasso else None, axes=axes.split(","),
        box=read_box(box), clusters=whole_numbers(cluster), where=where, near=near, count=count, radius=radius,
        in_angstroms=in_angstroms, invert=invert, both=and_, either=or_, without=not_,
        colour=None if color is None else "#{:02x}{:02x}{:02x}".format(*color.uint8x4()[:3]),
    )  # fmt: skip
    _log(session, model, f"Selection {name}", [chosen])
    if export:
        _write(session, model, chosen, export)
    return _told(chosen)


def flexrec_selections(session, remove: str | None = None, model: FlexRecModel | None = None) -> list[dict]:
    """The selections of the model's project; one may be deleted first."""
    model = the_model(session, model)
    project = model.trained.project
    if remove is not None:
        remove_selection(project, remove)
    found = [load_selection(project, name) for name in selection_names(project)]
    if found:
        _log(session, model, f"Selections of {project.name}", found)
    else:
        session.logger.info("no selections yet")
    return [_told(one) for one in found]


def flexrec_save_particles(session, file: str, selection: str, model: FlexRecModel | None = None) -> dict:
    """Write a selection's particles: .star, .cs, or row numbers as .txt, .npy or .npz."""
    model = the_model(session, model)
    chosen = selected(model.trained, selection)
    _write(session, model, chosen, file)
    return _told(chosen)


def _told(chosen: Selection) -> dict:
    """All but which particles these are, of which there may be millions: the project's file has them."""
    return {"name": chosen.name, "particles": len(chosen), "of": chosen.count, "colour": chosen.colour,
            "made": chosen.made}  # fmt: skip


def _write(session, model: FlexRecModel, chosen: Selection, file: str) -> None:
    note = save_particles(model.trained, chosen, Path(file).expanduser())
    session.logger.info(f"{len(chosen)} particles of {chosen.name} written to {file}")
    if note:
        session.logger.info(note)


def flexrec_images(session, folder: str, model: FlexRecModel | None = None) -> None:
    """Say in which folder the particle images are now; the project remembers it."""
    session.logger.info(use_folder(the_model(session, model).trained, Path(folder).expanduser()))


def _log(session, model: FlexRecModel, caption: str, found: list[Selection]) -> None:
    rows = [
        (Link(one.name, f'flexrec volume selection "{one.name}" model #{model.id_string}'),
         f"{len(one)} of {one.count}", f"{100 * len(one) / one.count:.1f}%", one.colour, one.made)
        for one in found
    ]  # fmt: skip
    log_table(session, caption, ("selection", "particles", "share", "colour", "how"), rows)


def commands() -> list[tuple]:
    """Words, description and function of each."""
    names = RepeatOf(StringArg)
    return [
        ("select", CmdDesc(
            keyword=[("name", StringArg), ("lasso", OpenFileNameArg), ("axes", StringArg), ("box", StringArg),
                     ("cluster", StringArg), ("where", StringArg), ("near", AnchorArg), ("count", whole(1)),
                     ("radius", NumberArg(0, FAR)), ("in_angstroms", BoolArg), ("invert", BoolArg), ("and", names),
                     ("or", names), ("not", names), ("color", ColorArg), ("export", SaveFileNameArg),
                     model_keyword()],
            required_arguments=["name"],
            synopsis="Select particles, and keep the selection in the project"), flexrec_select),
        ("selections", CmdDesc(
            keyword=[("remove", StringArg), model_keyword()],
            synopsis="List the selections of the model's project"), flexrec_selections),
        ("save particles", CmdDesc(
            required=[("file", SaveFileNameArg)], keyword=[("selection", StringArg), model_keyword()],
            required_arguments=["selection"],
            synopsis="Write the particles of a selection"), flexrec_save_particles),
        ("images", CmdDesc(
            required=[("folder", OpenFolderNameArg)], keyword=[model_keyword()],
            synopsis="Say in which folder the particle images are now"), flexrec_images),
    ]  # fmt: skip
