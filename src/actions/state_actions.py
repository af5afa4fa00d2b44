"""``flexrec state …``: points that are kept under a name, shown again, and compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InputError
from ..explore.compare_states import HOW
from ..parameters import parameter
from .action import SCENE, Action, NoParameters
from .action_scene import Link, Scene, Table
from .text_forms import POINT

if TYPE_CHECKING:
    from ..explore.named_states import State


@dataclass(frozen=True)
class Name:
    """Which state."""

    name: str = parameter(positional=True, help="its name")


@dataclass(frozen=True)
class Keep(Name):
    """Which point, under which name."""

    at: str | None = parameter(None, form=POINT, help="the point; if omitted, the one that is shown")


def keep(scene: Scene, asked: Keep) -> State:
    """Keep the shown point, or another, under a name."""
    from ..explore.anchors import point_text, read_point
    from ..explore.named_states import keep_state

    z = scene.z if asked.at is None else read_point(asked.at, scene.trained)
    if z is None:
        raise InputError("the map at rest is no state; show the map at a point first, or give at and a point.")
    state = keep_state(scene.trained, asked.name, z)
    scene.say(f"state {asked.name}: z = {point_text(state.z)}")
    return state


def show_state(scene: Scene, asked: Name) -> State:
    """The map of a kept state."""
    from ..explore.named_states import kept_state

    state = kept_state(scene.trained, asked.name)
    scene.show(state.z)
    return state


def remove(scene: Scene, asked: Name) -> None:
    """Forget a kept state."""
    from ..explore.named_states import remove_state

    remove_state(scene.trained, asked.name)


def list_states(scene: Scene, _: NoParameters) -> list[State]:
    """The kept states."""
    from ..explore.anchors import point_text
    from ..explore.named_states import kept_states

    states = kept_states(scene.trained)
    rows = [(Link(state.name, f'flexrec state show "{state.name}"'), point_text(state.z)) for state in states]
    lines = () if states else ("no states yet",)
    scene.show_table(Table("States", ("state", "z"), rows, lines))
    return states


@dataclass(frozen=True)
class CompareStates:
    """Which two, and how."""

    first: str = parameter(positional=True, help="a kept state")
    second: str = parameter(positional=True, help="another one")
    how: str = parameter(HOW[0], choices=HOW, help="difference: second minus first; beside: one beside the other")


def compare_states(scene: Scene, asked: CompareStates) -> None:
    """The maps of two kept states, in the place of the moving one."""
    from ..explore.named_states import apart, two_states

    states = two_states(scene.trained, asked.first, asked.second)
    scene.say(apart(scene.trained, *states))
    scene.compare(*states, asked.how)


KEEP = Action(
    "state keep", "Keep the shown point under a name", keep, Keep,
    about="A state of the same name is replaced. States are kept in the project; the name may stand wherever a point "
    "is asked for: flexrec morph open closed.",
)  # fmt: skip
SHOW = Action("state show", "Show the map of a kept state", show_state, Name, SCENE)
REMOVE = Action("state remove", "Forget a kept state", remove, Name)
LIST = Action("state list", "List the kept states", list_states)
COMPARE = Action(
    "state compare", "Compare the maps of two kept states", compare_states, CompareStates, SCENE,
    about="It is said how far they are apart, in ångströms. The difference is red where the first has more density, "
    "blue where the second has, in ChimeraX within the first map, which is grey and transparent; or both are shown "
    "side by side, the first on the left. What moves (map, mesh, arrows, and atoms that follow) is hidden meanwhile. A "
    "key says which colour is which, and the Log at which density the contours are, also in units of σ, the root mean "
    "square of the difference or of the first map. The maps are models of their own: to keep one, save it. One "
    "comparison is shown at a time. It ends with flexrec state clear, and where the model goes to another point, by "
    "the hand, a command or a path that is played; what was hidden, and the view, are then as before.",
)  # fmt: skip
CLEAR = Action(
    "state clear", "End the comparison of two kept states", lambda scene, _: scene.end_comparison(), needs=SCENE,
    about="What moves is seen again; the kept states stay.",
)  # fmt: skip

SECTION = "Particles and states"
ACTIONS = (KEEP, SHOW, REMOVE, LIST, COMPARE, CLEAR)
