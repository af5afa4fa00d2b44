"""The terminal commands that select particles and send them on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .explore_commands import add_angstroms, add_command, say, trained_of
from .job_commands import add_project


def add_select(commands: Any) -> None:
    """The commands ``select``, ``selections`` and ``save``."""
    select = add_command(commands, "select", "select particles, and keep the selection in the project", make_selection)
    select.add_argument("--name", required=True, metavar="NAME", help="of the selection; one of that name is replaced")
    what = select.add_argument_group("which particles (all that is given must hold; all particles if nothing is)")
    what.add_argument("--lasso", metavar="FILE", help="inside an outline: a table of x and y in the plot of --axes")
    what.add_argument("--axes", metavar="X,Y", default="pc1,pc2", help="of --lasso: any two columns (default: pc1,pc2)")
    what.add_argument("--box", metavar="NAME=LOW:HIGH,…", help="columns within bounds: z1=-1:1,defocus=9e3:2e4")
    what.add_argument("--cluster", metavar="N,…", help="of these clusters: see flexrec cluster")
    what.add_argument("--where", metavar="TEXT", help="a condition, such as: defocus > 15000 and not class == 2")
    what.add_argument("--near", metavar="POINTS", help="near points, as flexrec path --through has them")
    what.add_argument("--count", type=int, metavar="N", help="so many nearest to each of --near")
    what.add_argument("--radius", type=float, metavar="X", help="all within this distance of --near")
    add_angstroms(what, "distances of --near in ångströms of motion instead of latent units")
    what.add_argument("--invert", action="store_true", help="all the others")
    join = select.add_argument_group("joined with earlier selections, in this order")
    join.add_argument("--and", metavar="NAME", action="append", dest="both", default=[], help="only those also in it")
    join.add_argument("--or", metavar="NAME", action="append", dest="either", default=[], help="and those in it")
    join.add_argument("--not", metavar="NAME", action="append", dest="without", default=[], help="but none in it")
    select.add_argument("--colour", metavar="#RRGGBB", help="to show it in (default: one that is free)")
    select.add_argument("--export", metavar="FILE", help="write its particles too: as flexrec save particles does")
    listed = commands.add_parser("selections", help="list the selections of a project", allow_abbrev=False)
    add_project(listed)
    listed.add_argument("--remove", metavar="NAME", help="delete this one first")
    listed.set_defaults(command=list_selections)
    save = commands.add_parser("save", help="write the particles of a selection", allow_abbrev=False)
    things = save.add_subparsers(metavar="particles", required=True, parser_class=type(save))
    particles = things.add_parser("particles", help="as .star, .cs, or a list of row numbers", allow_abbrev=False)
    particles.add_argument("file", metavar="FILE", help=".star, .cs, or row numbers as .txt, .npy or .npz")
    particles.add_argument("--selection", required=True, metavar="NAME", help="which particles")
    particles.add_argument("--job", metavar="JOB", help="the train job that they belong to (default: the newest)")
    add_project(particles)
    particles.set_defaults(command=save_particles)


def make_selection(chosen: argparse.Namespace) -> int:
    """``flexrec select …``."""
    from ..explore import export
    from ..explore.bounds import read_box, whole_numbers
    from ..explore.make_selection import select

    trained = trained_of(chosen)
    selection = select(
        trained, chosen.name, lasso=Path(chosen.lasso) if chosen.lasso else None, axes=chosen.axes.split(","),
        box=read_box(chosen.box), clusters=whole_numbers(chosen.cluster), where=chosen.where, near=chosen.near,
        count=chosen.count, radius=chosen.radius, in_angstroms=chosen.in_angstroms, invert=chosen.invert,
        both=chosen.both, either=chosen.either, without=chosen.without, colour=chosen.colour,
    )  # fmt: skip
    print(_line(selection))
    if chosen.export:
        note = export.save_particles(trained, selection, Path(chosen.export))
        say(f"{len(selection)} particles written to {chosen.export}")
        if note:
            say(note)
    return 0


def list_selections(chosen: argparse.Namespace) -> int:
    """``flexrec selections``."""
    from ..particles.selection import load_selection, remove_selection, selection_names

    project = Path(chosen.project)
    if chosen.remove:
        remove_selection(project, chosen.remove)
    names = selection_names(project)
    for name in names:
        print(_line(load_selection(project, name)))
    if not names:
        print("no selections yet")
    return 0


def save_particles(chosen: argparse.Namespace) -> int:
    """``flexrec save particles FILE --selection NAME``."""
    from ..explore.export import save_particles as write
    from ..explore.selection_state import selected

    trained = trained_of(chosen)
    selection = selected(trained, chosen.selection)
    note = write(trained, selection, Path(chosen.file))
    say(f"{len(selection)} particles of {selection.name}")
    if note:
        say(note)
    print(Path(chosen.file).absolute())
    return 0


def _line(selection: Any) -> str:
    share = 100 * len(selection) / selection.count
    size = f"{len(selection)} of {selection.count} ({share:.1f}%)"
    return f"{selection.name}  {size}  {selection.colour}  {selection.made}"
