"""``flexrec show``, ``maps``, ``mesh``, ``flow``, ``follow``, ``unfollow``, ``save atoms``: what needs the 3D view.

What they do stands in ``commands/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..parameters import WRITE, parameter
from .action import VIEW, Action
from .queue_actions import JobName
from .text_forms import POINT, STRUCTURES

MESH_COLOURS = ("part", "rigidity", "strain", "agreement", "none")
SHOWN_MAPS = ("sharpened", "map", "local", "rigid", "halves")
MAP_COLOURS = ("none", "resolution", "gain")
MOST_ARROWS = 20_000
MEAN = "mean"


@dataclass(frozen=True)
class Show:
    """Of the panel."""

    when_opening: bool | None = parameter(None, help="whether it comes with every model that is opened, from now on")
    jobs: bool = parameter(False, help="show the window of jobs too")


SHOW = Action(
    "show", "Show the panel with the plot of latent space", None, Show, VIEW, of_model=False,
    about="What is done in it appears in the Log as the commands of this page.",
)  # fmt: skip


@dataclass(frozen=True)
class Maps(JobName):
    """Which maps of a reconstruction, and their colours."""

    show: str | None = parameter(
        None, choices=SHOWN_MAPS,
        help="which: sharpened, the map as it is, sharpened by local resolution, the rigid one beside it, or both "
        "half-maps; if omitted, the sharpened one where there is one, else the map",
    )  # fmt: skip
    color: str = parameter("none", choices=MAP_COLOURS, help="what the colours say")


MAPS = Action(
    "maps", "Open the maps of a reconstruct job, coloured by local resolution or by the gain over the rigid map", None,
    Maps, VIEW, of_model=False,
    about="Yellow is the finest local resolution, dark blue the coarsest. The gain is the local resolution of the "
    "rigid map minus that of the map under motion, in Å: blue is finer, red coarser, grey alike; only a map under "
    "motion has it. A key says which colour is how much, from the values on the surface. Maps that are open are "
    "coloured anew and stay as they are else; colours follow when the contour level is changed. The level is that "
    "which the job recommends.",
)  # fmt: skip


@dataclass(frozen=True)
class Mesh:
    """How the mesh is drawn."""

    color: str | None = parameter(None, choices=MESH_COLOURS, help="what its colours say; part at first")
    show: bool | None = parameter(None, help="false hides the mesh and its key")


MESH = Action(
    "mesh", "Show the tetrahedral mesh of the open model; with consensus FILE, start the job that builds one", None,
    Mesh, VIEW,
    about="Its outer edges and those in the molecule are lines that move with the map and hide nothing: coloured by "
    "part (where parts are joined, that of the last of them), by rigidity, by strain, from blue (none) to yellow "
    "(15% or more), or by agreement: the Å by which the two models of train halves true differ, where yellow is as "
    "much as the molecule moves; a key says which. The same word with parameters of the job (such as consensus), "
    "project or seed starts the job that builds a mesh.",
)  # fmt: skip


@dataclass(frozen=True)
class Flow:
    """How the flow is drawn."""

    count: int = parameter(500, low=1, high=MOST_ARROWS, unit="arrows", help="number of arrows at most, spread evenly")
    scale: float = parameter(1.0, low=0.001, high=1000, help="how many times as long as the motion they are")
    threshold: float = parameter(0.5, low=0, high=10_000, unit="Å", help="a motion below which there is no arrow")
    width: float = parameter(1.0, low=0.001, high=100, unit="Å", help="of their shafts")
    reference: str = parameter(MEAN, form=POINT, help="where the motion begins: mean, rest, or a point")
    show: bool = parameter(True, help="false hides the arrows")


FLOW = Action(
    "flow", "Show the flow to the shown point as arrows", None, Flow, VIEW,
    about="They say how the density moves from the reference to the shown point, where the map is above its contour "
    "level. Their colours, for which there is a key, say how far, up to about as far as it does between the particles.",
)  # fmt: skip


@dataclass(frozen=True)
class Structures:
    """Which atoms."""

    structures: str = parameter(form=STRUCTURES, positional=True, help="atomic models")


FOLLOW = Action(
    "follow", "Let atomic models move with the flow", None, Structures, VIEW,
    about="They must have been fitted to the consensus map, which the model lies on (a model of an older mesh begins "
    "at 0,0,0), or to the canonical map: show it with flexrec volume rest, then use fitmap. Atoms outside the mesh "
    "follow its edge.",
)  # fmt: skip
UNFOLLOW = Action(
    "unfollow", "Atomic models no longer move with the flow", None, Structures, VIEW,
    about="They go back to where they were.",
)  # fmt: skip


@dataclass(frozen=True)
class SaveAtoms:
    """Which states of which atoms."""

    file: Path = parameter(positional=True, path=WRITE, help="as the ends of names say: .pdb, .cif")
    what: str | None = parameter(None, choices=("path",), positional=True, help="path: every state of the path")
    at: str | None = parameter(None, form=POINT, help="at these points")
    ensemble: int | None = parameter(None, low=1, help="at the states of so many particles, drawn at random")
    seed: int = parameter(0, low=0, help="seed of that")
    uncertainty: bool = parameter(False, help="draw each state of an ensemble from within its particle's uncertainty")
    structures: str | None = parameter(None, form=STRUCTURES, help="which, where several follow")


SAVE_ATOMS = Action(
    "save atoms", "Write an atomic model at one state, along the path, or as an ensemble", None, SaveAtoms, VIEW,
    about="Of atoms that follow; as they are shown, if nothing is said. Several states are several models of a file.",
)  # fmt: skip

SECTION = "Look at a model"
ACTIONS = (SHOW, MAPS, MESH, FLOW, FOLLOW, UNFOLLOW, SAVE_ATOMS)
