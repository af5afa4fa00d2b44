"""The small trained example that ships with FlexRec, as it is opened: with its atoms, in colours."""

from __future__ import annotations

from pathlib import Path

from chimerax.core.commands import quote_path_if_necessary, run

from .panel import wait_for_layout

_MOLECULE = "001-simulate/molecule.cif"
# heavy and light chain of either arm, which a hinge joins to the stem
_COLOURS = (("H", "#2f7fd1"), ("L", "#8fc4f5"), ("K", "#e07b1a"), ("M", "#f7c386"), ("H:204-", "#a9b0c2"),
            ("K:203-", "#d8d5cc"))  # fmt: skip
# its strands are built in code, with looser hydrogen bonds than those of proteins
_LOOSE = -0.1  # kcal/mol


def open_demo(session, project: Path):
    """Open the antibody whose arms swing, which lies in ``project``, and its atoms that follow."""
    alone = not session.models.list()
    model = run(session, f"flexrec open {quote_path_if_necessary(str(project / '004-train'))} name demo")
    molecule = run(session, f"open {quote_path_if_necessary(str(project / _MOLECULE))}")[0]
    map, atoms = model.map.atomspec, molecule.atomspec
    for words in (
        f"hide {atoms} atoms; cartoon {atoms}; dssp {atoms} energyCutoff {_LOOSE}",
        f"cartoon style {atoms} divisions 8 sides 8",  # enough for its size, and quick where a processor draws
        f"cartoon style {atoms} & coil width 1.2 thickness 1.2",
        f"cartoon style {atoms} & strand width 2.2 thickness 0.8 xsection oval",
        "; ".join(f"color {atoms}/{part}{'end' if part[-1] == '-' else ''} {colour}" for part, colour in _COLOURS),
        f"transparency {map} 75",
        f"flexrec follow {atoms} model {model.atomspec}",
        f"flexrec volume mean model {model.atomspec}",
    ):
        run(session, words)
    if session.ui.is_gui:
        wait_for_layout(session)  # the panel that came takes its place, before the molecule fills what is left
    # its stem down, and turned a little, so that its swinging arms, and arrows along the swing, have depth
    run(session, "view orient; turn x -90; turn y 25; turn x 10; view pad 0.12" if alone else "view")
    session.logger.info("Now try flexrec volume at 1,-1, flexrec mesh color strain, or flexrec flow.")
    return model

