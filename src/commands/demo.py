"""``flexrec demo``: the small trained example that ships with FlexRec, in a project that may be written to."""

from __future__ import annotations

from pathlib import Path

from chimerax.core.commands import CmdDesc, SaveFolderNameArg, quote_path_if_necessary, run

from ..jobs.shipped import unpack

_MOLECULE = "001-simulate/molecule.cif"


def flexrec_demo(session, folder: str | None = None):
    """Open an antibody whose arms swing, learned from simulated images, and its atoms that follow.

    The project is copied into ``folder``, by default among the user's own data of ChimeraX; what was done there stays.
    """
    alone = not session.models.list()
    project = _user_folder() if folder is None else Path(folder).expanduser()
    unpack(project)
    model = run(session, f"flexrec open {quote_path_if_necessary(str(project / '004-train'))} name demo")
    molecule = run(session, f"open {quote_path_if_necessary(str(project / _MOLECULE))}")[0]
    for words in (
        f"hide {molecule.atomspec} atoms; cartoon {molecule.atomspec}; color {molecule.atomspec} bychain",
        f"transparency {model.map.atomspec} 60",
        f"flexrec follow {molecule.atomspec} model {model.atomspec}",
        f"flexrec volume mean model {model.atomspec}",
        "view orient; turn x -90; view pad 0.2" if alone else "view",
    ):
        run(session, words)
    session.logger.info("Now try flexrec volume at 1,-1, flexrec mesh color strain, or flexrec flow.")
    return model


def _user_folder() -> Path:
    from chimerax import app_dirs_unversioned

    return Path(app_dirs_unversioned.user_data_dir) / "FlexRec demo"


def commands() -> list[tuple]:
    """Words, description and function of each."""
    return [
        ("demo", CmdDesc(
            keyword=[("folder", SaveFolderNameArg)],
            synopsis="Open a small trained example that ships with FlexRec"), flexrec_demo),
    ]  # fmt: skip
