"""``flexrec path …``, ``morph``, ``play``, ``pause``, ``scrub`` and ``record``: the path, played and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..explore.playback import MOST_FRAMES, Playing
from ..parameters import READ, WRITE, parameter
from .action import OPTIONS, SCENE, VIEW, WORDS, Action, NoParameters
from .action_scene import Scene
from .text_forms import POINT

if TYPE_CHECKING:
    from ..explore.path import LatentPath

DAY = 86_400.0  # seconds
QUALITIES = ("low", "fair", "medium", "good", "high", "higher", "highest")


def _frames() -> Any:
    return parameter(None, low=2, high=MOST_FRAMES,
                     help="states; if omitted, 30, or the points of a file as they are")  # fmt: skip


def _in_angstroms() -> bool:
    return parameter(False, help="constant speed, and the shortest way, in ångströms of motion instead of latent units")


@dataclass(frozen=True)
class States:
    """What every path can be told."""

    frames: int | None = _frames()
    in_angstroms: bool = _in_angstroms()
    name: str | None = parameter(None, help="its name, which is shown with it")
    output: Path | None = parameter(
        None, path=WRITE, help="a .json to keep it in, for flexrec generate; in a terminal, path.json if omitted"
    )


@dataclass(frozen=True)
class AlongAxis(States):
    """What a path along an axis can be told."""

    range: tuple[float, float] = parameter(
        (5.0, 95.0), low=0, high=100, unit="%", help="where it begins and ends, percentiles of the particles"
    )
    at: str | None = parameter(None, form=POINT, help="the point that it goes through; if omitted, the median particle")


@dataclass(frozen=True)
class AnyPath(AlongAxis):
    """A path of whichever kind."""

    axis: str | None = parameter(
        None, positional=True, one_of="kind", help="along pc1, pc2, … (motion, strongest first) or z1, z2, …"
    )
    through: str | None = parameter(None, form=POINT, needs=OPTIONS, one_of="kind", help="straight from point to point")
    graph: str | None = parameter(
        None, form=POINT, needs=OPTIONS, one_of="kind", help="from point to point over neighbouring particles"
    )
    points: Path | None = parameter(
        None, path=READ, needs=OPTIONS, one_of="kind",
        help="the points of a .json, .csv, .txt, .npy or .npz, in their order",
    )  # fmt: skip


def _make(scene: Scene, states: States, **how: Any) -> LatentPath:
    """A path, as ``how`` says to `make_path`."""
    from ..explore.make_path import describe_path, make_path, write_path
    from ..explore.path import LatentPath

    path = make_path(scene.trained, frames=states.frames, in_angstroms=states.in_angstroms, **how)
    if states.name is not None:
        path = LatentPath(path.z, states.name, path.kind)
    output = states.output or scene.path_file
    if output is not None:
        write_path(scene.trained, path, output)
    scene.use_path(path)
    scene.say(describe_path(scene.trained, path))
    if output is not None:
        scene.wrote(output)
    return path


def _current_path(scene: Scene) -> LatentPath:
    if scene.path is None:
        raise InputError("there is no path yet; make one, such as flexrec path pc 1.")
    return scene.path


def path_of_any_kind(scene: Scene, asked: AnyPath) -> LatentPath:
    """Make a path; where nothing is asked, say what the path is."""
    from ..explore.make_path import describe_path

    kinds = {name: getattr(asked, name) for name in ("axis", "through", "graph", "points")}
    if any(kinds.values()):
        return _make(scene, asked, percentiles=asked.range, at=asked.at, **kinds)
    if asked != AnyPath():
        raise InputError("a path along what? Name an axis too, such as flexrec path pc1.")
    path = _current_path(scene)
    scene.say(describe_path(scene.trained, path))
    return path


PATH = Action(
    "path", "Say what the path is, or make one along an axis", path_of_any_kind, AnyPath,
    about="The path through latent space is what is played and recorded. In a terminal it is written to a file, for "
    "flexrec generate; there, a path through points, over the graph or of a file is asked for by an option.",
)  # fmt: skip


@dataclass(frozen=True)
class Component(AlongAxis):
    """A path along an axis that is counted."""

    number: int = parameter(low=1, positional=True, help="number of the axis or component, counted from 1")


def path_pc(scene: Scene, asked: Component) -> LatentPath:
    """A path along a principal component."""
    return _make(scene, asked, axis=f"pc{asked.number}", percentiles=asked.range, at=asked.at)


def path_z(scene: Scene, asked: Component) -> LatentPath:
    """A path along a latent axis."""
    return _make(scene, asked, axis=f"z{asked.number}", percentiles=asked.range, at=asked.at)


PATH_PC = Action(
    "path pc", "Make a path along a principal component of the motion", path_pc, Component, WORDS,
    about="1 is the strongest motion.",
)  # fmt: skip
PATH_Z = Action("path z", "Make a path along a latent axis", path_z, Component, WORDS)


@dataclass(frozen=True)
class Points(States):
    """A path from point to point."""

    points: tuple[str, ...] = parameter(form=POINT, positional=True, repeated=True, help="the points, in their order")


def path_through(scene: Scene, asked: Points) -> LatentPath:
    """A path straight from point to point."""
    return _make(scene, asked, through=";".join(asked.points))


def path_graph(scene: Scene, asked: Points) -> LatentPath:
    """A path over neighbouring particles."""
    return _make(scene, asked, graph=";".join(asked.points))


PATH_THROUGH = Action(
    "path through", "Make a path straight from point to point", path_through, Points, WORDS
)  # fmt: skip
PATH_GRAPH = Action(
    "path graph", "Make a path over neighbouring particles", path_graph, Points, WORDS,
    about="It goes from point to point, and stays where there are particles.",
)  # fmt: skip


@dataclass(frozen=True)
class PointsFile(States):
    """A path of a file."""

    file: Path = parameter(positional=True, path=READ, help="a .json, .csv, .txt, .npy or .npz")


def path_points(scene: Scene, asked: PointsFile) -> LatentPath:
    """The points of a file as the path."""
    return _make(scene, asked, points=asked.file)


PATH_POINTS = Action("path points", "Take the points of a file as the path", path_points, PointsFile, WORDS)


# ----- playing -----


@dataclass(frozen=True)
class PlaybackParameters:
    """How a path is played."""

    speed: float | None = parameter(None, low=0.001, high=1000, help="states a second; 10 if nothing is said")
    seconds: float | None = parameter(None, low=0.001, high=DAY, unit="s", help="duration, in place of speed")
    loop: bool = parameter(False, help="repeat until stopped")
    bounce: bool = parameter(False, help="and back again to where it began")


@dataclass(frozen=True)
class Morph(PlaybackParameters):
    """From state to state."""

    first: str = parameter(form=POINT, positional=True, help="where it begins")
    last: str = parameter(form=POINT, positional=True, help="where it ends")
    frames: int | None = _frames()
    in_angstroms: bool = _in_angstroms()


def morph(scene: Scene, asked: Morph) -> LatentPath:
    """From state to state, played at once."""
    states = States(frames=asked.frames, in_angstroms=asked.in_angstroms, name=f"morph {asked.first} {asked.last}")
    path = _make(scene, states, through=f"{asked.first};{asked.last}")
    _play(scene, asked)
    return path


def _play(scene: Scene, playback: PlaybackParameters, reverse: bool = False) -> None:
    states = len(_current_path(scene))
    scene.play(Playing.of(states, playback.speed, playback.seconds, loop=playback.loop, bounce=playback.bounce,
                          reverse=reverse))  # fmt: skip


MORPH = Action(
    "morph", "Move from state to state through the model", morph, Morph, SCENE,
    about="The path goes through the states that the model has between the two, and is played at once.",
)  # fmt: skip


@dataclass(frozen=True)
class Play(PlaybackParameters):
    """How a path is played, or that it is not."""

    what: str | None = parameter(
        None, choices=("stop",), positional=True, help="stop: stop, and begin with the first state next time"
    )
    reverse: bool = parameter(False, help="from the last state to the first")


def play(scene: Scene, asked: Play) -> None:
    """Play the path, or stop."""
    if asked.what == "stop":
        scene.stop()
    else:
        _play(scene, asked, asked.reverse)


PLAY = Action(
    "play", "Play the path", play, Play, SCENE,
    about="It goes on until it ends. While movie record is on, each frame is the next state with its true map, as "
    "often as states are on the way.",
)  # fmt: skip
PAUSE = Action(
    "pause", "Pause where the path is now", lambda scene, _: scene.pause(), NoParameters, SCENE,
    about="flexrec play goes on from there.",
)  # fmt: skip


@dataclass(frozen=True)
class Scrub:
    """A place of the path."""

    place: float | None = parameter(
        None, low=0, high=1, positional=True, help="place on the path: 0 is the first state, 1 the last"
    )
    frame: int | None = parameter(None, low=1, help="number of the state, counted from 1, instead")


def scrub(scene: Scene, asked: Scrub) -> Any:
    """One state of the path, by its place or its number."""
    if (asked.place is None) == (asked.frame is None):
        raise InputError("say where: a place from 0 to 1, or frame and a number from 1.")
    count = len(_current_path(scene))
    if asked.frame is not None and asked.frame > count:
        raise InputError(f"there is no frame {asked.frame}: the path has {count}, counted from 1.")
    scene.scrub(asked.place if asked.frame is None else (asked.frame - 1) / max(count - 1, 1))
    return scene.z


SCRUB = Action("scrub", "Show one state of the path", scrub, Scrub, SCENE)


# ----- movies -----


@dataclass(frozen=True)
class Movie:
    """What a movie shall be like."""

    file: Path = parameter(positional=True, path=WRITE, help="the movie; the end of its name says the format")
    size: tuple[int, int] | None = parameter(None, unit="pixels", help="width and height; if omitted, as it is shown")
    supersample: int = parameter(1, low=1, high=8, needs=VIEW, help="pixels that are drawn for each, along each side")
    framerate: float = parameter(25.0, low=0.1, high=240, help="frames a second")
    quality: str = parameter("good", choices=QUALITIES, needs=VIEW, help="of the picture, which costs space")
    bounce: bool = parameter(False, help="and back again to where it began")
    reverse: bool = parameter(False, help="from the last state to the first")
    inset: bool = parameter(False, help="show also where in latent space the movie is")
    keep_frames: bool = parameter(False, help="keep the single frames too, in a folder beside it")
    spin: float = parameter(
        0.0, low=-36_000, high=36_000, unit="degrees", needs=VIEW, help="turn about the vertical by so much in all"
    )


def record(scene: Scene, movie: Movie) -> Any:
    """Record the path, one frame for each state."""
    path = _current_path(scene)
    if len(path) < 2:
        raise InputError("a movie needs two states or more, and the path has one; make a longer path.")
    if scene.recorded is not None:
        raise InputError("a movie is being recorded already; wait, or run flexrec record stop.")
    return scene.record(path, movie)


def stop_recording(scene: Scene, _: NoParameters) -> None:
    """Record no more, and leave no file."""
    if scene.recorded is None:
        raise InputError("no movie is being recorded.")
    scene.stop_recording()


RECORD = Action(
    "record", "Record the path as a movie", record, Movie, SCENE,
    about="One frame for each state, each truly decoded, at the contour level as it is. The camera stands, spins, or "
    "moves on as the scene does: a motion that is under way, such as turn y 1 360, makes a step for each frame.",
)  # fmt: skip
RECORD_STOP = Action(
    "record stop", "Stop recording", stop_recording, NoParameters, SCENE, about="No file is left."
)  # fmt: skip

SECTION = "Paths and movies"
ACTIONS = (PATH, PATH_PC, PATH_Z, PATH_THROUGH, PATH_GRAPH, PATH_POINTS, MORPH, PLAY, PAUSE, SCRUB, RECORD, RECORD_STOP)
